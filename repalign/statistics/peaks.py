"""The best of several correlated scores, without the optimism of choosing it on the sentences that score it.

Only means over units (sentences or documents) are needed: the score on a part of the units is the score on all plus the mean
of their influence.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from repalign.statistics.bootstrap import student_quantile


class CrossFitted(NamedTuple):
    """The score of the best layer, chosen on some units and measured on the others.

    Attributes:
        value: the estimate.
        influence: of each unit on it, float64 [unit], of mean zero.
        chosen: index of the layer that scored each unit, int64 [unit].
    """

    value: float
    influence: np.ndarray
    chosen: np.ndarray


def cross_fitted(values: np.ndarray, influence: np.ndarray, folds: np.ndarray) -> CrossFitted:
    """Choose the layer with the highest score on all folds but one, score it on that fold, and average over folds.

    Args:
        values: scores on all units, where higher is better, float64 [layer].
        influence: float64 [layer, unit], each row of mean zero.
        folds: int [unit].
    """
    units = influence.shape[1]
    sums = np.stack([influence[:, folds == fold].sum(1) for fold in range(int(folds.max()) + 1)], axis=1)
    others = values[:, None] - sums / (units - np.bincount(folds))  # as all influences sum to zero
    chosen = others.round(10).argmax(0)[folds]  # of equal layers the first, whatever the rounding
    scores = values[chosen] + influence[chosen, np.arange(units)]
    return CrossFitted(float(scores.mean()), scores - scores.mean(), chosen)


def may_be_best(
    values: np.ndarray, influence: np.ndarray, weights: np.ndarray, confidence: float = 0.95
) -> np.ndarray:
    """The layers whose true score may be the highest: multiple comparisons with the best, bool [layer].

    A layer is left out if some other is better by more than the largest studentised difference from it that chance would
    give (Hsu 1981, doi 10.1214/aos/1176345598; by the bootstrap as in Hansen, Lunde and Nason 2011, doi
    10.3982/ECTA5771), so that the truly best layer is kept with the confidence given.

    Args:
        values: scores, where higher is better, float64 [layer].
        influence: float64 [layer, unit].
        weights: float64 [draw, unit], see `repalign.statistics.resamples`.
        confidence: with which the best layer is among those returned.
    """
    units = influence.shape[1]
    draws = influence @ weights.T
    covariance = influence @ influence.T / units**2
    variance = covariance.diagonal()
    wider = _small_sample(influence - influence[values.argmax()], confidence)
    kept = np.ones(len(values), dtype=bool)
    for layer in range(len(values)):
        error = np.sqrt(np.maximum(variance + variance[layer] - 2 * covariance[layer], 0.0))
        differs = error > 1e-12 * np.sqrt(variance.max())
        better = values - values[layer]
        if (better[~differs] > 1e-12).any():
            kept[layer] = False
        elif differs.any():
            worst = (better[differs] / error[differs]).max()
            if worst <= 0:
                continue
            of_chance = ((draws[differs] - draws[layer]) / error[differs, None]).max(0)
            kept[layer] = worst <= wider * np.quantile(of_chance, confidence)
    return kept


def _small_sample(influence: np.ndarray, confidence: float) -> float:
    """Factor for few units, see `repalign.statistics.bootstrap.intervals`."""
    from scipy import special

    units = influence.shape[1]
    varies = np.abs(influence).max(1) > 0
    if not varies.any():
        return 1.0
    t = float(np.median(student_quantile(influence[varies], confidence)))
    return t / float(special.ndtri((1 + confidence) / 2)) * (units / (units - 1)) ** 0.5
