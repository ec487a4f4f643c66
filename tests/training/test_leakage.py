"""Leakage of evaluation texts into training data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from repalign_training.data.items import Item
from repalign_training.data.leakage import RUN, check_leakage, leaked, runs
from repalign_training.settings import Filters

from repalign.corpora import ParallelCorpus
from repalign.errors import RepalignError


@pytest.mark.parametrize(("run", "mark"), [(8, " "), (16, "")])
def test_leakage_needs_a_run_of_that_length_anywhere_in_an_item(run, mark):
    words = [f"Wort{n}" for n in range(20)] if mark else [chr(0x4E00 + n) for n in range(20)]
    corpus = ParallelCorpus("some", {"xx": [mark.join(words)]})
    for length, found in ((run, 1), (run - 1, 0)):
        text = mark.join([*(word.upper() for word in words[1 : 1 + length]), "x"])
        for item in (Item(text, "", "x"), Item("x", text, "x"), Item("x", "y", text)):
            assert len(leaked(corpus, [item])["xx"]) == found


def test_leakage_is_found_in_words_and_in_characters(tmp_path):
    english = "the quick brown fox jumps over the lazy dog again and again"
    chinese = "敏捷的棕色狐狸一次又一次地跳过了那只懒惰的狗"
    items = [
        Item("", "", f"He said that {english[4:]}"),
        Item("", "", "在他看来" + chinese),
        Item("", "", "short one"),
    ]
    sentences = [english, chinese, "short one", "the quick brown fox sleeps over there, lazy as a dog"]
    corpus = ParallelCorpus("some", {"en": sentences, "fr": ["autre chose"] * 4})
    assert leaked(corpus, items) == {"en": sentences[:3], "fr": []}
    (tmp_path / "en.txt").write_text("\n".join(sentences))
    with pytest.raises(RepalignError, match=r"75.0% of the en sentences"):
        check_leakage(Filters(protect=(str(tmp_path),)), items)
    assert check_leakage(Filters(protect=(str(tmp_path),)), []) == {f"{tmp_path} en": 0.0}


@pytest.mark.parametrize("letters", ["猫狗牛", "ねこい", "แมว", "ແມວ", "ឆ្មា", "ကြောင်", "བྱི"])
def test_scripts_without_spaces_are_compared_by_characters(letters):
    text = letters * 20
    assert set(map(len, runs(text))) == {2 * RUN}
    assert all(isinstance(run, str) for run in runs(text))
    assert all(isinstance(run, tuple) for run in runs("고양이 " * 20))


words = st.lists(st.sampled_from("ab"), min_size=1, max_size=4 * RUN)
texts = words.map(" ".join) | st.text("猫狗", min_size=1, max_size=8 * RUN)


@given(st.lists(texts, min_size=1, max_size=3, unique=True), st.lists(texts, max_size=3))
def test_leakage_is_exactly_a_run_in_common(sentences, others):
    corpus = ParallelCorpus("some", {"en": sentences})
    items = [Item("", "", other) for other in others]
    seen = {run for other in others for run in runs(other)}
    assert leaked(corpus, items)["en"] == [sentence for sentence in sentences if seen & set(runs(sentence))]
