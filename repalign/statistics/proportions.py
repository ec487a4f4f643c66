"""Intervals for shares of sentences, and for paired differences of two shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from repalign.statistics.clusters import by_cluster, design_effect
from repalign.statistics.sign_flip import sign_flip_p

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

BISECTIONS = 50
"""Halvings that find an end of an interval: more than a float64 between -1 and 1 can resolve."""


def wilson(share: ArrayLike, sentences: ArrayLike, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Wilson score interval for a share of sentences (Wilson 1927); unlike a bootstrap, it has a width at 0 and 1.

    Args:
        share: shares between 0 and 1, of any shape.
        sentences: number of sentences that each is a share of; for sentences in clusters `effective_sentences`, which
            need not be whole (Korn and Graubard 1998, Survey Methodology 24).
        confidence: intended share of intervals that contain the true value.

    Returns:
        Lower and upper ends, each float64 of the shape of `share`.
    """
    share, sentences = np.asarray(share, dtype=float), np.asarray(sentences, dtype=float)
    z = special.ndtri((1 + confidence) / 2)
    middle = (share + z**2 / (2 * sentences)) / (1 + z**2 / sentences)
    half = z / (1 + z**2 / sentences) * np.sqrt(share * (1 - share) / sentences + (z / (2 * sentences)) ** 2)
    return np.minimum(middle - half, share), np.maximum(middle + half, share)


def effective_sentences(
    influence: np.ndarray, clusters: np.ndarray | None, confidence: float = 0.95
) -> np.ndarray:
    """Number of independent sentences that would say as much as these in their clusters: float64 [...].

    Sentences divided by the design effect, which is taken larger the fewer clusters it is estimated from, by Student's
    t (Korn and Graubard 1998); never more than there are sentences. Where no sentence has an influence, as for a share of 0
    or 1, a design effect cannot be estimated and is taken as 1 before that.

    Args:
        influence: float64 [..., sentence], of mean zero.
        clusters: int [sentence], numbered from 0 without gaps; None: all sentences are independent.
        confidence: of the interval for which the number is used.
    """
    n = influence.shape[-1]
    if clusters is None:
        return np.full(influence.shape[:-1], float(n))
    count = int(clusters.max()) + 1
    if count == 1:  # one document alone does not show how much documents differ
        return np.ones(influence.shape[:-1])
    upper = (1 + confidence) / 2
    wider = (special.stdtrit(count - 1, upper) / special.ndtri(upper)) ** 2
    return n / np.maximum(np.nan_to_num(design_effect(influence, clusters), nan=1.0) * wider, 1.0)


def paired_share_interval(
    plus: ArrayLike, minus: ArrayLike, n: ArrayLike, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Score interval for a paired difference of two shares (Tango 1998, Statistics in Medicine 17:891).

    It contains the differences that McNemar's score test does not reject, and has a width also where nothing, or
    everything, changed.

    Args:
        plus, minus: number of sentences that turned right, and that turned wrong; any shape.
        n: number of sentences. Where they are in clusters, `effective_sentences`, and `plus` and `minus` scaled alike.
        confidence: intended share of intervals that contain the true difference.

    Returns:
        Lower and upper ends of (plus - minus) / n, each float64, between -1 and 1.
    """
    plus, minus, n = np.broadcast_arrays(*(np.asarray(count, dtype=float) for count in (plus, minus, n)))
    z = special.ndtri((1 + confidence) / 2)
    observed = (plus - minus) / n

    def rejected(difference: np.ndarray) -> np.ndarray:
        # The share that turns wrong, at its most likely for this difference, solves a q^2 + b q + c = 0.
        a, b = 2 * n, (2 * n - plus + minus) * difference - plus - minus
        c = -minus * difference * (1 - difference)
        wrong = (np.sqrt(np.maximum(b**2 - 4 * a * c, 0)) - b) / (2 * a)
        variance = n * (2 * wrong + difference * (1 - difference))
        return (plus - minus - n * difference) ** 2 > z**2 * np.maximum(variance, 0)

    ends = []
    for extreme in (-1.0, 1.0):
        inside, outside = observed, np.full(observed.shape, extreme)
        for _ in range(BISECTIONS):
            middle = (inside + outside) / 2
            far = rejected(middle)
            inside, outside = np.where(far, inside, middle), np.where(far, middle, outside)
        ends.append(np.where(np.abs(inside - extreme) < 1e-12, extreme, inside))
    return ends[0], ends[1]


def share_difference(
    differences: np.ndarray, clusters: np.ndarray | None = None, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Interval and exact p of paired differences of two shares.

    Args:
        differences: 1 for a sentence that turned right, -1 for one that turned wrong, else 0; float64 [row, sentence].
        clusters: int [sentence], numbered from 0 without gaps, e.g. documents; None: all sentences are independent.
        confidence: of the intervals.

    Returns:
        Lower and upper ends, by `paired_share_interval` with `effective_sentences`, and the two-sided p of no
        difference by `sign_flip_p`: each float64 [row].
    """
    n = differences.shape[1]
    value = differences.mean(1)
    scale = effective_sentences(differences - value[:, None], clusters, confidence) / n
    plus, minus = (differences > 0).sum(1), (differences < 0).sum(1)
    low, high = paired_share_interval(plus * scale, minus * scale, n * scale, confidence)
    sums = by_cluster(differences, clusters)
    if clusters is not None:
        sums = sums * (n / sums.shape[1])  # whole numbers again
    return np.minimum(low, value), np.maximum(high, value), sign_flip_p(sums)
