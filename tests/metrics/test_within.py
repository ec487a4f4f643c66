"""Sums over pairs of sentences exchanged within documents, against every order that there is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from metrics.factories import every_order

from repalign.metrics import DEFAULT_METRICS, METRICS, LayerPair
from repalign.metrics.documents import Documents, Partition
from repalign.metrics.within import Blocks, null_of_blocks, shuffled_within


def sums(a: np.ndarray, b: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """sum_ij A_ij B_ij with B in each order."""
    return np.array([(a * b[order][:, order]).sum() for order in orders])


def symmetric(rng: np.random.Generator, n: int) -> np.ndarray:
    matrix = rng.normal(size=(n, n)) ** 3 + 1
    matrix = matrix + matrix.T
    np.fill_diagonal(matrix, 0)
    return matrix


def with_a_diagonal(rng: np.random.Generator, n: int) -> np.ndarray:
    return symmetric(rng, n) + np.diag(rng.normal(size=n) * 3 + 2)


def graph(rng: np.random.Generator, n: int) -> np.ndarray:
    edges = (rng.uniform(size=(n, n)) < rng.uniform(0.1, 0.9, size=(1, n))).astype(float)
    np.fill_diagonal(edges, 0)
    return edges


SETS = {
    "of different sizes": [0, 1, 1, 2, 2, 2, 3, 3, 3, 3],
    "of one size": [0, 0, 1, 1, 2, 2, 3, 3],
    "in no order": [2, 0, 1, 0, 2, 2, 0, 1],
    "one set": [0] * 6,
    "large beside small": [0] * 5 + [1] * 3,
}


@pytest.mark.parametrize("kind", [symmetric, with_a_diagonal, graph])
@pytest.mark.parametrize("sets", SETS)
def test_mean_and_variance_are_those_of_every_order(kind, sets):
    index = np.array(SETS[sets])
    rng = np.random.default_rng(len(index))
    orders = every_order(index)
    for _ in range(3):
        a, b = kind(rng, len(index)), kind(rng, len(index))
        exact = sums(a, b, orders)
        split = Blocks.of_graph if kind is graph else Blocks.of
        sides = (torch.tensor(side) for side in (a, b))
        x, y = (split(side.bool() if kind is graph else side, Partition(index)) for side in sides)
        null = null_of_blocks(x, y, skewed=False)
        assert null.mean == pytest.approx(exact.mean(), abs=1e-9)
        assert null.sd == pytest.approx(exact.std(), abs=1e-9)


def test_a_set_of_two_has_only_the_effects_that_exchanging_them_shows():
    edge = torch.tensor([[False, True], [False, False]])
    x, y = (Blocks.of_graph(side, Partition(np.zeros(2, dtype=np.int64))) for side in (edge, edge))
    null = null_of_blocks(x, y, skewed=False)
    assert (null.mean, null.sd) == pytest.approx((0.5, 0.5)), "1, or 0 if the two are exchanged"


def test_the_skewness_is_close_to_that_of_shuffling():
    sizes = [3, 4, 5, 6, 8, 8, 10]
    index = np.repeat(np.arange(len(sizes)), sizes)
    rng = np.random.default_rng(0)
    orders = Partition(index).orders(10_000, seed=0)
    found = []
    for power in (0.0, 0.5, 1.0):
        spectrum = (1 + np.arange(8.0)) ** -power
        a, b = (side @ side.T for side in rng.normal(size=(2, len(index), 8)) * spectrum)
        np.fill_diagonal(a, 0), np.fill_diagonal(b, 0)
        shuffled = sums(a, b, orders)
        x, y = (Blocks.of(torch.tensor(side), Partition(index)) for side in (a, b))
        deviation = shuffled - shuffled.mean()
        found.append((null_of_blocks(x, y).skew, (deviation**3).mean() / deviation.std() ** 3))
    for expected, measured in found:
        assert expected == pytest.approx(measured, abs=0.2)
    assert max(skew for skew, _ in found) > 0.5, "so that a skewness of zero would not do"


SIZES = [1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 8]


def pair_in_documents(seed: int, shared: float) -> LayerPair:
    """Two languages with topics of their own, and a shared meaning."""
    rng = np.random.default_rng(seed)
    documents = np.repeat(np.arange(len(SIZES)), SIZES)
    n = len(documents)
    meaning = rng.normal(size=(n, 12))
    sides = [
        rng.normal(size=(len(SIZES), 12))[documents]
        + rng.normal(size=(n, 12))
        + shared * meaning
        + rng.normal(size=12)
        for _ in range(2)
    ]
    pair = LayerPair.of(*sides)
    return LayerPair(pair.source, pair.target, Documents(documents))


@pytest.mark.parametrize("name", [*DEFAULT_METRICS, "cka_biased", "rsa", "csls", "xsim_ratio"])
def test_the_null_of_a_metric_is_that_of_shuffling_within_documents(name):
    pair, metric = pair_in_documents(1, 0.7), METRICS[name]
    assert pair.strata is not None
    null = metric(pair).null
    assert null is not None
    orders = pair.strata.orders(250, seed=0)
    values = np.array([metric(pair.shuffled(order)).value for order in orders])
    # The null of an error rate is that of its hits.
    shuffled = values if metric.higher_is_better else 1 - values
    error = shuffled.std() / len(shuffled) ** 0.5
    assert shuffled.mean() == pytest.approx(null.mean, abs=4 * error + 1e-9)
    assert shuffled.std() == pytest.approx(null.sd, rel=0.2)
    p = np.array([null.p(value, metric.higher_is_better) for value in values])
    for level in (0.05, 0.2, 0.5):
        slack = 4 * (level * (1 - level) / len(p)) ** 0.5
        assert (p <= level).mean() <= level + slack
        if null.hits is None:
            assert (p <= level).mean() >= level - slack


def test_topics_of_their_own_do_not_align_languages():
    found: dict[str, list[float]] = {name: [] for name in DEFAULT_METRICS}
    for seed in range(80):
        pair = pair_in_documents(seed, 0.0)
        for name, of_metric in found.items():
            scores = METRICS[name](pair)
            assert scores.null is not None
            of_metric.append(scores.null.p(scores.value, METRICS[name].higher_is_better))
    for name, p in found.items():
        assert (np.array(p) < 0.05).mean() <= 0.15, name


def test_without_documents_nothing_is_exchanged_within_them():
    pair = LayerPair.of(*np.random.default_rng(0).normal(size=(2, 20, 4)))
    with pytest.raises(ValueError, match="no documents"):
        shuffled_within(pair, lambda side: side.states)
