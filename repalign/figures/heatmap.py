"""Languages by layers: how close each language is to the pivot; a cross marks scores not above chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from repalign.figures.lines import finite, named_axis
from repalign.figures.security import as_text
from repalign.figures.style import SHARES
from repalign.figures.view import above_chance

if TYPE_CHECKING:
    import pandas as pd

    from repalign.figures.view import View

MAX_NUMBERED = 33
"""Layers of a grid with numbers in its cells, if it has no more than `MANY_ROWS` languages; more leave them no room."""

MANY_ROWS = 30
"""Languages of a grid whose layers are named on top, where they are seen without scrolling."""


def choices(view: View) -> list[dict]:
    return view.choices("scores", "checkpoint", "metric", "variant")


def draw(view: View, *, checkpoint: str, metric: str, variant: str) -> dict:
    """On one scale for all pages, from 0 to 1, if the metric's values are not above 1."""
    rows = view.rows("scores", checkpoint=checkpoint, metric=metric, variant=variant)
    highest = finite(view.rows("scores", metric=metric, variant=variant)["value"].max())
    label = view.axis_label(metric)
    return grid(rows, view.targets, ~above_chance(rows), (0.0, max(1.0, highest)), SHARES, label, ".2f")


def grid(
    rows: pd.DataFrame,
    names: list[str],
    crossed: pd.Series,
    limits: tuple[float, float],
    colours: object,
    label: str,
    digits: str,
) -> dict:
    """A heat map of `value`, first language on top, with crosses where `crossed` (bool, by index) is set.

    Args:
        digits: the format of the numbers in the cells. With numbers, crosses are in the corner of their cell.
    """
    table = rows.pivot_table(index="target", columns="layer", values="value", sort=False)
    table = table.loc[[name for name in names if name in table.index], sorted(table.columns)]
    axis = named_axis(list(table.index))
    position = dict(zip(table.index, axis["tickvals"], strict=True))
    marked = rows[crossed & rows["target"].isin(table.index)]
    numbered = len(table.columns) <= MAX_NUMBERED and len(table) <= MANY_ROWS
    layers = table.columns.to_numpy(np.float32)
    step = float(np.diff(layers).min()) if len(layers) > 1 else 1.0
    right, up = (0.36 * step, 0.28) if numbered else (0.0, 0.0)
    return {
        "data": [
            {
                "type": "heatmap",
                "meta": {"languages": list(map(as_text, table.index)), "step": step},
                "x": layers,
                "y": axis["tickvals"],
                "z": table.to_numpy(np.float32),
                "zmin": limits[0],
                "zmax": limits[1],
                "colorscale": colours,
                "colorbar": {"title": {"text": as_text(label), "side": "right"}, "thickness": 12},
                "xgap": 1,
                "ygap": 1,
                "hovertemplate": "<b>%{y}</b>, layer %{x}: <b>%{z:.3f}</b><extra></extra>",
                **(
                    {"text": cell_numbers(table.to_numpy(), digits), "texttemplate": "%{text}"}
                    if numbered
                    else {}
                ),
            },
            {
                "type": "scatter",
                "mode": "markers",
                "x": marked["layer"].to_numpy(np.float32) + np.float32(right),
                "y": marked["target"].map(position).to_numpy(np.float32) - np.float32(up),
                "marker": {"symbol": "x-thin", "size": 5, "line": {"width": 1, "color": "#9aa0ab"}},
                "hoverinfo": "skip",
                "showlegend": False,
            },
        ],
        "layout": {
            "xaxis": {
                "title": {"text": "layer"},
                "showgrid": False,
                "range": [float(layers[0]) - step / 2, float(layers[-1]) + step / 2] if len(layers) else None,
                "side": "top" if len(table) > MANY_ROWS else "bottom",
            },
            "yaxis": axis
            | {"range": [len(table) - 0.5, -0.5]}
            | (
                {"ticklabeloverflow": "allow"} if len(table) > MANY_ROWS else {}
            ),  # else each label is measured
            "height": 110 + (26 if len(table) <= 40 else 14) * len(table),
        },
    }


def cell_numbers(grid: np.ndarray, digits: str) -> list[list[str]]:
    """The numbers of the cells; empty where there is none, and zero without a sign.

    Args:
        grid: [row, column].
        digits: format of a number, e.g. "+.2f".
    """
    zeros = {format(sign * 0.0, digits): format(0.0, digits.removeprefix("+")) for sign in (1, -1)}
    texts = (
        [format(value, digits) if np.isfinite(value) else "" for value in row] for row in grid.astype(float)
    )
    return [[zeros.get(text, text) for text in row] for row in texts]
