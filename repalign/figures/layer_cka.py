"""Layers of one checkpoint against layers of the other: debiased CKA of one language's states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from repalign.figures.security import as_text
from repalign.figures.style import SEQUENTIAL

if TYPE_CHECKING:
    from repalign.figures.view import View


def choices(view: View) -> list[dict]:
    return view.choices("layer_cka", "checkpoint", "baseline", "language")


def draw(view: View, *, checkpoint: str, baseline: str, language: str) -> dict:
    rows = view.rows("layer_cka", checkpoint=checkpoint, baseline=baseline, language=language)
    table = rows.pivot_table(index="layer", columns="baseline_layer", values="value", dropna=False)
    return {
        "data": [
            {
                "type": "heatmap",
                "x": table.columns.to_numpy(np.float32),
                "y": table.index.to_numpy(np.float32),
                "z": table.to_numpy(np.float32),
                "zmin": 0,
                "zmax": 1,
                "colorscale": SEQUENTIAL,
                "colorbar": {"title": {"text": "CKA", "side": "right"}, "thickness": 12},
                "hovertemplate": "layer %{y} against layer %{x} of the baseline: <b>%{z:.3f}</b><extra></extra>",
            }
        ],
        "layout": {
            "xaxis": {"title": {"text": f"layers of {as_text(baseline)}"}, "showgrid": False},
            "yaxis": {"title": {"text": f"layers of {as_text(checkpoint)}"}, "showgrid": False},
            "height": 460,
        },
    }
