"""From checkpoint to checkpoint: each language at its best layer."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from repalign.figures import selection
from repalign.figures.curves import NAMED
from repalign.figures.style import styles

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results import Results


def choices(results: Results) -> list[dict]:
    """Nothing below three checkpoints: two are compared layer by layer instead."""
    if len(selection.checkpoints(results)) < 3:
        return []
    return selection.pictures(selection.own_rows(results), "metric", "variant")


def draw(results: Results, *, metric: str, variant: str) -> dict:
    rows = selection.where(
        selection.own_rows(results), metric=metric, variant=variant, source=selection.pivot(results)
    )
    best = rows.loc[rows.groupby(["checkpoint", "target"], sort=False)["calibrated"].idxmax().dropna()]
    best = best.assign(significant=selection.above_chance(best))
    order = selection.checkpoints(results)
    looks = styles(selection.languages(results))
    names = selection.targets(results)
    traces = [_line(selection.where(best, target=name), name, looks[name], order) for name in names]
    label = selection.metric_label(results, metric)
    return {
        "data": traces,
        "layout": {
            "xaxis": {
                "type": "category",
                "categoryorder": "array",
                "categoryarray": [escape(name) for name in order],
            },
            "yaxis": {"title": {"text": f"{escape(label)} at the best layer, {escape(variant)}"}},
            "showlegend": len(names) <= NAMED,
        },
    }


def _line(rows: pd.DataFrame, name: str, look, order: list[str]) -> dict:
    rows = rows.set_index("checkpoint").reindex(order).dropna(subset=["value"])
    marks = [look.symbol if on else f"{look.symbol}-open" for on in rows["significant"]]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": escape(name),
        "x": [escape(checkpoint) for checkpoint in rows.index],
        "y": rows["value"].to_numpy(np.float32),
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": (rows["high"] - rows["value"]).to_numpy(np.float32),
            "arrayminus": (rows["value"] - rows["low"]).to_numpy(np.float32),
            "thickness": 1,
            "width": 3,
        },
        "customdata": rows["layer"].to_numpy(np.int32),
        "line": {"color": look.colour, "dash": look.dash, "width": 2},
        "marker": {"color": look.colour, "size": 8, "symbol": marks},
        "hovertemplate": "<b>%{fullData.name}</b> %{x}: <b>%{y:.3f}</b> at layer %{customdata}<extra></extra>",
    }
