"""The map of the semantic space at several layers side by side, for papers; the page has an interactive one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from repalign.figures.security import as_text, group
from repalign.figures.style import Style

if TYPE_CHECKING:
    import pandas as pd

    from repalign.figures.view import View

MAX_LAYERS = 6
MAX_COLUMNS = 3


def choices(view: View) -> list[dict]:
    return view.choices("map", "checkpoint", "reducer", "variant")


def draw(view: View, *, checkpoint: str, reducer: str, variant: str) -> dict:
    rows = view.rows("map", checkpoint=checkpoint, reducer=reducer, variant=variant)
    layers = np.unique(rows["layer"])
    layers = layers[
        np.unique(np.linspace(0, len(layers) - 1, min(MAX_LAYERS, len(layers))).round().astype(int))
    ]
    columns = min(MAX_COLUMNS, len(layers))
    height = 60 + 240 * -(-len(layers) // columns)
    reach = float(rows[["x", "y"]].abs().quantile(0.998).max()) * 1.1
    axis = {"range": [-reach, reach], "showticklabels": False, "ticks": "", "showgrid": False, "mirror": True}
    layout: dict = {
        "grid": {
            "rows": -(-len(layers) // columns),
            "columns": columns,
            "pattern": "independent",
            "ygap": 0.2,
        },
        "height": height,
        "annotations": [],
    }
    traces = []
    for panel, layer in enumerate(layers, 1):
        at_layer = rows[rows["layer"] == layer]
        number = "" if panel == 1 else str(panel)
        layout[f"xaxis{number}"], layout[f"yaxis{number}"] = axis, {**axis, "scaleanchor": f"x{number}"}
        layout["annotations"].append(_title(at_layer, number))
        traces += [
            _points(points, str(language), view.styles[str(language)], number, legend=panel == 1)
            for language, points in at_layer.groupby("language", sort=False, observed=True)
        ]
    return {"data": traces, "layout": layout}


def _points(rows: pd.DataFrame, language: str, style: Style, number: str, legend: bool) -> dict:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": as_text(language),
        "legendgroup": group(language),
        "showlegend": legend,
        "x": rows["x"].to_numpy(np.float32),
        "y": rows["y"].to_numpy(np.float32),
        "customdata": rows["sentence"].to_numpy(np.int32),
        "xaxis": f"x{number}",
        "yaxis": f"y{number}",
        "marker": {"color": style.colour, "symbol": style.symbol, "size": 4, "opacity": 0.8},
        "hovertemplate": "<b>%{fullData.name}</b>, sentence %{customdata}<extra></extra>",
    }


def _title(rows: pd.DataFrame, number: str) -> dict:
    first = rows.iloc[0]
    return {
        "text": f"layer {first['layer']} (trustworthiness {first['trustworthiness']:.2f})",
        "xref": f"x{number} domain",
        "yref": f"y{number} domain",
        "x": 0.5,
        "y": 1.12,
        "showarrow": False,
    }
