"""Answers of tiny models: batched, cut and stopped as a plain loop would."""

from __future__ import annotations

import json

import pytest
import torch

from repalign.checkpoints import Checkpoint
from repalign.errors import RepalignError
from repalign.models.generation import Generator, Prompt
from repalign.models.locating import locate

PROMPTS = [
    "The dog",
    "She reads a long book in the garden, and then",
    "狗在",
    "Ο σκύλος κοιμάται. Two birds sing. We eat bread and",
    "The dog",
]


@pytest.mark.parametrize("kind", ["llama", "gpt2", "opt"])
def test_batched_answers_equal_single_ones(kind, tmp_path, save_model):
    sizes = {
        "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256},
        "opt": {"ffn_dim": 64, "word_embed_proj_dim": 32},
    }
    weights = locate(Checkpoint.named(str(save_model(tmp_path / kind, kind, **sizes.get(kind, {})))))
    together = Generator(weights, device="cpu", dtype="float32")
    alone = Generator(weights, device="cpu", dtype="float32", batch_tokens=1)
    answers = together.answer(PROMPTS, 12, progress=False)
    assert answers == alone.answer(PROMPTS, 12, progress=False)
    assert answers[0] == answers[-1]
    assert all(answer.tokens == 12 or answer.ended for answer in answers)


def test_answers_equal_a_plain_loop_and_stop_at_the_end(llama):
    generator = Generator(locate(Checkpoint.named(str(llama))), device="cpu", dtype="float32")
    with torch.no_grad():  # a model that ends every answer at its fourth token at the latest
        ids = torch.tensor([generator.tokenizer(PROMPTS[1])["input_ids"]])
        said = []
        for _ in range(8):
            said.append(int(generator.model(ids).logits[0, -1].argmax()))
            ids = torch.cat([ids, torch.tensor([[said[-1]]])], 1)
    (whole,) = generator.answer([PROMPTS[1]], 8, progress=False)
    assert whole.text == generator.tokenizer.decode(said, skip_special_tokens=True).strip()
    assert (whole.tokens, whole.ended) == (8, False)
    generator.model.generation_config.eos_token_id = [1, said[3]]
    (cut,) = generator.answer([PROMPTS[1]], 8, progress=False)
    place = said.index(said[3])
    assert (cut.tokens, cut.ended) == (place, True)
    assert cut.text == generator.tokenizer.decode(said[:place], skip_special_tokens=True).strip()


def test_settings_saved_beside_a_model_change_no_answer(tmp_path, save_model):
    folder = save_model(tmp_path / "plain")
    plain = Generator(locate(Checkpoint.named(str(folder))), device="cpu", dtype="float32")
    settings = json.loads((folder / "generation_config.json").read_text())
    settings |= {"repetition_penalty": 5.0, "no_repeat_ngram_size": 1, "min_new_tokens": 7, "do_sample": True}
    (folder / "generation_config.json").write_text(json.dumps(settings))
    own = Generator(locate(Checkpoint.named(str(folder))), device="cpu", dtype="float32")
    assert own.answer(PROMPTS, 12, progress=False) == plain.answer(PROMPTS, 12, progress=False)


def test_a_long_prompt_keeps_its_end_and_is_counted(llama):
    generator = Generator(locate(Checkpoint.named(str(llama))), device="cpu", dtype="float32")
    generator.context = 20
    long = "The dog sleeps. " * 20 + "Two birds sing."
    (answer,) = generator.answer([long], 8, progress=False)
    ids = generator.tokenizer(long)["input_ids"]
    assert answer.prompt_cut == len(ids) - 12
    kept = generator.fitted(ids, 12)
    assert kept == [ids[0], *ids[-11:]]
    with pytest.raises(RepalignError, match="too few for answers of 20"):
        generator.answer([long], 20, progress=False)


def test_an_encoder_answers_nothing(tmp_path, save_tokenizer):
    import transformers

    save_tokenizer(tmp_path)
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    transformers.BertModel(transformers.BertConfig(vocab_size=400, **small)).save_pretrained(tmp_path)
    with pytest.raises(RepalignError, match="no decoder side"):
        Generator(locate(Checkpoint.named(str(tmp_path))))


