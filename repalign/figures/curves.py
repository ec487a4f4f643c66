"""Scores by layer, one line a language: intervals as bands, significant layers as filled marks, chance dotted."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from repalign.figures import selection
from repalign.figures.lines import SCORE, level, quantiles, scored, span
from repalign.figures.style import DASHES, STYLE, styles

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results import Results

NAMED = 12
"""With more languages than this, lines could not be told apart: quantiles over languages are drawn."""


def choices(results: Results) -> list[dict]:
    return selection.pictures(selection.own_rows(results), "checkpoint", "metric", "variant")


def draw(results: Results, *, checkpoint: str, metric: str, variant: str) -> dict:
    everywhere = selection.where(
        selection.own_rows(results), metric=metric, variant=variant, source=selection.pivot(results)
    )
    rows = selection.where(everywhere, checkpoint=checkpoint)
    traces = by_language(results, rows, selection.above_chance(rows), SCORE)
    traces.append(level(rows.assign(value=rows["chance"]), "chance", "dot"))
    traces += _controls(results, checkpoint, metric, variant)
    columns = [everywhere[column].dropna() for column in ("value", "low", "high", "chance")]
    label = escape(f"{selection.metric_label(results, metric)}, {variant}")
    return {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": "layer"}, "range": span(rows["layer"], beyond=0.02)},
            # one range for all checkpoints, so that pictures side by side can be compared by eye
            "yaxis": {"title": {"text": label}, "range": span(*columns, beyond=0.04)},
        },
    }


def by_language(results: Results, rows: pd.DataFrame, filled: pd.Series, hover: str) -> list[dict]:
    """A line for each language, or quantiles where there are too many."""
    names = [name for name in selection.targets(results) if (rows["target"] == name).any()]
    if len(names) > NAMED:
        return quantiles(rows, STYLE)
    looks = styles(selection.languages(results))
    parts = [scored(selection.where(rows, target=name), name, looks[name], filled, hover) for name in names]
    return [trace for part in parts for trace in part]


def _controls(results: Results, checkpoint: str, metric: str, variant: str) -> list[dict]:
    """What the metric gives without meaning, over all languages; shown when chosen in the legend."""
    table = results.tables.get("controls")
    if table is None:
        return []
    rows = selection.where(
        table, checkpoint=checkpoint, metric=metric, variant=variant, source=selection.pivot(results)
    )
    return [
        level(own, f"{name} (mean)", DASHES[1 + place % (len(DASHES) - 1)]) | {"visible": "legendonly"}
        for place, (name, own) in enumerate(rows.groupby("control", sort=False))
    ]
