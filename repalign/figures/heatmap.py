"""Languages by layers: where each language is near the pivot; a cross where it is not above chance."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from repalign.figures import selection
from repalign.figures.style import SEQUENTIAL

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results import Results

ROW = 26
"""Height of one language in pixels, so that each can be named."""


def choices(results: Results) -> list[dict]:
    return selection.pictures(selection.own_rows(results), "checkpoint", "metric", "variant")


def draw(results: Results, *, checkpoint: str, metric: str, variant: str) -> dict:
    everywhere = selection.where(
        selection.own_rows(results), metric=metric, variant=variant, source=selection.pivot(results)
    )
    rows = selection.where(everywhere, checkpoint=checkpoint)
    limits = float(everywhere["value"].min()), float(everywhere["value"].max())
    label = selection.metric_label(results, metric)
    return grid(
        rows, selection.targets(results), ~selection.above_chance(rows), limits, SEQUENTIAL, escape(label)
    )


def grid(
    rows: pd.DataFrame,
    names: list[str],
    crossed: pd.Series,
    limits: tuple[float, float],
    colours: object,
    label: str,
) -> dict:
    """A heat map of `value`, the first language on top, with crosses on the rows of `crossed`."""
    table = rows.pivot_table(index="target", columns="layer", values="value", sort=False)
    names = [name for name in names if name in table.index]
    layers = sorted(table.columns)
    table = table.loc[names, layers]
    shown = [escape(name) for name in names]
    marked = rows[crossed]
    row = min(ROW, 14 if len(names) > 40 else ROW)
    return {
        "data": [
            {
                "type": "heatmap",
                "x": layers,
                "y": shown,
                "z": table.to_numpy(np.float32),
                "zmin": limits[0],
                "zmax": limits[1],
                "colorscale": colours,
                "colorbar": {"title": {"text": label, "side": "right"}, "thickness": 12},
                "xgap": 1,
                "ygap": 1,
                "hovertemplate": "<b>%{y}</b> layer %{x}: <b>%{z:.3f}</b><extra></extra>",
            },
            {
                "type": "scatter",
                "mode": "markers",
                "x": marked["layer"].to_numpy(np.float32),
                "y": [escape(name) for name in marked["target"]],
                "marker": {"symbol": "x-thin", "size": 5, "line": {"width": 1, "color": "#9aa0ab"}},
                "hoverinfo": "skip",
                "showlegend": False,
            },
        ],
        "layout": {
            "xaxis": {"title": {"text": "layer"}, "showgrid": False, "constrain": "domain"},
            "yaxis": {
                "autorange": "reversed",
                "showgrid": False,
                "type": "category",
                "dtick": 1,
                "ticks": "",
            },
            "height": 110 + row * len(names),
        },
    }


def balanced(rows: pd.DataFrame) -> tuple[float, float]:
    """Limits for `DIVERGING`: as far below zero as above."""
    reach = float(rows["value"].abs().max()) or 1.0
    return -reach, reach
