"""Tokenizers in every set of files that real checkpoints have: bytes without files, sentencepiece alone, Marian's two."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
import torch
import transformers

from repalign.checkpoints import Checkpoint
from repalign.errors import RepalignError
from repalign.models.loading import read_tokenizer
from repalign.models.locating import locate
from repalign.states.extraction import extract

SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}


def pieces(corpus, kind: str = "unigram", **options: object) -> bytes:
    """A model of sentencepiece trained on a corpus."""
    text = [line for lines in corpus.sentences.values() for line in lines] * 5
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text), model_writer=written, vocab_size=380, model_type=kind, character_coverage=1.0,
        minloglevel=2, hard_vocab_limit=False, **options,
    )  # fmt: skip
    return written.getvalue()


def xlm_roberta(folder: Path, corpus) -> None:
    (folder / "sentencepiece.bpe.model").write_bytes(pieces(corpus))
    config = transformers.XLMRobertaConfig(
        vocab_size=400, **SMALL, pad_token_id=1, max_position_embeddings=200
    )
    transformers.XLMRobertaModel(config).save_pretrained(folder)


def deberta(folder: Path, corpus) -> None:
    (folder / "spm.model").write_bytes(
        pieces(
            corpus,
            pad_id=0,
            bos_id=1,
            eos_id=2,
            unk_id=3,
            pad_piece="[PAD]",
            bos_piece="[CLS]",
            eos_piece="[SEP]",
            unk_piece="[UNK]",
        )
    )
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "DebertaV2Tokenizer", "do_lower_case": False})
    )
    config = transformers.DebertaV2Config(
        vocab_size=400, **SMALL, max_position_embeddings=200, type_vocab_size=0
    )
    transformers.DebertaV2Model(config).save_pretrained(folder)


def t5(folder: Path, corpus) -> None:
    (folder / "spiece.model").write_bytes(pieces(corpus, pad_id=0, eos_id=1, unk_id=2, bos_id=-1))
    config = transformers.T5Config(vocab_size=400, d_model=32, d_ff=64, d_kv=8, num_layers=2, num_heads=4)
    transformers.T5EncoderModel(config).save_pretrained(folder)


def llama(folder: Path, corpus) -> None:
    (folder / "tokenizer.model").write_bytes(
        pieces(corpus, "bpe", byte_fallback=True, unk_id=0, bos_id=1, eos_id=2)
    )
    config = transformers.LlamaConfig(vocab_size=600, **SMALL, num_key_value_heads=4)
    transformers.LlamaForCausalLM(config).save_pretrained(folder)


def marian(folder: Path, corpus) -> None:
    model = pieces(corpus)
    for name in ("source.spm", "target.spm"):
        (folder / name).write_bytes(model)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    words = [
        "</s>",
        "<unk>",
        *(processor.id_to_piece(i) for i in range(3, processor.get_piece_size())),
        "<pad>",
    ]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    settings = {
        "source_lang": "en",
        "target_lang": "zh",
        "tokenizer_class": "MarianTokenizer",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "<pad>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    config = transformers.MarianConfig(
        vocab_size=len(words), d_model=32, encoder_ffn_dim=64, decoder_ffn_dim=64, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=4, pad_token_id=len(words) - 1, eos_token_id=0, decoder_start_token_id=len(words) - 1, max_position_embeddings=200,
    )  # fmt: skip
    transformers.MarianMTModel(config).save_pretrained(folder)


def byt5(folder: Path, corpus) -> None:
    transformers.ByT5Tokenizer().save_pretrained(folder)
    config = transformers.T5Config(vocab_size=384, d_model=32, d_ff=64, d_kv=8, num_layers=2, num_heads=4)
    transformers.T5EncoderModel(config).save_pretrained(folder)


@pytest.mark.parametrize("kind", [xlm_roberta, deberta, t5, llama, marian, byt5])
def test_states_are_those_of_a_plain_script(kind, tmp_path, corpus):
    torch.manual_seed(0)
    kind(tmp_path, corpus)
    assert not (tmp_path / "tokenizer.json").exists()
    read = extract(str(tmp_path), corpus, store=False, progress=False)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    auto = {
        t5: transformers.T5EncoderModel,
        byt5: transformers.T5EncoderModel,
        llama: transformers.AutoModelForCausalLM,
    }
    model = auto.get(kind, transformers.AutoModel).from_pretrained(tmp_path).eval()
    body = model.get_encoder() if kind is marian else model
    for language, sentences in corpus.sentences.items():
        for row, sentence in enumerate(sentences):
            ids = tokenizer(sentence, return_tensors="pt")["input_ids"]
            own = torch.tensor(
                [i not in set(tokenizer.all_special_ids) - {tokenizer.unk_token_id} for i in ids[0].tolist()]
            )
            assert own.any()
            with torch.inference_mode():
                states = body(input_ids=ids, output_hidden_states=True).hidden_states
            for layer in range(2):
                right = states[layer][0, own].mean(0).numpy()
                assert np.abs(read.layer(language, layer)[row] - right).max() <= 1e-5 * max(
                    1, np.abs(right).max()
                )


def test_a_tokenizer_of_characters_needs_no_file(tmp_path):
    transformers.CanineTokenizer().save_pretrained(tmp_path)
    transformers.CanineModel(transformers.CanineConfig(**SMALL)).save_pretrained(tmp_path)
    assert read_tokenizer(locate(Checkpoint.named(str(tmp_path))))("狗")["input_ids"]


@pytest.mark.parametrize("kind", [xlm_roberta, t5, llama, marian])
def test_a_missing_vocabulary_is_never_replaced_by_an_empty_one(kind, tmp_path, corpus):
    kind(tmp_path, corpus)
    for pattern in ("*.model", "*.spm", "vocab.json"):
        for path in tmp_path.glob(pattern):
            path.unlink()
    name = {
        xlm_roberta: "XLMRobertaTokenizer",
        t5: "T5Tokenizer",
        llama: "LlamaTokenizer",
        marian: "MarianTokenizer",
    }[kind]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": name}))
    with pytest.raises(RepalignError, match="has no vocabulary"):
        read_tokenizer(locate(Checkpoint.named(str(tmp_path))))
