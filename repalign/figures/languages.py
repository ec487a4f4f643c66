"""Every language against every other at one layer, in the order of the tree that they make."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from repalign.errors import RepalignError
from repalign.figures.style import GREY, SEQUENTIAL

if TYPE_CHECKING:
    import pandas as pd

    from repalign.figures.view import View

CELLS = 300_000
"""Cells in all pictures together; with more, layers are left out evenly."""


def choices(view: View) -> list[dict]:
    found = view.choices("languages", "checkpoint", "metric", "variant", "layer")
    layers = sorted({choice["layer"] for choice in found})
    wanted = len(layers) * CELLS // max(CELLS, len(view.rows("languages")))
    kept = (
        {layers[place] for place in np.linspace(0, len(layers) - 1, wanted or 1).astype(int)} if found else {}
    )
    return [choice for choice in found if choice["layer"] in kept]


def draw(view: View, *, checkpoint: str, metric: str, variant: str, layer: int) -> dict:
    chosen = {"checkpoint": checkpoint, "metric": metric, "variant": variant, "layer": int(layer)}
    rows = view.rows("languages", **chosen)
    order = rows.drop_duplicates("language").set_index("language")["order"].sort_values()
    table = rows.pivot_table(index="language", columns="other", values="value", dropna=False)
    names = list(order.index)
    shown = [escape(name) for name in names]
    places = np.arange(len(names), dtype=np.float32)
    ticks = {"tickvals": places, "ticktext": shown, "showgrid": False, "ticks": ""}
    return {
        "data": [
            {
                "type": "heatmap",
                "x": places,
                "y": places,
                "z": table.reindex(index=names, columns=names).to_numpy(np.float32),
                "zmin": 0,
                "zmax": 1,
                "xgap": 1,
                "ygap": 1,
                "colorscale": SEQUENTIAL,
                "colorbar": {
                    "title": {"text": escape(f"{view.label(metric)}, {variant}"), "side": "right"},
                    "thickness": 12,
                },
                "hovertemplate": "<b>%{y}</b> and <b>%{x}</b>: <b>%{z:.3f}</b><extra></extra>",
            },
            *_branches(view.rows("tree", **chosen), order),
        ],
        "layout": {
            "xaxis": {**ticks, "domain": [0, 0.72]},
            "yaxis": {**ticks, "range": [len(names) - 0.5, -0.5]},
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


def _branches(mergers: pd.DataFrame, order: pd.Series) -> list[dict]:
    """The tree as one broken line, its leaves at the rows of the grid."""
    if mergers.empty:
        return []
    place: dict[str, float] = order.astype(float).to_dict()
    height = dict.fromkeys(place, 0.0)
    x: list[float] = []
    y: list[float] = []
    for step in mergers.sort_values("step").itertuples():
        left, right, joined = str(step.left), str(step.right), str(step.step)
        if strange := {left, right} - set(place):
            raise RepalignError(
                f"the table 'tree' joins {min(strange)!r} at step {joined}, which is no language of the table "
                "'languages' and no earlier step; run the command that wrote them again"
            )
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
