"""Estimates of `pretrained.py` that can be averaged and subtracted, because each knows the influence of every item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from repalign.statistics import by_cluster, difference_p, intervals, resamples

DRAWS, SEED = 2000, 0
MIN_CHANGED = 10
"""Units (documents or paragraphs) that must differ from the most common one for an interval to be estimated."""


@dataclass(frozen=True)
class Estimate:
    """A score, or a difference of scores, of the same items.

    Attributes:
        value: the score.
        influence: how much each item changes it, of mean zero: float64 [item] (see `repalign.statistics`).
        clusters: the document or paragraph of each item, from 0 without gaps, int64 [item]; None: items are independent.
    """

    value: float
    influence: np.ndarray
    clusters: np.ndarray | None

    @classmethod
    def of_mean(cls, values: np.ndarray, clusters: np.ndarray | None) -> Estimate:
        """The mean of one number per item, float64 [item]."""
        return cls(float(values.mean()), values - values.mean(), clusters)

    @classmethod
    def mean(cls, estimates: Sequence[Estimate]) -> Estimate:
        """The mean of several scores of the same items."""
        values, influences = zip(*((one.value, one.influence) for one in estimates), strict=True)
        return cls(float(np.mean(values)), np.mean(influences, axis=0), estimates[0].clusters)

    def __sub__(self, other: Estimate) -> Estimate:
        return Estimate(self.value - other.value, self.influence - other.influence, self.clusters)

    @property
    def units(self) -> np.ndarray:
        """Influence of each unit that is resampled, a cluster or an item: float64 [unit]."""
        return by_cluster(self.influence, self.clusters)

    @property
    def changed(self) -> int:
        """Number of units whose influence differs from the most common one."""
        return len(self.units) - int(np.unique(self.units.round(9), return_counts=True)[1].max())

    @property
    def interval(self) -> tuple[float, float]:
        """95% interval, by the bootstrap over units that `repalign` uses."""
        weights = _weights(len(self.units))
        low, high = intervals(np.array([self.value]), self.units[None], weights)
        return float(low[0]), float(high[0])

    @property
    def p(self) -> float:
        """Two-sided p of zero: Student's t on units."""
        return float(difference_p(np.array([self.value]), self.units[None])[0])


@lru_cache(maxsize=8)
def _weights(units: int) -> np.ndarray:
    return resamples(units, DRAWS, SEED)


def seeds_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """95% interval of the mean over trainings with different seeds, by Student's t; None with fewer than three."""
    if len(values) < 3:
        return None
    half = special.stdtrit(len(values) - 1, 0.975) * np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values) - half), float(np.mean(values) + half)


def peak_interval(curve: Sequence[Estimate]) -> tuple[float, float, float]:
    """The depth of the highest of some layers, from 0 (first) to 1 (last), with the 95% percentile interval over draws.

    Args:
        curve: one estimate per layer, of the same items.
    """
    values = np.array([one.value for one in curve])
    draws = values + _weights(len(curve[0].units)) @ np.stack([one.units for one in curve]).T
    low, high = np.quantile(draws.argmax(1), [0.025, 0.975], method="closest_observation")
    last = len(curve) - 1
    return float(values.argmax()) / last, float(low) / last, float(high) / last
