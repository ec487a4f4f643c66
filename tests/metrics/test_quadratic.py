"""CKA: debiasing, jackknife, and its forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from repalign import RepalignError
from repalign.metrics import METRICS
from repalign.metrics.contract import related
from repalign.metrics.shape import gulp_distance


def test_debiased_cka_of_noise_is_zero_where_the_biased_one_is_near_one():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 100, 4096)).astype(np.float32)
    assert abs(METRICS["cka"](x, y).value) < 0.02
    assert METRICS["cka_biased"](x, y).value > 0.95


@pytest.mark.parametrize(("n", "d"), [(40, 8), (30, 60)])
def test_closed_form_jackknife_of_cka_is_leaving_one_out(n, d):
    x, y = related(n, d, 1.0)
    scores = METRICS["cka"](x, y)
    left_out = [METRICS["cka"](*(np.delete(side, row, 0) for side in (x, y))).value for row in range(n)]
    moved = (n - 1) * (scores.value - np.array(left_out))
    assert scores.influence is not None
    # equal up to one factor, which takes off what pairs of sentences add twice
    assert np.corrcoef(moved, scores.influence)[0, 1] == pytest.approx(1, abs=1e-9)
    assert 0.3 < float(scores.influence.std()) / moved.std(ddof=1) <= 1


@pytest.mark.parametrize("name", ["cosine_gap", "anc", "cka_biased", "procrustes", "angular", "rsa"])
def test_influence_predicts_leaving_one_out(name):
    x, y = related(200, 6, 3.0)
    scores = METRICS[name](x, y)
    rows = range(0, 200, 10)
    left_out = np.array([METRICS[name](*(np.delete(side, row, 0) for side in (x, y))).value for row in rows])
    moved = 199 * (scores.value - left_out)
    expected = scores.influence if scores.influence is not None else scores.per_sentence - scores.value
    assert np.corrcoef(moved, expected[list(rows)])[0, 1] > 0.98


def test_gram_forms_equal_the_forms_over_dims():
    x, y = (side - side.mean(0) for side in related(30, 50, 1.0))
    nuclear = np.linalg.svd(x.T @ y, compute_uv=False).sum() / np.linalg.norm(x) / np.linalg.norm(y)
    assert METRICS["procrustes"](x, y).value == pytest.approx(2 - 2 * nuclear, abs=1e-10)
    assert METRICS["angular"](x, y).value == pytest.approx(np.arccos(nuclear), abs=1e-10)
    cka = np.linalg.norm(x.T @ y) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
    assert METRICS["cka_biased"](x, y).value == pytest.approx(cka, abs=1e-10)
    wide = gulp_distance(*(torch.tensor(side) for side in (x, y)), 1e-2)
    assert METRICS["gulp"](x, y).value == pytest.approx(wide, rel=1e-8)


def test_states_of_different_width():
    x, y = related(50, 12, 3.0)[0], related(50, 20, 3.0)[1]
    assert np.isfinite(METRICS["cka"](x, y).value)
    with pytest.raises(RepalignError, match=r"12 and 20"):
        METRICS["anc"](x, y)
