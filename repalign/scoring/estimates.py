"""From measurements to rows of the profile: intervals, and paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from repalign.scoring.influence import score_interval
from repalign.scoring.measurement import Measurement
from repalign.states.layer_states import LayerStates
from repalign.statistics import (
    by_cluster,
    design_effect,
    difference_p,
    effective_sentences,
    intervals,
    resamples,
    share_difference,
    wilson,
)


@dataclass(frozen=True)
class Resampling:
    """How intervals are made.

    Attributes:
        draws: bootstrap draws.
        seed: of the draws.
        confidence: of the intervals.
        method: of the bootstrap, see `repalign.statistics.intervals`.
    """

    draws: int
    seed: int
    confidence: float = 0.95
    method: str = "bca"

    def weights(self, units: int) -> np.ndarray:
        """Of bootstrap draws, float64 [draw, unit]."""
        return resamples(units, self.draws, self.seed)


def units(measurement: Measurement) -> int:
    """Number of independent units: documents where they are known, else sentence groups."""
    clusters = measurement.clusters
    return len(measurement.influence) if clusters is None else int(clusters.max()) + 1


def minus(b: Measurement, a: Measurement) -> Measurement:
    """The paired difference b - a; its p tests against no difference."""
    value, influence = b.value - a.value, b.influence - a.influence
    difference = replace(
        b, value=value, influence=influence, chance=np.nan, p=np.nan, null=None, shuffles=None
    )
    if b.kind == "share":
        return replace(difference, p=float(share_difference(*_changes(difference))[2][0]))
    p = difference_p(np.array([value]), by_cluster(influence, b.clusters)[None])[0]
    return replace(difference, p=p, kind="mean")


def _changes(difference: Measurement) -> tuple[np.ndarray, np.ndarray | None]:
    """Of a difference of two shares, which sentences turned right (1) or wrong (-1), float64 [1, row]; their clusters.

    A row is a sentence; if two directions were averaged, a sentence in one of them, both in one cluster.
    """
    influence, clusters = difference.influence, difference.clusters
    if difference.rows is not None:
        influence = influence[difference.rows] * len(difference.rows) / len(influence)
        clusters = None if clusters is None else np.unique(clusters[difference.rows], return_inverse=True)[1]
    changes = (2 * (influence + difference.value)).round() / 2
    if (changes % 1 == 0).all():
        return changes[None], clusters
    directions = np.stack([np.ceil(changes), np.floor(changes)], axis=1)  # which is which does not matter
    together = np.arange(len(changes)) if clusters is None else clusters
    return directions.reshape(1, -1), together.repeat(2)


def ends(
    measurements: Sequence[Measurement], weights: np.ndarray, how: Resampling, paired: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends of the intervals of all measurements, within the metrics' bounds unless paired."""
    values = np.array([m.value for m in measurements])
    influence = by_cluster(np.stack([m.influence for m in measurements]), measurements[0].clusters)
    low, high = intervals(values, influence, weights, how.confidence, how.method)
    for row, m in enumerate(measurements):
        if m.kind == "share" and paired:
            changed_low, changed_high, _ = share_difference(*_changes(m), how.confidence)
            low[row], high[row] = changed_low[0], changed_high[0]
        elif m.kind == "share":
            size = (
                effective_sentences(m.influence, m.clusters, how.confidence) * m.sentences / len(m.influence)
            )
            low[row], high[row] = wilson(m.value, size, how.confidence)
        elif m.kind == "pairs" and m.null is not None and m.clusters is None:
            low[row], high[row] = score_interval(m.value, m.influence, m.null, how.confidence)
    if paired:
        return low, high
    lowest, highest = np.array([m.metric.bounds for m in measurements]).T
    return np.maximum(low, lowest), np.minimum(high, highest)


def row(
    states: LayerStates, baseline: LayerStates | None, m: Measurement, low: float, high: float
) -> dict[str, Any]:
    """One row of the table "profile", without the adjusted p."""
    return {
        "checkpoint": states.checkpoint,
        "baseline": baseline.checkpoint if baseline else None,
        "metric": m.metric.name,
        "variant": m.variant,
        "source": m.source,
        "target": m.target,
        "layer": m.layer,
        "depth": states.depth(m.layer),
        "value": m.value,
        "low": low,
        "high": high,
        "chance": m.chance,
        "calibrated": m.metric.calibrated(m.value, m.chance),
        "p": m.p,
        "p_adjusted": np.nan,
        "design_effect": effect_of_documents(m),
        "sentences": m.sentences,
    }


def effect_of_documents(m: Measurement) -> float:
    """The design effect; NaN where documents are unknown, or were left out whole, which says nothing of single sentences."""
    if m.clusters is None:
        return np.nan
    first = np.unique(m.clusters, return_index=True)[1]
    left_out_whole = len(first) < len(m.clusters) and np.array_equal(
        m.influence[first][m.clusters], m.influence
    )
    return np.nan if left_out_whole and m.kind != "share" else float(design_effect(m.influence, m.clusters))
