"""No value leaves its bounds by rounding, and none is invented where there is nothing to measure."""

from __future__ import annotations

import numpy as np
import pytest

from repalign.metrics import METRICS
from repalign.metrics.contract import related, scored


@pytest.mark.parametrize("name", list(METRICS))
def test_rounding_moves_no_value_out_of_its_bounds(name):
    metric = METRICS[name]
    low, high = metric.bounds
    for seed in range(5):
        x, y = (side.astype(np.float32) for side in related(60, 12, 3.0, seed))
        rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(12, 12)))[0].astype(np.float32)
        for other in (x, x @ rotation, -x, np.float32(3) * x, y):
            scores = scored(metric, x, other)
            assert scores is None or low <= scores.value <= high


def test_what_float32_cannot_hold_is_undefined_rather_than_zero():
    x, y = (side.astype(np.float32) for side in related(60, 40, 1.0))
    for states in (np.ones_like(x), 1e-3 * x + np.float32(1e6)):
        scores = METRICS["anc"](states, states + y)
        assert np.isnan(scores.value)
        assert scores.influence is None
    constant = np.concatenate([x, np.ones((60, 1), dtype=np.float32)], axis=1)
    assert METRICS["anc"](constant, constant).value == pytest.approx(40 / 41)  # a constant dim counts as 0
