"""What one checkpoint changes over another: the paired difference by layer, with its interval."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from repalign.figures import selection
from repalign.figures.curves import NAMED, line, quantiles
from repalign.figures.style import styles

if TYPE_CHECKING:
    from repalign.results import Results


def choices(results: Results) -> list[dict]:
    return selection.pictures(selection.paired_rows(results), "checkpoint", "baseline", "metric", "variant")


def draw(results: Results, *, checkpoint: str, baseline: str, metric: str, variant: str) -> dict:
    rows = selection.where(
        selection.paired_rows(results),
        checkpoint=checkpoint,
        baseline=baseline,
        metric=metric,
        variant=variant,
        source=selection.pivot(results),
    )
    looks = styles(selection.languages(results))
    significant = rows["p_adjusted"] < selection.ALPHA
    names = [name for name in selection.targets(results) if (rows["target"] == name).any()]
    if len(names) <= NAMED:
        traces = [
            trace
            for name in names
            for trace in line(selection.where(rows, target=name), name, looks[name], significant)
        ]
    else:
        traces = quantiles(rows)
    label = selection.metric_label(results, metric)
    return {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": "layer"}},
            "yaxis": {"title": {"text": f"difference in {escape(label)}, {escape(variant)}"}},
            "shapes": [
                {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0,
                 "line": {"color": "#7A7A7A", "dash": "dot", "width": 1.5}}
            ],
        },
    }  # fmt: skip
