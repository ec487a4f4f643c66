"""Intervals, significance and multiple comparisons, all from one number a sentence.

Every score comes with an influence: how far each sentence moves it. A bootstrap draw of the score is then the
score plus a weighted sum of influences, so that one matrix of resamples, shared by all metrics, layers,
languages and checkpoints, gives every interval, and the difference of two checkpoints is paired by
construction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from repalign.errors import RepalignError
from repalign.metrics import LayerPair, Metric, Null, Scores

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

INTERVALS = ("bca", "percentile")


def resamples(sentences: int, draws: int, seed: int) -> np.ndarray:
    """Weights of bootstrap draws minus equal weights: float64 [draw, sentence], rows summing to zero."""
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
        confidence: share of intervals that should hold the true value.
        method: "percentile", or "bca", bias-corrected and accelerated (Efron 1987, doi
            10.1080/01621459.1987.10478410); both widened for small samples (Hesterberg 2015, doi
            10.1080/00031305.2015.1089789).

    Returns:
        Lower and upper ends, each [score]; NaN where a value or an influence is NaN.
    """
    if method not in INTERVALS:
        raise RepalignError(f"no interval method {method!r}; there are {', '.join(INTERVALS)}")
    if not 0 < confidence < 1:
        raise RepalignError(f"confidence is a share between 0 and 1, e.g. .95, not {confidence}")
    draws = np.sort(influence @ weights.T, axis=1)
    tail = np.full((len(values), 2), [(1 - confidence) / 2, (1 + confidence) / 2])
    if method == "bca":
        tail = _accelerated(tail, draws, influence)
    n = influence.shape[1]
    wider = _student(influence, confidence) / special.ndtri((1 + confidence) / 2) * (n / (n - 1)) ** 0.5
    low, high = (wider * _quantiles(draws, tail[:, side]) for side in (0, 1))
    return values + low, values + high


def _student(influence: np.ndarray, confidence: float) -> np.ndarray:
    """Student's t quantile for a variance that is itself estimated from influences with heavy tails [score].

    Degrees of freedom after Satterthwaite: 2n / (kurtosis - 1).
    """
    squares = influence**2
    variance = squares.mean(-1)
    kurtosis = (squares**2).mean(-1) / np.where(variance > 0, variance, 1) ** 2
    freedom = 2 * influence.shape[-1] / np.maximum(kurtosis - 1, 0.1)
    return special.stdtrit(freedom, (1 + confidence) / 2)


def _accelerated(tail: np.ndarray, draws: np.ndarray, influence: np.ndarray) -> np.ndarray:
    """Move the percentiles for the bias and skewness of the draws."""
    below = (draws < 0).mean(1) + (draws == 0).mean(1) / 2
    bias = special.ndtri(np.clip(below, 1e-3, 1 - 1e-3))[:, None]
    squares = (influence**2).sum(1)
    skew = (influence**3).sum(1) / np.where(squares > 0, squares, 1) ** 1.5 / 6
    shifted = bias + special.ndtri(tail)
    return special.ndtr(bias + shifted / (1 - skew[:, None] * shifted))


