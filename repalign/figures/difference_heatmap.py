"""Languages by layers: differences between two checkpoints; a cross marks those that are not significant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repalign.figures.heatmap import grid
from repalign.figures.lines import finite
from repalign.figures.style import DIVERGING
from repalign.figures.view import ALPHA

if TYPE_CHECKING:
    from repalign.figures.view import View


def choices(view: View) -> list[dict]:
    return view.choices("differences", "checkpoint", "baseline", "metric", "variant")


def draw(view: View, *, checkpoint: str, baseline: str, metric: str, variant: str) -> dict:
    rows = view.rows("differences", checkpoint=checkpoint, baseline=baseline, metric=metric, variant=variant)
    reach = finite(view.rows("differences", metric=metric, variant=variant)["value"].abs().max()) or 1.0
    label = f"difference in {view.axis_label(metric)}"
    return grid(rows, view.targets, rows["p_adjusted"] >= ALPHA, (-reach, reach), DIVERGING, label, "+.2f")
