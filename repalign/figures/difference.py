"""Paired differences between two checkpoints by layer, with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repalign.figures.curves import by_language, each
from repalign.figures.lines import DIFFERENCE, MAX_NAMED_LINES, by_layer, level
from repalign.figures.view import ALPHA

if TYPE_CHECKING:
    from repalign.figures.view import View


def choices(view: View) -> list[dict]:
    return view.choices("differences", "checkpoint", "baseline", "metric", "variant")


def draw(view: View, *, checkpoint: str, baseline: str, metric: str, variant: str) -> dict:
    everywhere = view.rows("differences", metric=metric, variant=variant).assign(chance=0.0)
    rows = view.rows("differences", checkpoint=checkpoint, baseline=baseline, metric=metric, variant=variant)
    significant = rows["p_adjusted"] < ALPHA
    traces = by_language(view, rows, significant, DIFFERENCE)
    traces.append(level(rows.assign(value=0.0), "no change", "dot"))
    picture = by_layer(traces, rows, f"difference in {view.axis_label(metric)}, {variant}", everywhere)
    return picture | ({"each": each(rows, significant)} if rows["target"].nunique() > MAX_NAMED_LINES else {})
