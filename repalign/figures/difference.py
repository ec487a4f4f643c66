"""What one checkpoint changes over another, by layer: paired differences with their intervals."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from repalign.figures import selection
from repalign.figures.curves import by_language
from repalign.figures.lines import DIFFERENCE, level, span

if TYPE_CHECKING:
    from repalign.results import Results


def choices(results: Results) -> list[dict]:
    return selection.pictures(selection.paired_rows(results), "checkpoint", "baseline", "metric", "variant")


def draw(results: Results, *, checkpoint: str, baseline: str, metric: str, variant: str) -> dict:
    everywhere = selection.where(
        selection.paired_rows(results), metric=metric, variant=variant, source=selection.pivot(results)
    )
    rows = selection.where(everywhere, checkpoint=checkpoint, baseline=baseline)
    traces = by_language(results, rows, rows["p_adjusted"] < selection.ALPHA, DIFFERENCE)
    traces.append(level(rows.assign(value=0.0), "no change", "dot"))
    columns = [everywhere[column].dropna() for column in ("value", "low", "high")]
    label = escape(f"difference in {selection.metric_label(results, metric)}, {variant}")
    return {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": "layer"}, "range": span(rows["layer"], beyond=0.02)},
            "yaxis": {"title": {"text": label}, "range": span(*columns, beyond=0.04)},
        },
    }
