"""Scores by layer, one line a language: intervals as bands, significant layers as filled marks, chance dotted."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from repalign.figures import selection
from repalign.figures.style import Style, styles, translucent

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results import Results

NAMED = 12
"""With more languages than this, lines could not be told apart: quantiles over languages are drawn."""

HOVER = (
    "<b>%{fullData.name}</b> layer %{customdata[0]:d}: <b>%{y:.3f}</b> [%{customdata[1]:.3f}, %{customdata[2]:.3f}]"
    "<br>chance %{customdata[3]:.3f} · adjusted p %{customdata[4]:.2g}<extra></extra>"
)


def choices(results: Results) -> list[dict]:
    return selection.pictures(selection.own_rows(results), "checkpoint", "metric", "variant")


def draw(results: Results, *, checkpoint: str, metric: str, variant: str) -> dict:
    everywhere = selection.where(
        selection.own_rows(results), metric=metric, variant=variant, source=selection.pivot(results)
    )
    rows = selection.where(everywhere, checkpoint=checkpoint)
    looks = styles(selection.languages(results))
    names = [language for language in selection.targets(results) if (rows["target"] == language).any()]
    if len(names) <= NAMED:
        traces = [
            trace
            for name in names
            for trace in line(
                selection.where(rows, target=name), name, looks[name], selection.above_chance(rows)
            )
        ]
    else:
        traces = quantiles(rows)
    traces.append(_chance(rows))
    label = selection.metric_label(results, metric)
    return {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": "layer"}, "range": _span(rows["layer"], 0.02)},
            "yaxis": {"title": {"text": f"{escape(label)}, {escape(variant)}"}, "range": _reach(everywhere)},
            "hovermode": "closest",
        },
    }


def line(rows: pd.DataFrame, name: str, look: Style, filled: pd.Series) -> list[dict]:
    """The band of the intervals and the line with its marks."""
    rows = rows.sort_values("layer")
    layers = rows["layer"].to_numpy(np.float32)
    marks = [look.symbol if on else f"{look.symbol}-open" for on in filled.loc[rows.index]]
    detail = rows[["layer", "low", "high", "chance", "p_adjusted"]].to_numpy(np.float32)
    known = rows["low"].notna() & rows["high"].notna()
    band = {
        "type": "scatter",
        "x": np.concatenate([layers[known], layers[known][::-1]]),
        "y": rows.loc[known, "low"].to_numpy(np.float32).tolist()
        + rows.loc[known, "high"].to_numpy(np.float32)[::-1].tolist(),
        "fill": "toself",
        "fillcolor": translucent(look.colour, 0.13),
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": escape(name),
    }
    curve = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": escape(name),
        "legendgroup": escape(name),
        "x": layers,
        "y": rows["value"].to_numpy(np.float32),
        "customdata": detail,
        "line": {"color": look.colour, "dash": look.dash, "width": 2},
        "marker": {"color": look.colour, "size": 7, "symbol": marks},
        "hovertemplate": HOVER,
    }
    return [band, curve] if known.any() else [curve]


def quantiles(rows: pd.DataFrame) -> list[dict]:
    """Median over languages, with the middle half and the middle eight tenths."""
    by_layer = rows.groupby("layer")["value"]
    table = by_layer.quantile([0.1, 0.25, 0.5, 0.75, 0.9]).unstack().sort_index()
    layers = table.index.to_numpy(np.float32)
    look = next(iter(styles(["median"]).values()))
    traces = [
        {
            "type": "scatter",
            "name": name,
            "x": np.concatenate([layers, layers[::-1]]),
            "y": np.concatenate([table[low], table[high][::-1]]).astype(np.float32),
            "fill": "toself",
            "fillcolor": translucent(look.colour, 0.18),
            "line": {"width": 0},
            "hoverinfo": "skip",
        }
        for low, high, name in ((0.1, 0.9, "8 of 10 languages"), (0.25, 0.75, "half of the languages"))
    ]
    middle = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "median language",
        "x": layers,
        "y": table[0.5].to_numpy(np.float32),
        "line": {"color": look.colour, "width": 2},
        "hovertemplate": "layer %{x:d}: median %{y:.3f}<extra></extra>",
    }
    return [*traces, middle]


def _chance(rows: pd.DataFrame) -> dict:
    chance = rows.groupby("layer")["chance"].median()
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "chance",
        "x": chance.index.to_numpy(np.float32),
        "y": chance.to_numpy(np.float32),
        "line": {"color": "#7A7A7A", "dash": "dot", "width": 1.5},
        "hoverinfo": "skip",
    }


def _span(values: pd.Series, beyond: float) -> list[float]:
    low, high = float(values.min()), float(values.max())
    room = beyond * (high - low or 1)
    return [low - room, high + room]


def _reach(rows: pd.DataFrame) -> list[float]:
    """One range for all checkpoints, so that pictures side by side can be compared by eye."""
    import pandas as pd

    return _span(pd.concat([rows[column].dropna() for column in ("value", "low", "high", "chance")]), 0.04)
