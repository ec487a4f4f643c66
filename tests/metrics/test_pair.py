"""Pairs of representations: refusals, and what is computed once."""

from __future__ import annotations

import numpy as np
import pytest

from repalign import RepalignError
from repalign.metrics import METRICS, LayerPair, Representation
from repalign.metrics.contract import related


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x, y[:-1]), "40 and 39 sentences"),
        (lambda x, y: (x[:, 0], y), r"\[sentence, dim\]"),
        (lambda x, y: (np.where(np.arange(40)[:, None] == 7, np.nan, x), y), "row 7"),
        (lambda x, y: (x[:3], y[:3]), "'cka' needs at least 6 sentences, got 3"),
    ],
)
def test_bad_input_says_where(change, message):
    with pytest.raises(RepalignError, match=message):
        METRICS["cka"](*change(*related(40, 8, 1.0)))


def test_cca_refuses_what_would_be_noise():
    with pytest.raises(RepalignError, match=r"'svcca' needs at least \d+ sentences.*use cka"):
        METRICS["svcca"](*related(40, 39, 1.0))


def test_derived_matrices_are_computed_once():
    pair = LayerPair.of(*related(30, 8, 1.0))
    assert pair.cosine is pair.cosine
    assert pair.reverse.cosine.data_ptr() == pair.cosine.data_ptr()
    calls = []

    def derive(representation: Representation, setting: int) -> int:
        calls.append(setting)
        return setting

    assert [pair.source.once(derive, setting) for setting in (1, 1, 2)] == [1, 1, 2]
    assert calls == [1, 2]
