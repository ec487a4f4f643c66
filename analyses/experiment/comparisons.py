"""Comparisons of runs of `pretrained.py`, and the rule by which each is judged.

A comparison is "supported" if its 95% interval, over the documents or paragraphs of the items, excludes zero in the direction
of the claim, p is below .05 after Holm's correction over the comparisons of the claim, and training again does not change it:
with three seeds or more, the interval over seeds (Student's t) excludes zero too; with two, both have the same sign. "Comparable"
is supported if both intervals are within a margin stated beforehand. "In the middle" is supported if the interval of the best
layer's depth is between one and two thirds. Whatever else was measured is "not supported", with the reason; what was not measured, or
on too few items, is "not testable here".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from repalign.statistics import holm

from .estimates import MIN_CHANGED, Estimate, peak_interval, seeds_interval
from .kept import Kept, Missing
from .plan import BASE, TWIN

SUPPORTED, NOT_SUPPORTED, NOT_TESTABLE = "supported", "not supported", "not testable here"
LEVEL = 0.05

Score = Callable[[str], Estimate]
"""Run -> its score; raises `Missing`."""


@dataclass(frozen=True)
class Comparison:
    """One number that a claim is about.

    Attributes:
        label: what is compared, e.g. "x-zh − alpaca, zh".
        measure: of what, with its unit, e.g. "XQuAD F1".
        seeds: the number by seed of the training; empty if it cannot be computed, for which `reason` says why.
        kind: "greater" than zero, "comparable" within `margin`, or "middle", a depth with its `interval`.
        margin: of "comparable".
        interval: if it is known beforehand, not from the seeds.
        p: likewise.
        items: likewise.
        beside: shown, but not counted in the verdict of the claim.
    """

    label: str
    measure: str
    seeds: Mapping[int, Estimate] = field(default_factory=dict)
    reason: str = ""
    kind: str = "greater"
    margin: float = 0.0
    value: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None
    items: int = 0
    beside: bool = False


def difference(
    kept: Kept, name: str, other: str, measure: str, score: Score, where: str = "", **rest: Any
) -> Comparison:
    """A recipe minus another one of the same seed, or minus the base; missing runs are the reason of the comparison."""
    label = f"{name} − {other}{where and ', ' + where}"
    one, two = kept.seeds(name), kept.seeds(other)
    fixed = other in (BASE, TWIN)
    common = {
        seed: (run, two[0] if fixed else two[seed])
        for seed, run in one.items()
        if two and (fixed or seed in two)
    }
    if not common:
        absent = [what for what, runs in ((name, one), (other, two)) if not runs]
        reason = (
            f"{' and '.join(absent)} not trained" if absent else f"{name} and {other} have no seed in common"
        )
        return Comparison(label, measure, reason=reason, **rest)
    try:
        seeds = {seed: score(first) - score(second) for seed, (first, second) in sorted(common.items())}
    except Missing as missing:
        return Comparison(label, measure, reason=str(missing), **rest)
    return Comparison(label, measure, seeds, **rest)


def peak(kept: Kept, name: str, languages: Sequence[str], **rest: Any) -> Comparison:
    """The depth of the layer where languages align best; over seeds, of the mean curve."""
    label, measure = f"{name}: layer with the best P@1", "depth, 0 first to 1 last"
    runs = list(kept.seeds(name).values())
    if not runs:
        return Comparison(label, measure, reason=f"{name} not trained", kind="middle", **rest)
    try:
        curve = [
            Estimate.mean([kept.alignment(run, languages, [layer]) for run in runs]) for layer in kept.layers
        ]
    except Missing as missing:
        return Comparison(label, measure, reason=str(missing), kind="middle", **rest)
    value, low, high = peak_interval(curve)
    return Comparison(
        label,
        measure,
        kind="middle",
        value=value,
        interval=(low, high),
        items=len(curve[0].influence),
        **rest,
    )


def judged(comparisons: Iterable[Comparison]) -> list[dict[str, Any]]:
    """A row for each comparison: value, low, high, p, p_adjusted, items, units, seeds, verdict and reason.

    Holm's correction is over those that are tested against zero and counted.
    """
    given = list(comparisons)
    rows = [_measured(one) for one in given]
    tested = [
        row
        for one, row in zip(given, rows, strict=True)
        if one.kind == "greater" and not one.beside and "p" in row
    ]
    for row, p in zip(tested, holm(np.array([row["p"] for row in tested])), strict=True):
        row["p_adjusted"] = float(p)
    for one, row in zip(given, rows, strict=True):
        row["verdict"], row["reason"] = (NOT_TESTABLE, one.reason) if one.reason else _verdict(one, row)
    return rows


def _measured(one: Comparison) -> dict[str, Any]:
    """The numbers of a comparison; none if it cannot be computed."""
    row: dict[str, Any] = {"label": one.label, "measure": one.measure, "kind": one.kind, "beside": one.beside}
    if one.kind == "comparable":
        row["margin"] = one.margin
    if one.reason:
        return row
    if one.interval is not None:
        row |= {"value": one.value, "low": one.interval[0], "high": one.interval[1], "items": one.items}
        return row if one.p is None else row | {"p": one.p}
    mean = Estimate.mean(list(one.seeds.values()))
    low, high = mean.interval
    values = [seed.value for seed in one.seeds.values()]
    row |= {"value": mean.value, "low": low, "high": high, "p": mean.p}
    row |= {"items": len(mean.influence), "units": len(mean.units), "changed": mean.changed, "seeds": values}
    if ends := seeds_interval(values):
        row |= {"seeds_low": ends[0], "seeds_high": ends[1]}
    return row


def _verdict(one: Comparison, row: Mapping[str, Any]) -> tuple[str, str]:
    """The rule at the head of this file."""
    low, high = row["low"], row["high"]
    if row.get("changed", MIN_CHANGED) < MIN_CHANGED:
        return (
            NOT_TESTABLE,
            f"only {row['changed']} of {row['units']} independent units differ, fewer than {MIN_CHANGED}",
        )
    if np.isnan(low) or np.isnan(high):
        return NOT_TESTABLE, "too few items for an interval"
    if one.kind == "middle":
        inside = low >= 1 / 3 and high <= 2 / 3
        return (SUPPORTED, "") if inside else (NOT_SUPPORTED, "the interval leaves the middle third")
    ends = [(low, high, "over items"), (row.get("seeds_low", low), row.get("seeds_high", high), "over seeds")]
    if one.kind == "comparable":
        for least, most, over in ends:
            if most < -one.margin or least > one.margin:
                return NOT_SUPPORTED, f"they differ by more than {one.margin:g}"
            if least < -one.margin or most > one.margin:
                return NOT_SUPPORTED, f"the interval {over} is not within ±{one.margin:g}"
        return SUPPORTED, ""
    if high < 0:
        return NOT_SUPPORTED, "the opposite: the interval is below zero"
    for least, _, over in ends:
        if least <= 0:
            return NOT_SUPPORTED, f"the interval {over} includes zero"
    if min(row.get("seeds", [1])) <= 0:
        return NOT_SUPPORTED, "the seeds differ in sign"
    if row.get("p_adjusted", 0.0) >= LEVEL:
        return NOT_SUPPORTED, "not after Holm's correction"
    return SUPPORTED, ""
