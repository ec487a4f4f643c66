"""Labels stand on exactly the answer and the end of the sequence, whatever the tokenizer."""

from __future__ import annotations

import unicodedata

import pytest
from repalign_training.data.encoding import encode
from repalign_training.data.items import Item
from repalign_training.tokenizer import train_tokenizer
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from repalign.errors import RepalignError
from repalign.models.templates import TEMPLATES

ITEMS = [
    Item("Translate into Chinese.", "The cat sleeps.", "猫在睡觉。"),
    Item("Who sleeps?", "The cat sleeps.", "the cat"),
    Item("Answer in Arabic.", "", "القطة نائمة."),
    Item("यह क्या है?", "बिल्ली सो रही है।", "बिल्ली"),
    Item("Smile:", "", ")) ok :-)"),
    Item("Name a number", "one, two", "3"),
    Item("Begin with a mark", "", "= = yes\n\n# no"),
    Item("", "", "Nothing but text, all of it learnt."),
    Item("Emoji?", "", "🦊🦊 née Ωμέγα"),
]
TEXTS = [text for item in ITEMS for text in (item.instruction, item.input, item.output) if text] * 3
TEXTS += [TEMPLATES[name].prompt("instruction", "input") for name in TEMPLATES]


def trained(model, trainer, normalizer=None, pre=None, decoder=None, post=None, **tokens):
    tokenizer = Tokenizer(model)
    for name, part in (("normalizer", normalizer), ("pre_tokenizer", pre), ("decoder", decoder)):
        if part is not None:
            setattr(tokenizer, name, part)
    tokenizer.train_from_iterator(TEXTS, trainer)
    if post:
        ids = [(token, tokenizer.token_to_id(token)) for token in ("<s>", "</s>") if token in post]
        tokenizer.post_processor = processors.TemplateProcessing(single=post, special_tokens=ids)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **tokens)


def bpe(**options):
    options = {
        "special_tokens": ["<unk>", "<s>", "</s>", "<pad>"],
        "vocab_size": 700,
        "show_progress": False,
    } | options
    return trainers.BpeTrainer(**options)


BYTES = {"initial_alphabet": pre_tokenizers.ByteLevel.alphabet()}
FALLBACK = ["<unk>", "<s>", "</s>", "<pad>", *(f"<0x{byte:02X}>" for byte in range(256))]
SPLIT_LIKE_LLAMA_3 = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def gpt2():
    """Byte BPE, no BOS, pad == eos."""
    return trained(models.BPE(), bpe(**BYTES), pre=pre_tokenizers.ByteLevel(add_prefix_space=False),
                   decoder=decoders.ByteLevel(), eos_token="</s>", pad_token="</s>")  # fmt: skip


def llama3():
    """Byte BPE whose words may begin with the mark before them, BOS."""
    split = pre_tokenizers.Split(Regex(SPLIT_LIKE_LLAMA_3), "isolated")
    pre = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    return trained(models.BPE(), bpe(**BYTES), pre=pre, decoder=decoders.ByteLevel(), post="<s> $A",
                   bos_token="<s>", eos_token="</s>", pad_token="<pad>")  # fmt: skip


def one_big_merge():
    """Byte BPE without any split before merging: tokens cross every border there is."""
    pre = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return trained(models.BPE(), bpe(vocab_size=1500, **BYTES), pre=pre, decoder=decoders.ByteLevel(),
                   eos_token="</s>", pad_token="<pad>")  # fmt: skip


def fallback_bpe():
    return models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True)


def llama2():
    """Sentencepiece-like BPE: a dummy space in front, byte fallback, BOS."""
    return trained(fallback_bpe(), bpe(special_tokens=FALLBACK),
                   normalizer=normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]),
                   decoder=decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(),
                                              decoders.Fuse(), decoders.Strip(" ", 1, 0)]),
                   post="<s> $A", bos_token="<s>", eos_token="</s>", pad_token="<pad>")  # fmt: skip