def _quantiles(ordered: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """One quantile a row of sorted draws, interpolated linearly."""
    place = np.nan_to_num(shares) * (ordered.shape[1] - 1)
    lower = np.floor(place).astype(int)
    upper = np.minimum(lower + 1, ordered.shape[1] - 1)
    rows = np.arange(len(ordered))
    return ordered[rows, lower] + (place - lower) * (ordered[rows, upper] - ordered[rows, lower])


def wilson(share: ArrayLike, sentences: int, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Score interval of a share of sentences (Wilson 1927); unlike a bootstrap, it has a width at 0 and 1."""
    share = np.asarray(share, dtype=float)
    z = special.ndtri((1 + confidence) / 2)
    middle = (share + z**2 / (2 * sentences)) / (1 + z**2 / sentences)
    half = z / (1 + z**2 / sentences) * np.sqrt(share * (1 - share) / sentences + (z / (2 * sentences)) ** 2)
    return np.minimum(middle - half, share), np.maximum(middle + half, share)


def score_interval(
    value: float, influence: np.ndarray, null: Null, confidence: float = 0.95
) -> tuple[float, float]:
    """Score interval of a mean over pairs of sentences, such as CKA: all true values that the observed allows.

    As for a share, the variance depends on the true value. It runs in a straight line from that under
    shuffling, where only pairs of sentences matter, to that measured at the observed value; its slope is at
    least that of the noncentral distribution which the null's skewness tells, and it vanishes for identical
    languages.

    Args:
        value: observed; at most 1, for identical languages.
        influence: [sentence], without what pairs of sentences add twice.
        null: distribution under shuffling.
        confidence: share of intervals that should hold the true value.
    """
    if np.isnan(value):
        return np.nan, np.nan
    z = float(_student(influence, confidence))
    measured = float((influence**2).sum()) / len(influence) ** 2
    above = value - null.mean
    room = (1 - min(max(above / (1 - null.mean), 0.0), 1.0)) ** 2
    least = room * null.sd**2
    if above <= 0:
        least = max(least, measured)
    slope = max(room * null.skew * null.sd, (measured - least) / above if above > 0 else 0.0, 0.0)
    middle = above + z**2 * slope / 2
    half = max(middle**2 - above**2 + z**2 * least, 0.0) ** 0.5
    return value + min(middle - half - above, 0.0), value + max(middle + half - above, 0.0)


def told_from_chance(influence: np.ndarray, null: Null, p: float) -> np.ndarray:
    """Influence with the error that shuffling shows, where a score cannot be told from chance (p > .05).

    There no single sentence moves a score such as Procrustes, only pairs do, and a jackknife counts those
    twice.
    """
    error = float(np.linalg.norm(influence)) / len(influence)
    if p > 0.05 and error > null.sd:
        return influence * (null.sd / error)
    return influence


def difference_p(values: np.ndarray, influence: np.ndarray) -> np.ndarray:
    """Two-sided p of "no difference" for paired differences: Student's t on the influence of each sentence.

    Args:
        values: differences [score].
        influence: [score, sentence].
    """
    n = influence.shape[1]
    error = np.sqrt((influence**2).sum(1) / (n * (n - 1)))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(values == 0, 0.0, np.abs(values) / error)
    p = np.maximum(2 * special.stdtr(n - 1, -t), np.finfo(float).tiny)  # no data make chance impossible
    return np.where(np.isnan(values), np.nan, p)


def influence_of(metric: Metric, pair: LayerPair, scores: Scores, seed: int = 0) -> np.ndarray:
    """How far each sentence moves a score, as the metric says or by a jackknife: float64 [sentence]."""
    if scores.influence is not None:
        return scores.influence.double().cpu().numpy()
    if scores.per_sentence is not None:
        return scores.per_sentence.double().cpu().numpy() - scores.value
    if np.isnan(scores.value):
        return np.full(pair.sentences, np.nan)
    return jackknife(metric, pair, scores.value, seed=seed)


def jackknife(metric: Metric, pair: LayerPair, value: float, groups: int = 20, seed: int = 0) -> np.ndarray:
    """Influence of a metric that does not give its own, by leaving out one group of sentences after another.

    All sentences of a group share one influence, scaled by the square root of its size so that a sum over
    sentences has the right variance, and by Student's t over the normal quantile for so few groups.
    """
    n = pair.sentences
    groups = min(groups, n)
    group = np.random.default_rng(seed).permutation(n) % groups
    moved = np.empty(groups)
    for left_out in range(groups):
        kept = np.flatnonzero(group != left_out)
        size = n - len(kept)
        moved[left_out] = (value - metric(pair.take(kept)).value) * (n - size) / size * size**0.5
    few = special.stdtrit(groups - 1, 0.975) / special.ndtri(0.975)
    influence = (moved - moved.mean())[group] * few * np.sqrt(groups / (groups - 1))
    return influence - influence.mean()


def shuffled(metric: Metric, pair: LayerPair, shuffles: int, seed: int = 0) -> Null:
    """The distribution of a metric under shuffling, from so many shuffles, where it has no closed form."""
    generator = np.random.default_rng(seed)
    return Null.of_shuffles(
        [metric(pair.shuffled(generator.permutation(pair.sentences))).value for _ in range(shuffles)]
    )


def holm(p: ArrayLike) -> np.ndarray:
    """Holm's step-down correction: controls the chance of any false finding; NaN stays NaN."""
    p = np.asarray(p, dtype=float)
    return _adjusted(p, lambda ordered: np.maximum.accumulate(ordered * np.arange(len(ordered), 0, -1)))


def benjamini_hochberg(p: ArrayLike) -> np.ndarray:
    """Benjamini and Hochberg's step-up correction: controls the share of false findings."""

    def step_up(ordered: np.ndarray) -> np.ndarray:
        scaled = ordered * len(ordered) / np.arange(1, len(ordered) + 1)
        return np.minimum.accumulate(scaled[::-1])[::-1]

    return _adjusted(np.asarray(p, dtype=float), step_up)


def _adjusted(p: np.ndarray, correct) -> np.ndarray:
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    adjusted[order] = np.minimum(correct(p[order]), 1.0)
    return adjusted


CORRECTIONS = {"holm": holm, "bh": benjamini_hochberg}
