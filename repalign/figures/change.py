"""Languages by layers: what one checkpoint changes over another; a cross where the change is not significant."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from repalign.figures import selection
from repalign.figures.heatmap import balanced, grid
from repalign.figures.style import DIVERGING

if TYPE_CHECKING:
    from repalign.results import Results


def choices(results: Results) -> list[dict]:
    return selection.pictures(selection.paired_rows(results), "checkpoint", "baseline", "metric", "variant")


def draw(results: Results, *, checkpoint: str, baseline: str, metric: str, variant: str) -> dict:
    everywhere = selection.where(
        selection.paired_rows(results), metric=metric, variant=variant, source=selection.pivot(results)
    )
    rows = selection.where(everywhere, checkpoint=checkpoint, baseline=baseline)
    label = "difference in " + escape(selection.metric_label(results, metric))
    crossed = rows["p_adjusted"] >= selection.ALPHA
    return grid(rows, selection.targets(results), crossed, balanced(everywhere), DIVERGING, label)
