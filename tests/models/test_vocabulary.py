"""Ids outside the embedding never reach a model, and the checks at load do not depend on English."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from repalign import ParallelCorpus, extract
from repalign.checkpoints import Checkpoint
from repalign.errors import RepalignError
from repalign.evaluation.answering import answer
from repalign.evaluation.items import Item
from repalign.inside.run import look_inside
from repalign.models.engine import PROBE, Engine
from repalign.models.vocabulary import check_ids, embedding_rows, padding_id, some_rows

FEW = {"en": ["The dog sleeps.", "Two birds sing."], "el": ["Ο σκύλος κοιμάται.", "Δύο πουλιά κελαηδούν."]}


def with_token(folder, content: str, role: str = "", first: bool = False):
    """The checkpoint in a folder, whose tokenizer has one more token than the model has rows."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    if role:
        setattr(tokenizer, role, content)
    tokenizer.add_tokens([content], special_tokens=bool(role))
    if first:
        tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{content} $A", special_tokens=[(content, len(tokenizer) - 1)]
        )
    tokenizer.save_pretrained(folder)
    return Checkpoint.named(str(folder))


@pytest.mark.parametrize("kind", ["llama", "bert"])
def test_a_padding_token_outside_the_embedding_changes_nothing(save_model, tmp_path, kind):
    make = save_model if kind == "llama" else save_encoder(save_model)
    plain = extract(Checkpoint.named(str(make(tmp_path / "plain"))), FEW)
    other = extract(with_token(make(tmp_path / "other"), "[PAD]", "pad_token"), FEW)
    for layer in plain.layers:
        np.testing.assert_allclose(other.layer("el", layer), plain.layer("el", layer), atol=1e-6)


def save_encoder(save_model):
    def save(folder):
        save_model(folder)
        config = transformers.BertConfig(
            vocab_size=384, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48
        )
        torch.manual_seed(0)
        transformers.BertForMaskedLM(config).save_pretrained(folder)
        return folder

    return save


def test_answers_with_a_padding_token_outside_the_embedding(save_model, tmp_path):
    items = [
        Item(str(row), "en", text, "", ("-",))
        for row, text in enumerate(("The dog", "Two birds sing in a tree"))
    ]
    plain, other = save_model(tmp_path / "plain"), save_model(tmp_path / "other")
    expected = answer(Checkpoint.named(str(plain)), items, "t", 5, template="raw")
    found = answer(with_token(other, "[PAD]", "pad_token"), items, "t", 5, template="raw")
    assert found.texts == expected.texts


def test_a_token_outside_the_embedding_is_refused_wherever_it_is_read(save_model, tmp_path):
    outside = with_token(save_model(tmp_path / "m"), "birds")
    message = "token 'birds' has id 384, but the model's embedding has 384 rows; .*resize"
    with pytest.raises(RepalignError, match=message):
        extract(outside, FEW)
    with pytest.raises(RepalignError, match=message):
        answer(outside, [Item("1", "en", "Two birds", "", ("-",))], "t", 5)
    corpus = ParallelCorpus(
        "birds", {lang: [f"{n} birds {lang}" for n in range(24)] for lang in ("en", "el")}
    )
    with pytest.raises(RepalignError, match=message):
        look_inside(outside, corpus, progress=False)
    assert extract(outside, {"en": ["The dog sleeps.", "Yes!"]}).n_sentences == 2, "other sentences are read"


@pytest.mark.parametrize("role", ["bos_token", "cls_token"])
def test_a_token_that_the_tokenizer_adds_is_refused_likewise_and_no_check_shows_its_own_sentences(
    save_model, tmp_path, role
):
    outside = with_token(save_model(tmp_path / "m"), "<begin>", role, first=True)
    for read in (
        lambda: extract(outside, FEW),
        lambda: answer(outside, [Item("1", "en", "Two", "", ("-",))], "t", 5),
    ):
        with pytest.raises(RepalignError, match="token '<begin>' has id 384") as refused:
            read()
        assert not any(sentence in str(refused.value) for sentence in PROBE)


def test_the_end_of_text_outside_the_embedding_is_refused_too(save_model, tmp_path):
    folder = save_model(tmp_path / "m")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"eos_token": "<end>"})
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <end>", special_tokens=[("<end>", 384)]
    )
    tokenizer.save_pretrained(folder)
    checkpoint = Checkpoint.named(str(folder))
    assert extract(checkpoint, FEW).n_sentences == 2, "what follows a sentence is not read by a causal model"
    with pytest.raises(RepalignError, match="token '<end>' has id 384"):
        extract(checkpoint, FEW, pooling="mean-all")


