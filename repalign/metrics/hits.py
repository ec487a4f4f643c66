"""The exact distribution of the number of hits of a search if translations are shuffled."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from scipy import special

MOST = 100
"""Hits of one stratum beyond which the probability, at most 1 / MOST! = 1e-158, is taken as 0."""


def hits_tail(counts: Iterable[tuple[int, np.ndarray]], most: int) -> np.ndarray:
    """P(at least k hits), k = 0 .. most: float64 [most + 1].

    Of the m targets of a stratum, target j is the nearest of c_j sources of the stratum. Shuffled within the stratum, a
    target becomes the translation of one source only, so the hits are those of a random permutation on a board
    with c_j cells in column j: E C(hits, k) = e_k(c) (m - k)! / m!, with e_k the elementary symmetric polynomial
    (Riordan 1958, An Introduction to Combinatorial Analysis, chapter 7).

    Args:
        counts: of each stratum, the number m of its sentences, and the c_j that are above 0, int [target].
        most: largest number of hits.
    """
    chances = np.ones(1)
    for size, of_stratum in counts:
        chances = np.convolve(chances, _stratum(size, tuple(sorted(of_stratum.tolist()))))
    beyond = np.zeros(most + 1)
    chances = chances[: most + 1]
    beyond[: len(chances)] = np.minimum(chances[::-1].cumsum()[::-1], 1.0)
    return beyond


@lru_cache(maxsize=4096)
def _stratum(size: int, counts: tuple[int, ...]) -> np.ndarray:
    """P(k hits) in one stratum, k = 0, 1, ...: float64 [k]."""
    most = min(len(counts), MOST)
    # e_k of c / m, as the coefficients of prod_j (1 + c_j / m z)
    polynomial = np.ones(1)
    for rate, columns in zip(*np.unique(np.array(counts) / size, return_counts=True), strict=True):
        k = np.arange(min(columns, most) + 1)
        polynomial = np.convolve(polynomial, special.binom(columns, k) * rate**k)[: most + 1]
    k = np.arange(most + 1)
    orders = k * np.log(size) + special.gammaln(size - k + 1) - special.gammaln(size + 1)
    moments = polynomial * np.exp(orders)
    return np.maximum(_inclusion(most) @ moments, 0.0)


@lru_cache(maxsize=128)
def _inclusion(most: int) -> np.ndarray:
    """From E C(hits, k) to P(hits = h), by inclusion and exclusion: float64 [h, k]."""
    h, k = np.ogrid[: most + 1, : most + 1]
    return np.where(k >= h, (-1.0) ** (k - h) * special.binom(k, h), 0.0)
