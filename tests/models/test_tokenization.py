"""Tokens of sentences in templates: what is content, what is cut, what is shared."""

from __future__ import annotations

import json

import numpy as np
import pytest
import transformers
from tokenizers import Tokenizer, models, normalizers, processors

from repalign.errors import RepalignError
from repalign.models.encoding import decode
from repalign.models.templates import TEMPLATES
from repalign.models.tokenization import Ragged, TokenRows, Tokens, special_ids, tokenize, without_shared


def test_tokens_after_the_sentence_are_cut_where_they_cannot_matter(save_tokenizer, tmp_path):
    tokenizer = save_tokenizer(tmp_path)
    cut, whole = (
        tokenize(["a dog"], tokenizer, TEMPLATES["alpaca"], 512, causal=causal)[0] for causal in (True, False)
    )
    assert cut.content[-1]
    assert not whole.content[-1]
    assert np.array_equal(cut.ids, whole.ids[: len(cut.ids)])
    assert cut.content.sum() == whole.content.sum()


def test_a_sentence_just_as_long_as_the_limit_is_whole(save_tokenizer, tmp_path):
    tokenizer = save_tokenizer(tmp_path)
    length = len(tokenizer("a dog")["input_ids"])
    for limit, truncated in ((length, False), (length - 1, True)):
        row = tokenize(["a dog"], tokenizer, TEMPLATES["raw"], limit, causal=True)[0]
        assert (len(row.ids), row.truncated) == (limit, truncated)


def test_specials_are_left_out_by_id_also_without_bos(save_tokenizer, tmp_path, corpus):
    for bos in (True, False):
        tokenizer = save_tokenizer(tmp_path / str(bos), bos=bos)
        rows = tokenize(corpus.sentences["en"], tokenizer, TEMPLATES["raw"], 512, causal=True)
        for row, sentence in zip(rows, corpus.sentences["en"], strict=True):
            assert tokenizer.decode(row.ids[row.content]) == sentence
            assert row.content[0] != bos
    assert special_ids(tokenizer) == {0, 1, 2}


def test_without_shared_tokens_only_a_languages_own_are_content():
    def row(*ids):
        return Tokens(np.array(ids), np.array([False] + [True] * (len(ids) - 1)))

    given = {"en": [row(0, 7, 8), row(0, 1, 2)], "zh": [row(0, 9, 8), row(0, 1, 2, 3)]}
    rows = without_shared({language: TokenRows.of(own) for language, own in given.items()})
    assert [r.content.tolist() for r in rows["zh"]] == [[False, True, False], [False, False, False, True]]
    assert rows["en"][0].content.tolist() == [False, True, False]
    assert rows["en"][1].content.tolist() == [False, True, True], (
        "one of which nothing would be left keeps all"
    )


def test_many_sentences_lie_in_flat_arrays_and_look_like_a_list():
    given = [Tokens(np.arange(n, dtype=np.int32), np.arange(n) > 0, n == 4) for n in (3, 2, 4)]
    rows = TokenRows.of(iter(given))
    assert len(rows) == 3
    assert [row.key for row in rows] == [row.key for row in given]
    assert [row.truncated for row in rows[1:]] == [False, True]
    assert rows[-1].ids.tolist() == [0, 1, 2, 3]
    assert rows.counts.tolist() == [2, 1, 3]
    assert rows.ids.lengths.tolist() == [3, 2, 4]
    assert [ids.tolist() for ids in rows.own_ids] == [[1, 2], [1], [1, 2, 3]]
    assert isinstance(rows.own_ids, Ragged)
    assert rows.own_ids[1:][0].tolist() == [1]
    assert rows[0].ids.base is not None, "a row is a view"
    with pytest.raises(IndexError):
        rows[3]


def test_the_unknown_token_is_content(save_tokenizer, tmp_path):
    tokenizer = save_tokenizer(tmp_path)
    tokenizer.unk_token = "q"
    assert tokenizer.unk_token_id not in special_ids(tokenizer)


def rewritten(tokenizer, folder, **parts):
    """The tokenizer from tokenizer.json alone, with some of its parts replaced."""
    tokenizer.save_pretrained(folder)
    (folder / "tokenizer_config.json").unlink()
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    for name, part in parts.items():
        content[name] = part(content[name]) if callable(part) else part
    path.write_text(json.dumps(content), encoding="utf-8")
    (folder / "config.json").write_text('{"model_type": "llama"}')
    return transformers.AutoTokenizer.from_pretrained(folder)


