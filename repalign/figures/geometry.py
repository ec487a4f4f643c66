"""Possible confounds by layer: anisotropy, rank, hubs, norms, lengths; one measure per picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repalign.figures.lines import by_layer, by_name

if TYPE_CHECKING:
    from repalign.figures.view import View


def choices(view: View) -> list[dict]:
    return view.choices("geometry", "checkpoint", "measure")


def draw(view: View, *, checkpoint: str, measure: str) -> dict:
    rows = view.rows("geometry", checkpoint=checkpoint, measure=measure)
    everywhere = view.rows("geometry", measure=measure)
    return by_layer(by_name(rows, "language", view.styles), rows, measure.replace("_", " "), everywhere)
