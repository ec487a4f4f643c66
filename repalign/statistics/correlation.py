"""Rank correlation over few units, with a permutation p-value."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from scipy.stats import rankdata


def spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Spearman's correlation row by row: float64 [row]; NaN for constant rows.

    Args:
        a, b: [row, unit]; a single row is compared with every row of the other.
    """
    x, y = (rankdata(values, axis=1) for values in (a, b))
    x, y = (ranks - ranks.mean(1, keepdims=True) for ranks in (x, y))
    size = np.sqrt((x**2).sum(1) * (y**2).sum(1))
    return np.divide((x * y).sum(1), size, out=np.full(size.shape, np.nan), where=size > 0)


def shuffled_p(
    a: np.ndarray,
    b: np.ndarray,
    value: float,
    draws: int,
    seed: int,
    exact: int,
    within: np.ndarray | None = None,
) -> float:
    """Two-sided permutation p of a correlation: the share of orders of the units with one at least as far from 0.

    Within clusters, units trade places with others of their cluster only; and the distance is from the mean over these
    orders, which is not 0 if clusters differ in both `a` and `b`.

    Args:
        a, b: [unit].
        value: the observed correlation of `a` and `b`.
        draws: number of random orders, in addition to the observed one.
        seed: of the random orders.
        exact: with at most this many units, all orders are enumerated instead, unless they are in clusters.
        within: the cluster of each unit, int [unit].
    """
    generator = np.random.default_rng(seed)
    if within is not None:
        places = np.argsort(within, kind="stable")
        orders = np.tile(np.arange(len(a)), (draws + 1, 1))
        for order in orders[1:]:
            order[places] = np.lexsort((generator.random(len(a)), within))
        values = spearman(a[None], b[orders])
        return float((np.abs(values - values.mean()) >= abs(value - values.mean()) - 1e-12).mean())
    if len(a) <= exact:
        orders = np.array(list(permutations(range(len(a)))))
    else:
        orders = np.array([range(len(a)), *(generator.permutation(len(a)) for _ in range(draws))])
    return float((np.abs(spearman(a[None], b[orders])) >= abs(value) - 1e-12).mean())
