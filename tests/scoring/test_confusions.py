"""Which sentences are retrieved in place of the translation."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scoring.factories import N, made, quiet

from repalign import RepalignError, scoring
from repalign.scoring.variants import length_matched


def test_neighbours_are_the_mistakes_of_retrieval_in_rows_of_the_corpus():
    states = made()
    groups = np.arange(N)
    groups[1] = 0  # row 1 says what row 0 says, and is not scored
    states = dataclasses.replace(states, groups=groups)
    table = scoring.confusions(states, [("en", "zh")], limit=None, layers=[1])
    found = quiet(states, metrics=["p_at_1"], variants=["centred"], layers=[1]).where(target="zh").table
    errors = len(table[table["target"] == "zh"])
    assert errors == round((1 - found["value"].item()) * (N - 1))
    assert 1 not in set(table["sentence"]) | set(table["taken_for"])
    assert (table["sentence"] != table["taken_for"]).all()
    assert (table["cosine"] >= table["cosine_right"]).all()
    one_way = table[table["target"] == "zh"]
    assert (one_way["cosine"] - one_way["cosine_right"]).is_monotonic_decreasing
    assert scoring.confusions(states, [("en", "zh")], limit=2, layers=[1]).groupby("source").size().max() == 2
    half = ["raw+length-matched"]
    of_half = scoring.confusions(states, [("en", "zh")], limit=None, layers=[1], variants=half)
    scored = np.delete(np.arange(N), 1)
    matched = scored[length_matched(states.token_counts["en"][scored], states.token_counts["zh"][scored])]
    assert set(of_half["sentence"]) | set(of_half["taken_for"]) <= set(matched.tolist())
    with pytest.raises(RepalignError, match="did you mean 'ratio'"):
        scoring.confusions(states, [("en", "zh")], margin="ration")