def test_padding_is_the_tokenizers_or_zero():
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"a": 0, "b": 1, "<pad>": 2}, unk_token="a"))
    )
    assert [padding_id(tokenizer, 3, otherwise) for otherwise in (0, 1, 3)] == [0, 1, 0]
    tokenizer.pad_token = "<pad>"
    assert [padding_id(tokenizer, rows, 1) for rows in (3, 2, None)] == [2, 0, 2]


def test_ids_are_compared_with_the_rows_of_the_table(llama):
    model = transformers.AutoModelForCausalLM.from_pretrained(llama)
    tokenizer = transformers.AutoTokenizer.from_pretrained(llama)
    assert embedding_rows(model) == 384
    model.resize_token_embeddings(390)
    assert embedding_rows(model) == 390
    assert embedding_rows(torch.nn.Linear(2, 2)) is None
    check_ids(np.array([[0, 389]]), 390, tokenizer)
    check_ids(np.array([[10**6]]), None, tokenizer)


def script_only(folder, letters: str):
    """A tokenizer that spells these letters and drops every other one."""
    plain = Tokenizer(models.BPE({letter: number for number, letter in enumerate(["<s>", *letters])}, []))
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    plain.add_special_tokens(["<s>"])
    plain.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    transformers.PreTrainedTokenizerFast(tokenizer_object=plain, bos_token="<s>").save_pretrained(folder)


def test_a_tokenizer_without_a_letter_of_english_is_read(save_model, tmp_path):
    folder = save_model(tmp_path / "m")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (folder / file).unlink()
    script_only(folder, "狗在睡觉两只鸟唱歌我们吃面包")
    checkpoint = Checkpoint.named(str(folder))
    states = extract(checkpoint, {"zh": ["狗在睡觉", "两只鸟在唱歌"], "yue": ["狗在睡觉", "我们吃面包"]})
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    ids = torch.tensor([tokenizer("两只鸟在唱歌").input_ids])
    theirs = model(ids, output_hidden_states=True).hidden_states[1][0, 1:].mean(0).detach().numpy()
    np.testing.assert_allclose(states.layer("zh", 1)[1], theirs, atol=1e-5)
    with pytest.raises(RepalignError, match="'The weather is bad' has no tokens of its own"):
        extract(checkpoint, {"zh": ["狗在睡觉"], "en": ["The weather is bad"]})


def test_rows_of_any_tokens_differ_in_length_and_have_no_special_token(llama):
    tokenizer = transformers.AutoTokenizer.from_pretrained(llama)
    rows = some_rows(tokenizer, 300)
    lengths = rows.ids.lengths.tolist()
    assert len(lengths) == len(set(lengths)) == 4
    assert set(rows.ids.flat.tolist()) <= set(range(3, 300))
    assert rows.content.flat.all()
    model = transformers.AutoModelForCausalLM.from_pretrained(llama)
    Engine.around(model, tokenizer).check("llama")


@pytest.mark.parametrize("stack", ["encoder", "decoder"])
def test_a_model_that_reads_32_tokens_says_so(save_model, tmp_path, stack):
    folder = tmp_path / "m"
    save_model(folder)
    kind, auto = (
        ("gpt2", transformers.AutoModelForCausalLM)
        if stack == "decoder"
        else ("bert", transformers.AutoModel)
    )
    config = transformers.AutoConfig.for_model(
        kind, vocab_size=384, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
        max_position_embeddings=32,
    )  # fmt: skip
    auto.from_config(config).save_pretrained(folder)
    checkpoint = Checkpoint.named(str(folder))
    corpus = {"en": ["She reads 1234567890 qqqqqqqqqqqqqqqqqqqqqqqqq.", "Yes!"], "el": ["Ναι!", "Ναι."]}
    for limit in (None, 32, 100):
        with pytest.raises(RepalignError, match="the model reads at most 32 tokens") as refused:
            extract(checkpoint, corpus, max_length=limit)
        assert "--max-length" not in str(refused.value)
    with pytest.raises(RepalignError, match=r"longer than 16 tokens.*raise --max-length"):
        extract(checkpoint, corpus, max_length=16)
    assert extract(checkpoint, {"en": ["Yes!", "No."]}).n_sentences == 2


def test_a_tokenizer_that_fails_on_everything_is_named_with_the_users_sentence(save_model, tmp_path):
    folder = save_model(tmp_path / "m")
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    content["model"] = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                        "max_input_chars_per_word": 100, "vocab": {"<s>": 0, "dog": 1}}  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(RepalignError, match=f"{folder}.*'The dog sleeps.'.*UNK"):
        extract(Checkpoint.named(str(folder)), FEW)
