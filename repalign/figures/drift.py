"""How far each language's own states moved from the baseline, by layer."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from repalign.figures import selection
from repalign.figures.curves import NAMED
from repalign.figures.lines import band, plain, quantiles
from repalign.figures.style import STYLE, styles

if TYPE_CHECKING:
    from repalign.results import Results

LABELS = {
    "cka": "CKA with itself before",
    "cosine": "cosine with itself before",
    "centroid_distance": "move of the mean (in sd)",
}


def choices(results: Results) -> list[dict]:
    table = results.tables.get("drift")
    return [] if table is None else selection.pictures(table, "checkpoint", "baseline", "measure")


def draw(results: Results, *, checkpoint: str, baseline: str, measure: str) -> dict:
    rows = selection.where(results.tables["drift"], checkpoint=checkpoint, baseline=baseline, measure=measure)
    looks = styles(selection.languages(results))
    if rows["language"].nunique() > NAMED:
        traces = quantiles(rows, STYLE)
    else:
        traces = [
            trace
            for name, own in rows.groupby("language", sort=False)
            for trace in (*band(own, name, looks[name]), plain(own, name, looks[name]))
        ]
    return {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": "layer"}},
            "yaxis": {"title": {"text": escape(LABELS.get(measure, measure))}},
        },
    }
