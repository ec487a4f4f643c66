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
        different, numbers = np.unique(of_stratum, return_counts=True)
        columns = tuple(zip(different.tolist(), numbers.tolist(), strict=True))
        chances = np.convolve(chances, _stratum(size, columns))
    beyond = np.zeros(most + 1)
    chances = chances[: most + 1]
    beyond[: len(chances)] = np.minimum(chances[::-1].cumsum()[::-1], 1.0)
    return beyond


@lru_cache(maxsize=4096)
def _stratum(size: int, columns: tuple[tuple[int, int], ...]) -> np.ndarray:
    """P(k hits) in one stratum, k = 0, 1, ...: float64 [k].

    Args:
        size: number of sentences.
        columns: each c_j, and the number of columns that have so many cells.
    """
    most = min(sum(number for _, number in columns), MOST)
    # e_k of c / m, as the coefficients of prod_j (1 + c_j / m z); binomials alone would overflow beyond 50,000 columns
    polynomial = np.ones(1)
    for cells, number in columns:
        k = np.arange(min(number, most))
        powers = _products((number - k) / (k + 1) * (cells / size))
        polynomial = np.convolve(polynomial, powers)[: most + 1]
    moments = polynomial * _products(size / (size - np.arange(most)))
    return np.maximum(_inclusion(most) @ moments, 0.0)


def _products(factors: np.ndarray) -> np.ndarray:
    """Of the first 0, 1, 2, ... factors: float64 [factor + 1]."""
    return np.append(1.0, np.cumprod(factors))


@lru_cache(maxsize=128)
def _inclusion(most: int) -> np.ndarray:
    """From E C(hits, k) to P(hits = h), by inclusion and exclusion: float64 [h, k]."""
    h, k = np.ogrid[: most + 1, : most + 1]
    return np.where(k >= h, (-1.0) ** (k - h) * special.binom(k, h), 0.0)
