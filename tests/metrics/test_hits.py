"""The number of hits of a search under shuffling, against every order and against simulation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from metrics.factories import every_order
from scipy import stats

from repalign.metrics import Null
from repalign.metrics.documents import Partition
from repalign.metrics.hits import hits_tail


def tail_of_every_order(nearest: list[int], index: np.ndarray) -> np.ndarray:
    """P(at least k hits), k = 0 .. n, over all orders within sets."""
    hits = (every_order(index) == nearest).sum(1)
    return (hits[:, None] >= np.arange(len(index) + 1)).mean(0)


WANTED = {
    "all different": [0, 1, 2, 3, 4, 5, 6, 7],
    "a hub": [0, 0, 0, 0, 4, 4, 6, 7],
    "one target": [3] * 8,
    "across documents": [7, 6, 5, 4, 3, 2, 1, 0],
    "some of each": [1, 0, 1, 5, 5, 4, 2, 7],
}


@pytest.mark.parametrize("wanted", WANTED)
@pytest.mark.parametrize(
    "index", [[0] * 8, [0, 0, 0, 1, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1, 0, 1], [0] * 7 + [1]]
)
def test_hits_are_those_of_every_order(wanted, index):
    nearest, index = WANTED[wanted], np.array(index)
    null = Null.of_matches(
        torch.tensor(nearest), 8, rows=torch.arange(8), strata=Partition(index) if index.any() else None
    )
    exact = tail_of_every_order(nearest, index)
    assert null.hits == pytest.approx(exact, abs=1e-12)
    assert null.mean == pytest.approx(exact[1:].sum() / 8), "the mean is the sum of the tail"
    for hits in range(9):
        assert null.p(hits / 8) == pytest.approx(max(exact[hits], np.finfo(float).tiny))
        assert null.p(1 - hits / 8, higher_is_better=False) == null.p(hits / 8)


def test_sentences_without_a_single_nearest_target_cannot_hit():
    strata = Partition(np.array([0, 0, 0, 1, 1, 1]))
    null = Null.of_matches(torch.tensor([1, 3]), 6, rows=torch.tensor([0, 4]), strata=strata)
    assert null.hits == pytest.approx([1, 1 / 3 + 1 / 3 - 1 / 9, 1 / 9, 0, 0, 0, 0])


@pytest.mark.parametrize("sentences", [1000, 5000, 20_000])
def test_thousands_of_sentences_hit_as_a_poisson_variable(sentences):
    (once,) = [hits_tail([(sentences, np.ones(sentences, dtype=int))], sentences)]
    k = np.arange(10)
    assert once[:10] == pytest.approx(stats.poisson.sf(k - 1, 1), rel=1e-9)
    # Documents of ten each add their own hits: a sum of independent matching problems, mean 1 each.
    tens = hits_tail([(10, np.ones(10, dtype=int))] * (sentences // 10), sentences)
    mean, spread = sentences / 10, (sentences / 10) ** 0.5
    k = np.arange(round(mean - 4 * spread), round(mean + 4 * spread))
    assert tens[k] == pytest.approx(stats.poisson.sf(k - 1, mean), abs=1e-6)
    assert tens[1:].sum() == pytest.approx(mean)


@pytest.mark.parametrize("hub", [1, 4])
def test_binomials_of_many_columns_do_not_overflow(hub):
    tail = hits_tail([(200_000, np.full(200_000 // hub, hub))], 200_000)
    k = np.arange(10)
    assert tail[k] == pytest.approx(stats.poisson.sf(k - 1, 1), rel=5e-3)


@pytest.mark.parametrize("hub", [1, 20, 300])
def test_the_tail_falls_and_is_a_probability(hub):
    rng = np.random.default_rng(hub)
    for sizes in ([2000], [1, 2, 3, 50, 400], rng.integers(1, 40, size=100).tolist()):
        counts = []
        for size in sizes:
            drawn = np.bincount(rng.integers(0, max(size // hub, 1), size=size))
            counts.append((size, drawn[drawn > 0]))
        tail = hits_tail(counts, sum(sizes))
        assert tail[0] == pytest.approx(1, abs=1e-9)
        assert (np.diff(tail) <= 1e-12).all()
        assert tail.min() >= 0
        assert tail[1:].sum() == pytest.approx(sum(c.sum() / size for size, c in counts), rel=1e-6)


def test_the_tail_of_hubs_is_that_of_shuffling():
    rng = np.random.default_rng(0)
    index = np.repeat(np.arange(12), 25)
    nearest = (rng.beta(0.3, 1, size=300) * 25).astype(int) + 25 * index  # a few sentences attract most
    null = Null.of_matches(torch.tensor(nearest), 300, rows=torch.arange(300), strata=Partition(index))
    hits = (Partition(index).orders(20_000, seed=0) == nearest).sum(1)
    for k in range(5, 25):
        share = (hits >= k).mean()
        assert null.hits is not None
        assert null.hits[k] == pytest.approx(share, abs=4 * (share * (1 - share) / 20_000) ** 0.5 + 1e-4)
    assert (null.mean, null.sd) == pytest.approx((hits.mean() / 300, hits.std() / 300), rel=0.03)
