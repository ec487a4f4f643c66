"""Tokens of sentences in templates: what is content, what is cut, what is shared."""

from __future__ import annotations

import numpy as np
import pytest

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
