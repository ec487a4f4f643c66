"""The table of peaks: the best layer of each curve, chosen on some sentences and scored on others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from repalign.metrics import Null
from repalign.results.layer_ranges import layer_ranges
from repalign.scoring.estimates import Resampling, ends
from repalign.scoring.measurement import Measurement
from repalign.states.layer_states import LayerStates
from repalign.statistics import by_cluster, cross_fitted, intervals, may_be_best
from repalign.statistics.peaks import CrossFitted

FOLDS, FINER = 3, 5
"""Folds of the cross-fit, and finer ones, by which the choice loses less."""

REPEATS = 4
"""Random partitions into folds that are averaged."""

FLIPS = 999
"""Random signs of differences."""

Curve = list[list[Measurement]]
"""Of each layer, the measurements of both directions, or the one of a symmetric metric."""


def curves(measurements: Iterable[Measurement]) -> dict[tuple[str, ...], Curve]:
    """Measurements of all layers by metric, variant and pair of languages; both directions belong together."""
    found: dict[tuple[str, ...], dict[int, list[Measurement]]] = {}
    for one in measurements:
        key = (one.metric.name, one.variant, *sorted((one.source, one.target)))
        found.setdefault(key, {}).setdefault(one.layer, []).append(one)
    return {key: list(layers.values()) for key, layers in found.items()}


def light(measurement: Measurement) -> Measurement:
    """The same without what a peak does not need, because those of all layers are held at once."""
    null = measurement.null and replace(measurement.null, hits=None, values=())
    return replace(measurement, null=null)


def peak_rows(
    states: LayerStates,
    baseline: LayerStates | None,
    measurements: Sequence[Measurement],
    weights: np.ndarray,
    how: Resampling,
) -> list[dict[str, Any]]:
    """Rows of the table "peaks" of some pairs of languages at all layers, without the adjusted p."""
    paired = baseline is not None
    peaks = [peak for curve in curves(measurements).values() if (peak := _Peak.of(curve, how.seed, paired))]
    if not peaks:
        return []
    # A difference of shares counts sentences, so its interval is that of the layer, moved to the cross-fitted value.
    low, high = ends([peak.layers[peak.top] if paired else peak.best for peak in peaks], weights, how, paired)
    shift = np.array([peak.best.value - peak.values[peak.top] if paired else 0.0 for peak in peaks])
    low, high = low + shift, high + shift
    over = np.array([end for peak in peaks for end in peak.over_ends]) + 0.0  # no -0
    moved = np.stack([row for peak in peaks for row in peak.moved])
    over_low, over_high = intervals(over, moved, weights, how.confidence, how.method)
    rows = []
    for number, peak in enumerate(peaks):
        kept = may_be_best(peak.sign * peak.values, peak.sign * peak.influence, weights, how.confidence)
        kept[peak.top] = True
        best, ends_of_range = peak.best, [low[number], high[number]]
        ends_of_range[peak.sign > 0] += peak.sign * peak.gained
        if not paired:
            ends_of_range = np.clip(ends_of_range, *best.metric.bounds).tolist()
        first, last = 2 * number, 2 * number + 1
        rows.append({
            "checkpoint": states.checkpoint, "baseline": baseline.checkpoint if baseline else None,
            "metric": best.metric.name, "variant": best.variant, "source": best.source, "target": best.target,
            "layer": best.layer, "depth": states.depth(best.layer),
            "layers": layer_ranges([one.layer for one, may in zip(peak.layers, kept, strict=True) if may]),
            "value": best.value, "low": ends_of_range[0], "high": ends_of_range[1],
            "chosen_on_all": float(peak.values[peak.top]), "chance": best.chance,
            "calibrated": best.metric.calibrated(best.value, best.chance), "p": peak.p,
            "over_first": over[first], "over_first_low": over_low[first], "over_first_high": over_high[first],
            "over_last": over[last], "over_last_low": over_low[last], "over_last_high": over_high[last],
            "sentences": best.sentences,
        })  # fmt: skip
    return rows


@dataclass(frozen=True)
class _Peak:
    """The best layer of one curve.

    Attributes:
        layers: the measurements, both directions averaged.
        values: float64 [layer].
        influence: float64 [layer, unit].
        sign: +1 if the best layer is the one with the highest value, -1 if the lowest.
        top: the position of the best layer on all sentences.
        best: its measurement, with the cross-fitted value.
        gained: by how much finer folds improve that.
        over_ends: the cross-fitted value minus that of the first and of the last layer.
        moved: influence of each unit on these two, float64 [2, unit].
        p: of the best layer.
    """

    layers: list[Measurement]
    values: np.ndarray
    influence: np.ndarray
    sign: int
    top: int
    best: Measurement
    gained: float
    over_ends: tuple[float, float]
    moved: np.ndarray
    p: float

    @classmethod
    def of(cls, curve: Curve, seed: int, paired: bool) -> _Peak | None:
        """None where no layer has a score."""
        layers = [_averaged(layer) for layer in curve]
        layers = [one for one in layers if not np.isnan(one.value) and not np.isnan(one.influence).any()]
        if not layers:
            return None
        values = np.array([one.value for one in layers])
        influence = by_cluster(np.stack([one.influence for one in layers]), layers[0].clusters)
        sign = _sign(layers[0], values, paired)
        top = int((sign * values).argmax())
        coarse = _cross_fits(sign * values, sign * influence, FOLDS, seed)
        finer = _cross_fits(sign * values, sign * influence, FINER, seed)
        value = sign * _mean(coarse)
        return cls(
            layers, values, influence, sign, top, replace(layers[top], value=value),
            # Two of three folds may choose a worse layer than all sentences do; where four of five gain, so may all.
            gained=max(_mean(finer) - _mean(coarse), 0.0),
            over_ends=(value - values[0], value - values[-1]),
            moved=np.stack([_moved(coarse, sign, influence[end]) for end in (0, -1)]),
            p=_p_of_differences(values, influence, seed) if paired else _p_of_best(layers, values, sign),
        )  # fmt: skip


def _moved(fits: Sequence[CrossFitted], sign: int, influence: np.ndarray) -> np.ndarray:
    """Influence on the cross-fitted score minus that of another layer: float64 [unit].

    That of the partition whose choice varies most stands for all: their average varies less than its influence says.
    """
    return max((sign * one.influence - influence for one in fits), key=lambda row: float((row**2).sum()))


def _averaged(directions: list[Measurement]) -> Measurement:
    """Both directions of a metric as one score."""
    if len(directions) == 1:
        return directions[0]
    shuffles = [one.shuffles for one in directions if one.shuffles is not None]
    return replace(
        directions[0],
        value=float(np.mean([one.value for one in directions])),
        influence=np.mean([one.influence for one in directions], axis=0),
        shuffles=np.mean(shuffles, axis=0) if len(shuffles) == len(directions) else None,
        chance=float(np.mean([one.chance for one in directions])),
        p=max(one.p for one in directions),
    )


def _sign(one: Measurement, values: np.ndarray, paired: bool) -> int:
    """+1 if the best layer is the one with the highest value, -1 if the lowest; of differences, the larger ones decide."""
    if paired:
        return 1 if values.max() >= -values.min() else -1
    return 1 if one.metric.higher_is_better else -1


def _cross_fits(values: np.ndarray, influence: np.ndarray, folds: int, seed: int) -> list[CrossFitted]:
    generator = np.random.default_rng(seed)
    units = influence.shape[1]
    partitions = [generator.permutation(units) % min(folds, units) for _ in range(REPEATS)]
    return [cross_fitted(values, influence, partition) for partition in partitions]


def _mean(fits: Sequence[CrossFitted]) -> float:
    return float(np.mean([one.value for one in fits]))


def _p_of_best(layers: Sequence[Measurement], values: np.ndarray, sign: int) -> float:
    """p of the best of all layers: its maximum under shuffles that are the same at every layer.

    Between the smallest p of a layer, if all layers say the same, and that times the number of layers (Bonferroni), which
    it is without shuffles.
    """
    known = [one.p for one in layers if not np.isnan(one.p)]
    if not known:
        return np.nan
    least, most = min(known), min(1.0, len(known) * min(known))
    shuffles = [one.shuffles for one in layers if one.shuffles is not None]
    if len(shuffles) < len(layers):
        return most
    null = Null.of_shuffles((sign * np.stack(shuffles)).max(0).tolist())
    return float(np.clip(null.p(float((sign * values).max())), least, most))


def _p_of_differences(values: np.ndarray, influence: np.ndarray, seed: int) -> float:
    """p of no difference at any layer: the largest standardised one if the sign of each document's, or sentence's, is random."""
    per_unit = values[:, None] + influence
    size = np.sqrt((per_unit**2).sum(1))
    if not size.max() > 0:
        return 1.0
    per_unit = per_unit[size > 0] / size[size > 0, None]
    units = per_unit.shape[1]
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(FLIPS, units))
    null = Null.of_shuffles(np.abs(signs @ per_unit.T).max(1))
    return max(null.p(float(np.abs(per_unit.sum(1)).max())), 2.0 ** (1 - units))
