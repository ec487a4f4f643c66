"""Bootstrap intervals and paired tests, from one number per sentence.

Every score has an influence: how much each sentence changes it. A bootstrap draw of the score is then the score
plus a weighted sum of influences. One matrix of resamples, shared by all metrics, layers, languages and
checkpoints, therefore gives every interval, and differences between checkpoints are paired by construction.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from repalign.errors import RepalignError
from repalign.memory import check_fits, of_machine

INTERVALS = ("bca", "percentile")

FEW = 20
"""Sentences or documents below which a bootstrap cannot show how skewed a score is."""


def resamples(sentences: int, draws: int, seed: int) -> np.ndarray:
    """Weights of bootstrap draws minus equal weights.

    Args:
        sentences: number of sentences.
        draws: number of bootstrap samples.
        seed: of the random generator.

    Returns:
        float64 [draw, sentence]; each row is (count / sentences - 1 / sentences) and sums to zero.

    Raises:
        RepalignError: more draws than memory can hold.
    """
    needed = 2 * 8 * draws * sentences
    check_fits(needed, of_machine(), f"{draws:,} draws of {sentences:,} units", "give fewer --draws")
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(sentences, np.full(sentences, 1 / sentences), size=draws)
    return counts / sentences - 1 / sentences


def intervals(
    values: np.ndarray,
    influence: np.ndarray,
    weights: np.ndarray,
    confidence: float = 0.95,
    method: str = "bca",
) -> tuple[np.ndarray, np.ndarray]:
    """Bootstrap intervals of scores.

    Args:
        values: [score].
        influence: [score, sentence], each row of mean zero.
        weights: [draw, sentence], from `resamples`.
        confidence: intended share of intervals that contain the true value, between 0 and 1.
        method: "percentile", or "bca", bias-corrected and accelerated (Efron 1987, doi
            10.1080/01621459.1987.10478410); both widened for small samples (Hesterberg 2015, doi
            10.1080/00031305.2015.1089789). With fewer than `FEW` sentences, either is Student's t interval, which covers
            better there.

    Returns:
        Lower and upper ends, each float64 [score]; NaN where a value or an influence is NaN.

    Raises:
        RepalignError: an unknown method, or a confidence outside (0, 1).
    """
    if method not in INTERVALS:
        raise RepalignError(f"no interval method {method!r}; known: {', '.join(INTERVALS)}")
    if not 0 < confidence < 1:
        raise RepalignError(f"confidence must be between 0 and 1, e.g. 0.95, got {confidence}")
    n, quantile = influence.shape[1], student_quantile(influence, confidence)
    if n < FEW:
        half = quantile * np.sqrt((influence**2).sum(1) / (n * max(n - 1, 1)))
        return values - half, values + half
    draws = np.sort(influence @ weights.T, axis=1)
    tail = np.full((len(values), 2), [(1 - confidence) / 2, (1 + confidence) / 2])
    if method == "bca":
        tail = _accelerated(tail, draws, influence)
    wider = quantile / special.ndtri((1 + confidence) / 2) * (n / (n - 1)) ** 0.5
    low, high = (wider * _quantiles(draws, tail[:, side]) for side in (0, 1))
    return values + low, values + high


def student_quantile(influence: np.ndarray, confidence: float) -> np.ndarray:
    """Student's t quantile for a variance estimated from heavy-tailed influences: float64 [score].

    Degrees of freedom after Satterthwaite: 2n / (kurtosis - 1), at most n - 1.
    """
    squares = influence**2
    variance = squares.mean(-1)
    kurtosis = (squares**2).mean(-1) / np.where(variance > 0, variance, 1) ** 2
    n = influence.shape[-1]
    freedom = np.minimum(2 * n / np.maximum(kurtosis - 1, 0.1), max(n - 1, 1))
    return special.stdtrit(freedom, (1 + confidence) / 2)


def _accelerated(tail: np.ndarray, draws: np.ndarray, influence: np.ndarray) -> np.ndarray:
    """Shift the percentiles for the bias and skewness of the draws."""
    rounding = 1e-9 * np.abs(draws).max(1, keepdims=True)  # draws of 0 are on neither side, but for rounding
    below = (draws < -rounding).mean(1) + (np.abs(draws) <= rounding).mean(1) / 2
    bias = special.ndtri(np.clip(below, 1e-3, 1 - 1e-3))[:, None]
    squares = (influence**2).sum(1)
    skew = (influence**3).sum(1) / np.where(squares > 0, squares, 1) ** 1.5 / 6
    shifted = bias + special.ndtri(tail)
    return special.ndtr(bias + shifted / (1 - skew[:, None] * shifted))


def _quantiles(ordered: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """One quantile per row of sorted draws, interpolated linearly: float64 [row]."""
    position = np.nan_to_num(shares) * (ordered.shape[1] - 1)
    lower = np.floor(position).astype(int)
    upper = np.minimum(lower + 1, ordered.shape[1] - 1)
    rows = np.arange(len(ordered))
    return ordered[rows, lower] + (position - lower) * (ordered[rows, upper] - ordered[rows, lower])


def difference_p(values: np.ndarray, influence: np.ndarray) -> np.ndarray:
    """Two-sided p of "no difference" for paired differences: Student's t on the influence of each sentence.

    Where all sentences change alike, their spread is zero and t infinite; p is therefore at least 2^(1 - sentences), the
    smallest that any test of as many symmetric differences can reach (all have the same sign).

    Args:
        values: differences [score].
        influence: [score, sentence], or of each cluster, see `by_cluster`.

    Returns:
        float64 [score]; NaN where the difference is NaN.
    """
    n = influence.shape[1]
    error = np.sqrt((influence**2).sum(1) / (n * (n - 1)))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(values == 0, 0.0, np.abs(values) / error)
    least = max(2.0 ** (1 - n), np.finfo(float).tiny)  # a p-value is never exactly zero
    p = np.maximum(2 * special.stdtr(n - 1, -t), least)
    return np.where(np.isnan(values), np.nan, p)