def gemma():
    """Sentencepiece-like BPE without the dummy space, BOS."""
    return trained(fallback_bpe(), bpe(special_tokens=FALLBACK),
                   normalizer=normalizers.Replace(" ", "▁"),
                   pre=pre_tokenizers.Split(" ", "merged_with_previous"),
                   decoder=decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(),
                                              decoders.Fuse()]),
                   post="<s> $A", bos_token="<s>", eos_token="</s>", pad_token="<pad>")  # fmt: skip


def xlm_roberta():
    """Unigram with NFKC, which closes every sequence itself."""
    trainer = trainers.UnigramTrainer(vocab_size=400, special_tokens=["<unk>", "<s>", "</s>", "<pad>"],
                                      unk_token="<unk>", show_progress=False)  # fmt: skip
    return trained(models.Unigram(), trainer, normalizer=normalizers.NFKC(), pre=pre_tokenizers.Metaspace(),
                   decoder=decoders.Metaspace(), post="<s> $A </s>",
                   bos_token="<s>", eos_token="</s>", pad_token="<pad>")  # fmt: skip


def t5():
    """Unigram that closes every sequence and opens none; pad == eos."""
    trainer = trainers.UnigramTrainer(vocab_size=400, special_tokens=["<unk>", "<s>", "</s>", "<pad>"],
                                      unk_token="<unk>", show_progress=False)  # fmt: skip
    return trained(models.Unigram(), trainer, pre=pre_tokenizers.Metaspace(prepend_scheme="always"),
                   decoder=decoders.Metaspace(prepend_scheme="always"), post="$A </s>",
                   eos_token="</s>", pad_token="</s>")  # fmt: skip


def ours():
    return train_tokenizer(TEXTS, 600)


FAMILIES = [gpt2, llama3, one_big_merge, llama2, gemma, xlm_roberta, t5, ours]


@pytest.mark.parametrize("template", ["alpaca", "brief", "input-first", "raw"])
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_labels_decode_to_the_answer(family, template):
    tokenizer = family()
    encoded = encode(ITEMS, tokenizer, TEMPLATES[template], 10_000).items
    assert len(encoded) == len(ITEMS)
    for item, tokens in zip(ITEMS, encoded, strict=True):
        labels = tokens.ids[tokens.answer :].tolist()
        assert labels[-1] == tokenizer.eos_token_id
        assert labels.count(tokenizer.eos_token_id) == 1
        answer = tokenizer.decode(labels[:-1], clean_up_tokenization_spaces=False)
        assert answer.strip() == unicodedata.normalize("NFKC", item.output).strip()
        if item.instruction:
            prompt = tokenizer.decode(tokens.ids[: tokens.answer], skip_special_tokens=True)
            expected = TEMPLATES[template].prompt(item.instruction, item.input)
            assert prompt.split() == unicodedata.normalize("NFKC", expected).split()


def test_what_is_too_long_is_cut_and_what_has_no_answer_left_is_dropped():
    tokenizer = ours()
    whole = encode(ITEMS, tokenizer, TEMPLATES["brief"], 10_000)
    cut = encode(ITEMS, tokenizer, TEMPLATES["brief"], 12)
    kept = [item for item in whole.items if item.answer < 12]
    assert 0 < len(kept) < len(whole.items) == len(ITEMS)
    assert [item.ids.tolist() for item in cut.items] == [item.ids[:12].tolist() for item in kept]
    assert (whole.truncated, whole.without_answer) == (0, [])
    assert cut.truncated == sum(len(item) > 12 for item in kept) > 0
    assert cut.without_answer == [index for index, item in enumerate(whole.items) if item.answer >= 12]


def test_letters_in_two_pieces_are_the_same_tokens_as_in_one():
    tokenizer = ours()
    assert tokenizer("e\u0301").input_ids == tokenizer("\u00e9").input_ids


def test_a_tokenizer_without_an_end_is_refused():
    tokenizer = gpt2()
    tokenizer.eos_token = None
    with pytest.raises(RepalignError, match="never learn to stop"):
        encode(ITEMS, tokenizer, TEMPLATES["brief"], 100)
