"""The table of peaks: the best layer of each curve, chosen on some sentences and scored on others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.metrics import Null
from repalign.results.schema import RESULTS
from repalign.scoring.estimates import Resampling, ends
from repalign.scoring.measurement import Measurement
from repalign.states.layer_states import LayerStates
from repalign.statistics import by_cluster, cross_fitted, intervals, may_be_best
from repalign.statistics.peaks import CrossFitted

if TYPE_CHECKING:
    import pandas as pd

FOLDS, FINER = 3, 5
"""Folds of the cross-fit, and finer ones, by which the choice loses less."""

REPEATS = 4
"""Random partitions into folds that are averaged."""

FLIPS = 999
"""Random signs of differences."""

Curve = list[list[Measurement]]
"""Of each layer, the measurements of both directions, or the one of a symmetric metric."""


def curves(measurements: Iterator[Measurement] | Sequence[Measurement]) -> dict[tuple[str, ...], Curve]:
    """Measurements of all layers by metric, variant and pair of languages; both directions belong together."""
    found: dict[tuple[str, ...], dict[int, list[Measurement]]] = {}
    for one in measurements:
        key = (one.metric.name, one.variant, *sorted((one.source, one.target)))
        found.setdefault(key, {}).setdefault(one.layer, []).append(one)
    return {key: list(layers.values()) for key, layers in found.items()}


def peak_rows(
    states: LayerStates,
    baseline: LayerStates | None,
    measurements: Sequence[Measurement],
    weights: np.ndarray,
    how: Resampling,
) -> list[dict[str, Any]]:
    """Rows of the table "peaks" of some pairs of languages at all layers, without the adjusted p."""
    rows = []
    for curve in curves(measurements).values():
        first = curve[0][0]
        row = {
            "checkpoint": states.checkpoint,
            "baseline": baseline.checkpoint if baseline else None,
            "metric": first.metric.name,
            "variant": first.variant,
            "source": first.source,
            "target": first.target,
            "sentences": first.sentences,
        }
        if (peak := _peak(curve, weights, how, baseline is not None)) is not None:
            rows.append({**row, "depth": states.depth(peak["layer"]), **peak})
    return rows


def _peak(curve: Curve, weights: np.ndarray, how: Resampling, paired: bool) -> dict[str, Any] | None:
    """None where no layer has a score."""
    merged = [_averaged(layer) for layer in curve]
    merged = [one for one in merged if not np.isnan(one.value) and not np.isnan(one.influence).any()]
    if not merged:
        return None
    values = np.array([one.value for one in merged])
    influence = by_cluster(np.stack([one.influence for one in merged]), merged[0].clusters)
    sign = _sign(merged[0], values, paired)
    top = int((sign * values).argmax())
    coarse = _cross_fits(sign * values, sign * influence, FOLDS, how.seed)
    finer = _cross_fits(sign * values, sign * influence, FINER, how.seed)
    value = sign * _mean(coarse)
    best = replace(merged[top], value=value)
    (low,), (high,) = ends([best], weights, how, paired)
    # Two of three folds may choose a worse layer than all sentences do; where four of five gain, so may all.
    gained = max(_mean(finer) - _mean(coarse), 0.0)
    low, high = (low - gained, high) if sign < 0 else (low, high + gained)
    if not paired:
        low, high = np.clip((low, high), *best.metric.bounds)
    kept = may_be_best(sign * values, sign * influence, weights, how.confidence)
    kept[top] = True
    return {
        "layer": best.layer,
        "layers": ranges([one.layer for one, may in zip(merged, kept, strict=True) if may]),
        "value": value, "low": float(low), "high": float(high),
        "chosen_on_all": float(values[top]),
        "chance": best.chance,
        "calibrated": best.metric.calibrated(value, best.chance),
        "p": _p_of_differences(values, influence, how.seed) if paired else _p_of_best(merged, values, sign),
        **_over("first", values[0], influence[0], coarse, sign, weights, how),
        **_over("last", values[-1], influence[-1], coarse, sign, weights, how),
    }  # fmt: skip


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


def _over(
    end: str,
    value: float,
    influence: np.ndarray,
    fits: Sequence[CrossFitted],
    sign: int,
    weights: np.ndarray,
    how: Resampling,
) -> dict[str, float]:
    """The cross-fitted score minus that of the first or last layer, paired."""
    over = sign * _mean(fits) - value
    # The partition whose choice varies most stands for all: their average varies less than its influence says.
    moved = max((sign * one.influence - influence for one in fits), key=lambda row: float((row**2).sum()))
    (low,), (high,) = intervals(np.array([over]), moved[None], weights, how.confidence, how.method)
    return {f"over_{end}": over, f"over_{end}_low": low, f"over_{end}_high": high}


def _p_of_best(layers: Sequence[Measurement], values: np.ndarray, sign: int) -> float:
    """p of the best of all layers: its maximum under shuffles that are the same at every layer."""
    shuffles = [one.shuffles for one in layers if one.shuffles is not None]
    if len(shuffles) < len(layers):
        known = [one.p for one in layers if not np.isnan(one.p)]
        return min(1.0, len(known) * min(known)) if known else np.nan
    return Null.of_shuffles((sign * np.stack(shuffles)).max(0)).p(float((sign * values).max()))


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


def ranges(layers: Sequence[int]) -> str:
    """Layer numbers as ranges.

    >>> ranges([3, 4, 5, 8])
    '3-5,8'
    """
    parts: list[list[int]] = []
    for layer in sorted(layers):
        if parts and layer == parts[-1][1] + 1:
            parts[-1][1] = layer
        else:
            parts.append([layer, layer])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def peak_table(rows: list[dict[str, Any]], correct: Callable[[Any], np.ndarray]) -> pd.DataFrame:
    """The table "peaks", its p-values corrected over the languages of each metric and variant."""
    table = RESULTS["peaks"].frame(rows)
    families = table.groupby(["checkpoint", "metric", "variant"], sort=False)["p"]
    return table.assign(p_adjusted=families.transform(lambda p: correct(p)))
