"""Across checkpoints: each language at its best layer, chosen on some sentences and scored on the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from repalign.figures.lines import MAX_NAMED_LINES, height_above, named_axis, of_language
from repalign.figures.security import as_text
from repalign.figures.view import above_chance
from repalign.results.layer_ranges import layer_set

if TYPE_CHECKING:
    import pandas as pd

    from repalign.figures.style import Style
    from repalign.figures.view import View


def choices(view: View) -> list[dict]:
    """Empty for fewer than three checkpoints: two are compared layer by layer instead."""
    return view.choices("scores", "metric", "variant") if len(view.checkpoints) > 2 else []


def draw(view: View, *, metric: str, variant: str) -> dict:
    best, where = _best(view, metric, variant)
    best = best.assign(significant=above_chance(best))
    groups = dict(list(best.groupby("target", sort=False)))
    names = [name for name in view.targets if name in groups]
    return {
        "data": [_line(groups[name], name, view.styles[name], view.checkpoints) for name in names],
        "layout": {
            "xaxis": named_axis(view.checkpoints) | {"range": [-0.5, len(view.checkpoints) - 0.5]},
            "yaxis": {
                "title": {"text": f"{as_text(view.axis_label(metric))} at {where}, {as_text(variant)}"}
            },
            "showlegend": len(names) <= MAX_NAMED_LINES,
            "height": height_above(view.checkpoints),
        },
    }


def _best(view: View, metric: str, variant: str) -> tuple[pd.DataFrame, str]:
    """The rows to draw, and their layer in words: cross-fitted peaks, or of results without them, one layer for all."""
    peaks = view.rows("peaks", metric=metric, variant=variant)
    if len(peaks):
        return peaks.dropna(subset=["gain"]), "the best layer"
    rows = view.rows("scores", metric=metric, variant=variant).dropna(subset=["gain"])
    if rows.empty:
        return rows, "the best layer"
    last = rows[rows["checkpoint"] == rows["checkpoint"].iloc[-1]]
    layer = last.groupby("layer")["gain"].mean().idxmax()
    return rows[rows["layer"] == layer].assign(
        layers=str(layer)
    ), f"layer {layer},<br>the best of the last checkpoint"


def _line(rows: pd.DataFrame, name: str, style: Style, order: list[str]) -> dict:
    rows = (
        rows.set_index("checkpoint")
        .reindex(order)
        .assign(position=range(len(order)))
        .dropna(subset=["value"])
    )
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": as_text(name),
        **of_language(name),
        "x": rows["position"].to_numpy(np.float32),
        "y": rows["value"].to_numpy(np.float32),
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": (rows["high"] - rows["value"]).to_numpy(np.float32),
            "arrayminus": (rows["value"] - rows["low"]).to_numpy(np.float32),
            "thickness": 1,
            "width": 3,
        },
        "text": [
            f"layers {layers}" if len(layer_set(layers)) > 1 else f"layer {layers}"
            for layers in rows["layers"]
        ],
        "line": {"color": style.colour, "dash": style.dash, "width": 2},
        "marker": {
            "color": style.colour,
            "size": 8,
            "symbol": [style.symbol if on else f"{style.symbol}-open" for on in rows["significant"]],
        },
        "hovertemplate": "<b>%{fullData.name}</b>, %{x}: %{y:.3f}, best in %{text}<extra></extra>",
    }
