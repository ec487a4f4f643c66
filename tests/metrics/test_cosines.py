"""Cosines in narrow cones: ranks of float32 states are those of the formulas in float64 and long double."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from repalign.metrics import METRICS, LayerPair, Representation
from repalign.metrics.contract import related
from repalign.metrics.cosines import winners
from repalign.metrics.descriptors.geometry import average_cosine, tied
from repalign.metrics.descriptors.separation import silhouette_language
from repalign.metrics.pairwise import Pairwise
from repalign.scoring.confusions import retrieval_errors


def narrow(
    mean_cosine: float, n: int = 200, d: int = 128, apart: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Two related languages in a cone, the second shifted: float32 [sentence, dim] twice."""
    rng = np.random.default_rng(0)
    meaning, *own = rng.normal(size=(3, n, d)) * (1 / mean_cosine - 1) ** 0.5 / d**0.5
    axis, shift = rng.normal(size=(2, d)) / d**0.5
    x, y = (0.6 * meaning + 0.8 * noise for noise in own)
    return (axis + x).astype(np.float32), (axis + apart * shift + y).astype(np.float32)


def plain_cosines(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The textbook formula, sentence by sentence, in the dtype of x and y."""
    x, y = (side / np.sqrt((side * side).sum(1, keepdims=True)) for side in (x, y))
    return np.stack([(y * row).sum(1) for row in x])


def plain_neighbours(x: np.ndarray) -> list[set[int]]:
    cosines = plain_cosines(x, x)
    np.fill_diagonal(cosines, -2)
    return [set(row) for row in (-cosines).argsort(1)[:, :10].tolist()]


def plain_formulas(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Every metric that ranks cosines, by its published formula."""
    cosine = plain_cosines(x, y)
    n, right = len(cosine), cosine.diagonal()
    wrong = cosine.copy()
    np.fill_diagonal(wrong, -2)
    forward, backward = right > wrong.max(1), right > wrong.max(0)

    def middles(k: int) -> np.ndarray:
        near, far = np.sort(cosine, 1)[:, -k:].mean(1), np.sort(cosine, 0)[-k:].mean(0)
        return (near[:, None] + far) / 2

    middle = middles(4)
    candidates = cosine >= np.sort(cosine, 1)[:, -4][:, None]
    margins = {"ratio": cosine / middle, "distance": cosine - middle, "absolute": cosine}
    shared = [len(a & b) / 10 for a, b in zip(plain_neighbours(x), plain_neighbours(y), strict=True)]
    return {
        "p_at_1": float(forward.mean()),
        "mexa": float((forward & backward).mean()),
        "csls": float(((cosine - middles(10)).argmax(1) == np.arange(n)).mean()),
        **{
            f"xsim_{name}": float((np.where(candidates, score, -9).argmax(1) != np.arange(n)).mean())
            for name, score in margins.items()
        },
        "mutual_knn": float(np.mean(shared)),
        "cosine_gap": float(right.mean() - (cosine.sum() - right.sum()) / (n * (n - 1))),
    }


def assert_equal_to_formulas(x: np.ndarray, y: np.ndarray, expected: dict[str, float]) -> None:
    for name, value in expected.items():
        assert METRICS[name](x, y).value == pytest.approx(value, rel=1e-5, abs=1e-12), name


@pytest.mark.parametrize("apart", [0.0, 0.02, 0.5])
@pytest.mark.parametrize("mean_cosine", [0.5, 0.99, 0.9999, 0.9999958, 0.9999999])
def test_float32_states_in_a_narrow_cone_score_as_the_formulas_in_float64(mean_cosine, apart):
    x, y = narrow(mean_cosine, apart=apart)
    expected = plain_formulas(x.astype(np.float64), y.astype(np.float64))
    assert_equal_to_formulas(x, y, expected)
    assert apart or 0.2 < expected["mexa"] < 0.9  # there are hits to lose and misses to win
    side = Representation.of(x)
    cosines = plain_cosines(x.astype(np.float64), x.astype(np.float64))
    mean = (cosines.sum() - np.trace(cosines)) / (len(x) * (len(x) - 1))
    assert average_cosine(side) == pytest.approx(mean, abs=1e-14)
    assert tied(side) == 0


@pytest.mark.skipif(np.finfo(np.longdouble).eps > 1e-18, reason="long double is float64 here")
@pytest.mark.parametrize(("n", "d"), [(40, 90), (90, 20)])
def test_float64_states_far_from_zero_score_as_the_formulas_in_long_double(n, d):
    x, y = (side + 1e6 for side in related(n, d, 1.0))
    assert_equal_to_formulas(x, y, plain_formulas(x.astype(np.longdouble), y.astype(np.longdouble)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mean_cosine", [0.1, 0.9999])
def test_equal_states_tie_wherever_they_stand(mean_cosine, dtype):
    x, y = (side.astype(dtype) for side in narrow(mean_cosine, n=301, apart=0.1))
    twin = np.random.default_rng(1).permutation(301)
    y = np.concatenate([y, y[twin] * dtype(4)])  # the same direction
    x = np.concatenate([x, x[twin]])
    for pair in (LayerPair.of(x, y), LayerPair.of(y, x)):
        assert not pair.nearest.strict.any()
    assert METRICS["csls"](x, y).value == METRICS["mexa"](x, y).value == 0
    assert METRICS["xsim_ratio"](x, y).value == METRICS["xsim_distance"](x, y).value == 1
    assert tied(Representation.of(y)) == 1


def test_near_duplicates_are_no_ties():
    x, y = related(100, 64, 3.0)
    y[1] = y[0] * 1.001 + 1e-4 * np.ones(64)
    side = Representation.of(y.astype(np.float32))
    assert tied(side) == 0
    assert LayerPair.of(x.astype(np.float32), y.astype(np.float32)).nearest.strict.all()


def test_cosines_are_proper_cosines():
    x, y = narrow(0.9999, n=30, apart=0.3)
    x[3], y[5] = 0, 0
    pair = LayerPair.of(x, y)
    with np.errstate(invalid="ignore"):
        expected = np.nan_to_num(plain_cosines(x.astype(np.float64), y.astype(np.float64)))
    assert pair.cosine.dtype == torch.float64
    assert pair.cosine.numpy() == pytest.approx(expected, abs=1e-7)
    assert pair.reverse.cosine.T.equal(pair.cosine)
    assert float(LayerPair.of(x, x).cosine.max()) <= 1
    assert not pair.nearest.strict[3]  # a zero vector is equally far from all


def test_a_tie_is_what_differs_by_no_more_than_rounding():
    scores = torch.tensor([[1, 0.9, 0], [1, 1, 0], [0, 0.5, 0.9]])
    found = winners(Pairwise.of(scores).largest(2), lambda index: torch.full((3,), 0.15))
    assert found.strict.tolist() == [False, False, True]
    assert found.hits.tolist() == [False, False, True]


def test_what_is_read_off_cosines_is_precise_in_a_narrow_cone():
    sklearn = pytest.importorskip("sklearn.metrics")
    x, y = narrow(0.9999958, apart=0.001)
    flat = np.stack([x, y], axis=1).reshape(-1, x.shape[1]).astype(np.float64)
    expected = sklearn.silhouette_samples(flat, np.tile([0, 1], len(x)), metric="cosine")
    found = silhouette_language([Representation.of(x), Representation.of(y)]).flatten().numpy()
    assert found == pytest.approx(expected, abs=1e-6)
    errors = retrieval_errors(LayerPair.of(x, y), "absolute")
    assert 0 < len(errors) < len(x)
    assert all(error["cosine"] > error["cosine_right"] for error in errors)


def test_sentences_without_a_shared_dim_have_cosine_zero_and_no_gap():
    x, y = np.random.default_rng(0).normal(size=(2, 40, 24)).astype(np.float32)
    x[:, 12:], y[:, :12] = 0, 0
    assert not LayerPair.of(x, y).cosine.any()
    scores = METRICS["cosine_gap"](x, y)
    assert scores.value == 0
    assert scores.null is not None
    assert scores.null.p(scores.value) == 1
