"""Every language against every other at one layer, in the order of the tree that they make."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from repalign.figures import selection
from repalign.figures.style import GREY, SEQUENTIAL

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results import Results

KEYS = ("checkpoint", "metric", "variant", "layer")
CELLS = 300_000
"""Cells in all pictures together; with more, layers are left out evenly."""


def choices(results: Results) -> list[dict]:
    table = results.tables.get("languages")
    if table is None or table.empty:
        return []
    found = selection.pictures(table, *KEYS)
    layers = sorted({choice["layer"] for choice in found})
    wanted = max(1, int(len(layers) * min(1.0, CELLS / len(table))))
    kept = {layers[place] for place in np.linspace(0, len(layers) - 1, wanted).astype(int)}
    return [choice for choice in found if choice["layer"] in kept]


def draw(results: Results, *, checkpoint: str, metric: str, variant: str, layer: int) -> dict:
    chosen = {"checkpoint": checkpoint, "metric": metric, "variant": variant, "layer": int(layer)}
    rows = selection.where(results.tables["languages"], **chosen)
    order = rows.drop_duplicates("language").set_index("language")["order"].sort_values()
    table = rows.pivot_table(index="language", columns="other", values="value", dropna=False)
    names = list(order.index)
    shown = [escape(name) for name in names]
    places = np.arange(len(names), dtype=np.float32)
    label = escape(f"{selection.metric_label(results, metric)}, {variant}")
    ticks = {"tickvals": places, "ticktext": shown, "showgrid": False, "ticks": ""}
    return {
        "data": [
            {
                "type": "heatmap",
                "x": places,
                "y": places,
                "z": table.loc[names, names].to_numpy(np.float32),
                "text": [[f"{a} and {b}" for b in shown] for a in shown],
                "zmin": 0,
                "zmax": 1,
                "xgap": 1,
                "ygap": 1,
                "colorscale": SEQUENTIAL,
                "colorbar": {"title": {"text": label, "side": "right"}, "thickness": 12},
                "hovertemplate": "<b>%{text}</b>: <b>%{z:.3f}</b><extra></extra>",
            },
            *_branches(results, chosen, order),
        ],
        "layout": {
            "xaxis": {**ticks, "domain": [0, 0.72], "title": {"text": ""}},
            "yaxis": {**ticks, "autorange": "reversed", "range": [len(names) - 0.5, -0.5]},
            "xaxis2": {
                "domain": [0.74, 1],
                "title": {"text": "distance"},
                "range": [-0.02, 1.05],
                "nticks": 3,
                "showgrid": False,
            },
            "showlegend": False,
            "height": 130 + min(28, max(12, 700 // len(names))) * len(names),
        },
    }


def _branches(results: Results, chosen: dict, order: pd.Series) -> list[dict]:
    """The tree as one broken line, its leaves at the rows of the grid."""
    table = results.tables.get("tree")
    if table is None:
        return []
    place: dict[str, float] = order.astype(float).to_dict()
    height = dict.fromkeys(place, 0.0)
    x: list[float] = []
    y: list[float] = []
    for step in selection.where(table, **chosen).sort_values("step").itertuples():
        left, right, joined = str(step.left), str(step.right), str(step.step)
        x += [height[left], step.distance, step.distance, height[right], np.nan]
        y += [place[left], place[left], place[right], place[right], np.nan]
        place[joined], height[joined] = (place[left] + place[right]) / 2, step.distance
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": np.array(x, dtype=np.float32),
            "y": np.array(y, dtype=np.float32),
            "xaxis": "x2",
            "line": {"color": GREY, "width": 1.5},
            "hoverinfo": "skip",
        }
    ]
