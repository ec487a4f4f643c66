"""Similarity of languages before training, and whether it predicts anything."""

from __future__ import annotations

import numpy as np
import pytest

from repalign import RepalignError
from training.similarity import _overlap, _shares, association


def test_token_overlap_is_one_minus_total_variation():
    first, second = [[1, 1, 2, 3]], [[1, 4], [2, 2]]
    assert _overlap(_shares(first), _shares(first)) == pytest.approx(1)
    assert _overlap(_shares(first), _shares([[7]])) == 0
    p, q = np.array([0.5, 0.25, 0.25, 0]), np.array([0.25, 0.5, 0, 0.25])
    assert _overlap(_shares(first), _shares(second)) == pytest.approx(1 - np.abs(p - q).sum() / 2)


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
