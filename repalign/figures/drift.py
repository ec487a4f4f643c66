"""How far each language's states moved from the baseline, by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repalign.figures.lines import by_layer, by_name

if TYPE_CHECKING:
    from repalign.figures.view import View

LABELS = {
    "cka": "CKA with the baseline",
    "cosine": "cosine with the baseline",
    "centroid_distance": "shift of the mean (in sd)",
}


def choices(view: View) -> list[dict]:
    return view.choices("drift", "checkpoint", "baseline", "measure")


def draw(view: View, *, checkpoint: str, baseline: str, measure: str) -> dict:
    rows = view.rows("drift", checkpoint=checkpoint, baseline=baseline, measure=measure)
    return by_layer(by_name(rows, "language", view.styles), rows, LABELS.get(measure, measure), rows)
