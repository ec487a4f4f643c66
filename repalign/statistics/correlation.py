"""Rank correlation over few units, with a permutation p-value and an interval."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from scipy import special
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


def spearman_interval(value: float, units: float, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of Spearman's correlation by Fisher's z, with its variance after Bonett and Wright.

    Source: Bonett and Wright 2000, doi 10.1007/BF02294183. As a correlation of ranks has few values for few units, half
    a step to the next one is added on each side: a perfect order of five languages is [.16, 1], not [1, 1].

    Args:
        value: the correlation.
        units: number of units, or of independent ones that are worth the same.
        confidence: intended share of intervals that contain the true value.

    Returns:
        Lower and upper end; NaN with fewer than four units, or if the value is.
    """
    if units < 4:
        return np.nan, np.nan
    half_step = 6 / (units * (units**2 - 1))
    error = special.ndtri((1 + confidence) / 2) * np.sqrt((1 + value**2 / 2) / (units - 3))
    with np.errstate(divide="ignore"):  # Fisher's z of 1 is infinite, and so is the upper end's
        low, high = np.arctanh(np.clip([value - half_step, value + half_step], -1, 1))
    return float(np.tanh(low - error)), float(np.tanh(high + error))


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
