"""Scores by layer, one line per language: bands are intervals, filled marks significant, the dotted line chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repalign.figures.lines import MAX_NAMED_LINES, SCORE, by_layer, level, quantiles, scored
from repalign.figures.style import DASHES, STYLE
from repalign.figures.view import above_chance

if TYPE_CHECKING:
    import pandas as pd

    from repalign.figures.view import View


def choices(view: View) -> list[dict]:
    return view.choices("scores", "checkpoint", "metric", "variant")


def draw(view: View, *, checkpoint: str, metric: str, variant: str) -> dict:
    everywhere = view.rows("scores", metric=metric, variant=variant)
    rows = view.rows("scores", checkpoint=checkpoint, metric=metric, variant=variant)
    traces = by_language(view, rows, above_chance(rows), SCORE)
    traces.append(level(rows.assign(value=rows["chance"]), "chance", "dot"))
    traces += _controls(view, checkpoint, metric, variant)
    return by_layer(traces, rows, f"{view.axis_label(metric)}, {variant}", everywhere)


def by_language(view: View, rows: pd.DataFrame, filled: pd.Series, hover: str) -> list[dict]:
    """A line for each language, or quantiles if there are too many."""
    groups = dict(list(rows.groupby("target", sort=False)))
    if len(groups) > MAX_NAMED_LINES:
        return quantiles(rows, STYLE)
    names = [name for name in view.targets if name in groups]
    parts = [scored(groups[name], name, view.styles[name], filled, hover) for name in names]
    return [trace for part in parts for trace in part]


def _controls(view: View, checkpoint: str, metric: str, variant: str) -> list[dict]:
    """Mean scores of the control conditions over all languages; hidden until switched on in the legend."""
    rows = view.rows("controls", checkpoint=checkpoint, metric=metric, variant=variant)
    if rows.empty:
        return []
    return [
        level(scores, f"{name} (mean)", DASHES[1 + index % (len(DASHES) - 1)]) | {"visible": "legendonly"}
        for index, (name, scores) in enumerate(rows.groupby("control", sort=False))
    ]
