"""Every language against every other at one layer, ordered by their tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from repalign.errors import RepalignError
from repalign.figures.lines import height_above, named_axis
from repalign.figures.security import as_text
from repalign.figures.style import GREY, SEQUENTIAL

if TYPE_CHECKING:
    import pandas as pd

    from repalign.figures.view import View

MAX_CELLS = 300_000
"""Cells of all figures together; with more, evenly spaced layers are shown."""


def choices(view: View) -> list[dict]:
    """One figure per checkpoint, metric, variant and layer."""
    every = view.choices("languages", "checkpoint", "metric", "variant", "layer")
    if not every:
        return []
    layers = sorted({choice["layer"] for choice in every})
    count = len(layers) * MAX_CELLS // max(MAX_CELLS, len(view.rows("languages"))) or 1
    shown = {layers[index] for index in np.linspace(0, len(layers) - 1, count).astype(int)}
    return [choice for choice in every if choice["layer"] in shown]


def draw(view: View, *, checkpoint: str, metric: str, variant: str, layer: int) -> dict:
    """The heatmap with the tree at its side."""
    chosen = {"checkpoint": checkpoint, "metric": metric, "variant": variant, "layer": int(layer)}
    rows = view.rows("languages", **chosen)
    order = rows.drop_duplicates("language").set_index("language")["order"].sort_values()
    table = rows.pivot_table(index="language", columns="other", values="value", dropna=False)
    names = list(order.index)
    positions = np.arange(len(names), dtype=np.float32)
    ticks = named_axis(names)
    return {
        "data": [
            {
                "type": "heatmap",
                "x": positions,
                "y": positions,
                "z": table.reindex(index=names, columns=names).to_numpy(np.float32),
                "zmin": 0,
                "zmax": 1,
                "xgap": 1,
                "ygap": 1,
                "colorscale": SEQUENTIAL,
                "colorbar": {
                    "title": {"text": as_text(f"{view.axis_label(metric)}, {variant}"), "side": "right"},
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
            "height": height_above(names) - 250 + min(28, max(12, 700 // len(names))) * len(names),
        },
    }


def _branches(mergers: pd.DataFrame, order: pd.Series) -> list[dict]:
    """The tree as one line with gaps, its leaves at the rows of the heatmap."""
    if mergers.empty:
        return []
    position: dict[str, float] = order.astype(float).to_dict()
    height = dict.fromkeys(position, 0.0)
    x: list[float] = []
    y: list[float] = []
    for step in mergers.sort_values("step").itertuples():
        left, right, joined = str(step.left), str(step.right), str(step.step)
        if strange := {left, right} - set(position):
            raise RepalignError(
                f"the table 'tree' joins {min(strange)!r} at step {joined}, which is no language of the table "
                "'languages' and no earlier step; run the command that wrote them again"
            )
        x += [height[left], step.distance, step.distance, height[right], np.nan]
        y += [position[left], position[left], position[right], position[right], np.nan]
        position[joined], height[joined] = (position[left] + position[right]) / 2, step.distance
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