def test_an_encoder_decoder_answers_from_its_start(tmp_path, save_tokenizer):
    import transformers

    tokenizer = save_tokenizer(tmp_path)
    small = {
        "d_model": 32,
        "d_kv": 8,
        "d_ff": 64,
        "num_layers": 2,
        "num_heads": 4,
        "decoder_start_token_id": 2,
        "eos_token_id": 1,
    }
    torch.manual_seed(0)
    model = transformers.T5ForConditionalGeneration(
        transformers.T5Config(vocab_size=len(tokenizer), **small)
    ).eval()
    model.save_pretrained(tmp_path)
    generator = Generator(locate(Checkpoint.named(str(tmp_path))), device="cpu", dtype="float32")
    said = [2]
    with torch.no_grad():
        for _ in range(6):
            ids = torch.tensor([tokenizer(PROMPTS[1])["input_ids"]])
            said.append(
                int(model(input_ids=ids, decoder_input_ids=torch.tensor([said])).logits[0, -1].argmax())
            )
    found = generator.answer(PROMPTS, 6, progress=False)[1]
    upto = said.index(1) if 1 in said else 7
    assert found.tokens == upto - 1
    assert found.text == tokenizer.decode(said[1:upto], skip_special_tokens=True).strip()


def test_a_tokenizer_that_closes_its_texts_asks_the_same(llama, tmp_path):
    import shutil

    from tokenizers import processors
    from transformers import AutoTokenizer

    closing = shutil.copytree(llama, tmp_path / "closing")
    tokenizer = AutoTokenizer.from_pretrained(closing)
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    tokenizer.save_pretrained(closing)
    plain, closed = (
        Generator(locate(Checkpoint.named(str(path))), device="cpu", dtype="float32")
        for path in (llama, closing)
    )
    assert closed.tokenizer("a")["input_ids"][-1] == 1
    assert closed.answer(PROMPTS, 6, progress=False) == plain.answer(PROMPTS, 6, progress=False)


def test_what_a_tokenizer_puts_around_a_prompt_is_known_from_tokenizer_json_alone(llama, tmp_path):
    """[gMASK] begins every text, and the letter q, nowhere called special, ends it."""
    import shutil

    from tokenizers import processors
    from transformers import AutoTokenizer

    folder = shutil.copytree(llama, tmp_path / "alone")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    around = [("<pad>", 2), ("<s>", 0), ("q", tokenizer.convert_tokens_to_ids("q"))]
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<pad> <s> $A q", special_tokens=around
    )
    tokenizer.save_pretrained(folder)
    (folder / "tokenizer_config.json").unlink()
    generator = Generator(locate(Checkpoint.named(str(folder))), device="cpu", dtype="float32")
    assert generator.tokenizer.all_special_ids == []
    encoded = generator.encode(Prompt("Two birds sing quite a lot."))
    assert generator.tokenizer.decode(encoded.ids[2:]) == "Two birds sing quite a lot."
    assert generator.fitted(encoded.ids, 6) == [2, 0, *encoded.ids[-4:]]


def test_answers_of_learnt_positions_do_not_depend_on_the_batch(tmp_path, save_tokenizer):
    import torch
    import transformers

    save_tokenizer(tmp_path)
    torch.manual_seed(0)
    config = transformers.BartConfig(
        vocab_size=384, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, init_std=0.5,
        decoder_attention_heads=2, encoder_ffn_dim=48, decoder_ffn_dim=48, max_position_embeddings=64,
        bos_token_id=0, eos_token_id=1, pad_token_id=2, decoder_start_token_id=1, forced_eos_token_id=None,
    )  # fmt: skip
    transformers.BartForConditionalGeneration(config).save_pretrained(tmp_path)
    generator = Generator(locate(Checkpoint.named(str(tmp_path))), device="cpu", dtype="float32")
    together = generator.answer(PROMPTS, 8, progress=False)
    assert together == [generator.answer([prompt], 8, progress=False)[0] for prompt in PROMPTS]


def test_the_output_layer_reads_contiguous_states(llama):
    """Of a strided view, torch multiplies a copy of the output layer for each row: slower by far than all other layers."""
    generator = Generator(locate(Checkpoint.named(str(llama))), device="cpu", dtype="float32")
    seen = []
    head = generator.model.get_output_embeddings()
    head.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].is_contiguous()))
    generator.answer(PROMPTS, 3, progress=False)
    assert len(seen) >= 3
    assert all(seen)