def added(*contents, special=True):
    """A part of tokenizer.json: more added tokens."""
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return lambda tokens: [
        *tokens,
        *({"id": 384 + i, "content": text, "special": special, **flags} for i, text in enumerate(contents)),
    ]


def around(*names):
    """A part of tokenizer.json: tokens (name, id) before a sentence."""
    return {
        "type": "TemplateProcessing",
        "single": [*({"SpecialToken": {"id": name, "type_id": 0}} for name, _ in names), {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {name: {"id": name, "ids": [number], "tokens": [name]} for name, number in names},
    }  # fmt: skip


def content_of(tokenizer, sentence, template="raw"):
    (row,) = tokenize([sentence], tokenizer, TEMPLATES[template], 512, causal=True)
    return tokenizer.decode(row.ids[row.content]), row


def test_what_tokenizer_json_alone_calls_special_is_special(save_tokenizer, tmp_path):
    tokenizer = rewritten(save_tokenizer(tmp_path / "own"), tmp_path)
    assert tokenizer.all_special_ids == [], "transformers itself knows of none"
    assert special_ids(tokenizer) == {0, 1, 2}
    text, row = content_of(tokenizer, "Two birds sing.")
    assert text == "Two birds sing."
    assert row.content.tolist() == [False] + [True] * (len(row.ids) - 1)


@pytest.mark.parametrize("template", ["raw", "alpaca"])
def test_tokens_that_a_tokenizer_puts_around_a_sentence_are_not_its_own(save_tokenizer, tmp_path, template):
    """[gMASK] is only in tokenizer.json's added tokens, the letter q is nowhere called special."""
    own = save_tokenizer(tmp_path / "own")
    q = own.convert_tokens_to_ids("q")
    tokenizer = rewritten(
        own, tmp_path, added_tokens=added("[gMASK]"), post_processor=around(("[gMASK]", 384), ("q", q))
    )
    text, row = content_of(tokenizer, "q quite", template)
    assert text == "q quite"
    assert row.ids[:2].tolist() == [384, q]
    assert not row.content[:2].any()


def test_an_added_token_that_is_not_special_is_content(save_tokenizer, tmp_path):
    tokenizer = rewritten(
        save_tokenizer(tmp_path / "own"), tmp_path, added_tokens=added("dog", special=False)
    )
    text, row = content_of(tokenizer, "a dog")
    assert text == "a dog"
    assert 384 in row.ids[row.content]


@pytest.mark.parametrize("kind", ["BPE", "WordLevel", "Unigram"])
def test_the_unknown_token_is_content_also_if_only_tokenizer_json_names_it(kind, tmp_path):
    pieces = {"<unk>": 0, "<s>": 1, "dog": 2}
    model = {
        "BPE": models.BPE(pieces, [], unk_token="<unk>"),
        "WordLevel": models.WordLevel(pieces, unk_token="<unk>"),
        "Unigram": models.Unigram([(piece, 0.0) for piece in pieces], unk_id=0),
    }[kind]
    plain = Tokenizer(model)
    plain.add_special_tokens(["<unk>", "<s>"])
    plain.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=plain)
    assert tokenizer.unk_token is None
    assert special_ids(tokenizer) == {1}
    (row,) = tokenize(["猫"], tokenizer, TEMPLATES["raw"], 16, causal=True)
    assert (row.ids.tolist(), row.content.tolist()) == ([1, 0], [False, True])


def test_slow_tokenizers_say_what_they_add_too():
    for tokenizer in (transformers.ByT5Tokenizer(), transformers.CanineTokenizer()):
        (row,) = tokenize(["a dog"], tokenizer, TEMPLATES["raw"], 16, causal=False)
        assert row.content.sum() == len("a dog")
        assert tokenizer.decode(row.ids[row.content]) == "a dog"


def replaced(pattern, content, kind="String"):
    return {"type": "Replace", "pattern": {kind: pattern}, "content": content}


def chain(*steps):
    return {"type": "Sequence", "normalizers": list(steps)}


BOMBS = {
    "the same letter": chain(*[replaced("e", "e" * 40)] * 8),
    "to and fro": chain(*[replaced("e", "o" * 10), replaced("o", "e" * 10)] * 4),
    "in a nested chain": chain(chain(*[replaced("e", "ee")] * 20), chain(*[replaced("e", "ee")] * 20)),
    "by regular expression": chain(*[replaced(r"\w", "ab" * 20, "Regex")] * 6),
    "between letters": chain(*[replaced("x*", "abx", "Regex")] * 30),
    "in one step": replaced("e", "q" * 10_000_000),
    "after another normalizer": chain({"type": "Lowercase"}, *[replaced("s", "s" * 30)] * 9),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_normalizer_that_multiplies_text_is_refused_before_it_runs(save_tokenizer, tmp_path, name):
    tokenizer = rewritten(save_tokenizer(tmp_path / "own"), tmp_path, normalizer=BOMBS[name])
    with pytest.raises(RepalignError, match=f"{tmp_path}.*'he slept on'.*50 times longer"):
        tokenize(["", "he slept on"], tokenizer, TEMPLATES["raw"], 64, causal=True)


def test_many_replacements_that_do_not_multiply_are_fine(save_tokenizer, tmp_path):
    emoji = [replaced(chr(0x1F600 + number), f":emoji number {number}:") for number in range(40)]
    steps = chain(
        *emoji, replaced("…", "..."), replaced(" {2,}", " ", "Regex"), {"type": "Prepend", "prepend": "a"}
    )
    tokenizer = rewritten(save_tokenizer(tmp_path / "own"), tmp_path, normalizer=steps)
    assert content_of(tokenizer, "😀  dog…")[0] == "a:emoji number 0: dog..."


def test_a_normalizer_written_in_python_is_fine(save_tokenizer, tmp_path):
    class Upper:
        def normalize(self, text):
            text.map(str.upper)

    tokenizer = save_tokenizer(tmp_path)
    tokenizer.backend_tokenizer.normalizer = normalizers.Normalizer.custom(Upper())
    assert content_of(tokenizer, "a dog")[0] == "A DOG"


def broken(kind, save_tokenizer, tmp_path):
    """A tokenizer, and a sentence on which it fails in one way or another."""
    own = save_tokenizer(tmp_path / "own")
    if kind == "a bare Exception":
        plain = Tokenizer(models.WordPiece({"dog": 0}, unk_token="[UNK]"))
        transformers.PreTrainedTokenizerFast(tokenizer_object=plain).save_pretrained(tmp_path)
        return transformers.AutoTokenizer.from_pretrained(tmp_path), "cat"
    if kind == "a panic":
        return rewritten(own, tmp_path, normalizer=replaced("(a+)+$", "b", "Regex")), "a" * 50 + "b"
    own.save_pretrained(tmp_path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    if kind == "a limit that is no number":
        tokenizer.model_max_length = "x"
    return tokenizer, "a \ud800 b" if kind == "a lone surrogate" else "cat"


@pytest.mark.parametrize(
    "kind", ["a bare Exception", "a panic", "a limit that is no number", "a lone surrogate"]
)
def test_whatever_fails_in_a_tokenizer_is_one_line_that_names_it_and_the_sentence(
    kind, save_tokenizer, tmp_path, capfd
):
    tokenizer, sentence = broken(kind, save_tokenizer, tmp_path)
    for sentences in ([sentence], ["dog", sentence, "dog"]):
        with pytest.raises(RepalignError) as failed:
            tokenize(sentences, tokenizer, TEMPLATES["raw"], 64, causal=True)
        message = str(failed.value)
        assert str(tmp_path) in message
        assert repr(sentence)[:40] in message or kind == "a limit that is no number"
        assert "\n" not in message
        message.encode()


def test_a_decoder_that_multiplies_text_is_refused_before_it_runs(save_tokenizer, tmp_path):
    bomb = {"type": "Sequence", "decoders": [replaced("e", "ee")] * 40}
    tokenizer = rewritten(save_tokenizer(tmp_path / "own"), tmp_path, decoder=bomb)
    with pytest.raises(RepalignError, match=f"{tmp_path} cannot write.*50 times longer"):
        decode(tokenizer, [tokenizer("he").input_ids])
    plain = save_tokenizer(tmp_path)
    assert decode(plain, [plain("he sleeps").input_ids], skip_special_tokens=True) == ["he sleeps"]


def test_stopping_is_not_a_failure(save_tokenizer, tmp_path, monkeypatch):
    tokenizer = save_tokenizer(tmp_path)

    def stop(*texts, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(tokenizer), "__call__", stop)
    with pytest.raises(KeyboardInterrupt):
        tokenize(["dog"], tokenizer, TEMPLATES["raw"], 64, causal=True)
