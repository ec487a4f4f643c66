"""What stands beside alignment, by layer: anisotropy, rank, hubs, norms, lengths, one measure a picture."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from repalign.figures.lines import by_name, span

if TYPE_CHECKING:
    from repalign.figures.view import View


def choices(view: View) -> list[dict]:
    return view.choices("geometry", "checkpoint", "measure")


def draw(view: View, *, checkpoint: str, measure: str) -> dict:
    rows = view.rows("geometry", checkpoint=checkpoint, measure=measure)
    everywhere = view.rows("geometry", measure=measure)["value"].dropna()
    return {
        "data": by_name(rows, "language", view.looks),
        "layout": {
            "xaxis": {"title": {"text": "layer"}},
            "yaxis": {
                "title": {"text": escape(measure.replace("_", " "))},
                "range": span(everywhere, beyond=0.04),
            },
        },
    }
