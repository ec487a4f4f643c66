"""What stands beside alignment, by layer: anisotropy, rank, hubs, norms, lengths, one measure a picture."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from repalign.figures import selection
from repalign.figures.curves import NAMED
from repalign.figures.lines import plain, quantiles, span
from repalign.figures.style import STYLE, styles

if TYPE_CHECKING:
    from repalign.results import Results


def choices(results: Results) -> list[dict]:
    table = results.tables.get("geometry")
    return [] if table is None else selection.pictures(table, "checkpoint", "measure")


def draw(results: Results, *, checkpoint: str, measure: str) -> dict:
    everywhere = selection.where(results.tables["geometry"], measure=measure)
    rows = selection.where(everywhere, checkpoint=checkpoint)
    looks = styles(selection.languages(results))
    if rows["language"].nunique() > NAMED:
        traces = quantiles(rows, STYLE)
    else:
        traces = [
            plain(own, name, looks[name]) for name, own in rows.groupby("language", sort=False, observed=True)
        ]
    return {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": "layer"}},
            "yaxis": {
                "title": {"text": escape(measure.replace("_", " "))},
                "range": span(everywhere["value"].dropna(), beyond=0.04),
            },
        },
    }
