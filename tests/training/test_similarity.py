"""Similarity of languages before training, and whether it predicts anything."""

from __future__ import annotations

import numpy as np
import pytest
from repalign_training.similarity import _overlap, _shares, association, similarities

from repalign import RepalignError
from repalign.checkpoints import Checkpoint
from repalign.corpora import ParallelCorpus


def test_token_overlap_is_one_minus_total_variation():
    first, second = [[1, 1, 2, 3]], [[1, 4], [2, 2]]
    assert _overlap(_shares(first), _shares(first)) == pytest.approx(1)
    assert _overlap(_shares(first), _shares([[7]])) == 0
    p, q = np.array([0.5, 0.25, 0.25, 0]), np.array([0.25, 0.5, 0, 0.25])
    assert _overlap(_shares(first), _shares(second)) == pytest.approx(1 - np.abs(p - q).sum() / 2)


@pytest.fixture(scope="module")
def corpus() -> ParallelCorpus:
    """Sentences in English, in English again, and in Greek."""
    text = [
        f"{who} sees {n} {what}"
        for n in range(4)
        for who in ("Ann", "Bob")
        for what in ("cats", "birds", "dogs")
    ]
    greek = [
        f"{who} βλέπει {n} {what}"
        for n in range(4)
        for who in ("Άννα", "Νίκος")
        for what in ("γάτες", "πουλιά", "σκύλους")
    ]
    return ParallelCorpus("some", {"el": greek, "en": text, "copy": text})


def test_a_copy_of_the_pivot_is_most_like_it(llama, corpus):
    found = similarities(Checkpoint.named(str(llama)), corpus)
    assert found["tokens"]["copy"] == found["representation"]["copy"] == pytest.approx(1)
    assert 0 <= found["tokens"]["el"] < 0.9
    assert 0 <= found["representation"]["el"] < 0.99
    with pytest.raises(RepalignError, match="no language named 'zh'"):
        similarities(Checkpoint.named(str(llama)), corpus, "zh")


def test_alignment_during_training_is_that_of_the_finished_checkpoint(llama, corpus):
    from repalign_training.alignment import alignment
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from repalign.scoring import profile
    from repalign.states.extraction import extract

    model, tokenizer = AutoModelForCausalLM.from_pretrained(llama), AutoTokenizer.from_pretrained(llama)
    found = alignment(model.eval(), tokenizer, corpus, "en")
    assert found["copy"] == [1.0] * 4
    states = extract(Checkpoint.named(str(llama)), corpus, dtype="float32")
    table = profile(
        states, pivot="en", metrics=["p_at_1"], variants=["centred"], permutations=0, draws=2
    ).table
    own = table[(table["source"] == "el") | (table["target"] == "el")]
    assert found["el"] == pytest.approx(own.groupby("layer")["value"].mean().tolist())


def test_association_counts_all_orders():
    same = dict(zip("abcd", (1.0, 2.0, 3.0, 4.0), strict=True))
    found = association(same, {code: value**3 for code, value in same.items()})
    assert found.correlation == pytest.approx(1)
    assert found.p == pytest.approx(2 / 24)  # its own order and the reverse
    assert association(same, {code: -value for code, value in same.items()}).correlation == pytest.approx(-1)


def test_association_of_nothing_is_not_significant_too_often():
    generator = np.random.default_rng(0)
    drawn = generator.normal(size=(200, 2, 6))
    found = [association(dict(enumerate(x)), dict(enumerate(y))).p for x, y in drawn]
    assert np.mean(np.array(found) <= 0.05) < 0.1


def test_many_languages_are_drawn():
    values = {str(place): float(place) for place in range(12)}
    found = association(values, values, draws=200)
    assert found.p == pytest.approx(1 / 201)


def test_two_languages_are_too_few():
    with pytest.raises(RepalignError, match="at least 3"):
        association({"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 2.0})
    equal = dict.fromkeys("abc", 1.0)
    assert np.isnan(association(equal, equal).p)
