"""Figures of what was found inside a checkpoint, as plain Plotly dictionaries; one function a figure."""

from __future__ import annotations

from html import escape
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.figures.lines import by_layer, by_name, level, named_axis, scored
from repalign.figures.style import DIVERGING, Style

if TYPE_CHECKING:
    import pandas as pd

Looks = dict[str, Style]
"""A style a language, the same in every figure."""

CHANGE = (
    "<b>%{fullData.name}</b>, layer %{x}: <b>%{y:+.3f}</b> [%{customdata[0]:+.3f}, %{customdata[1]:+.3f}]"
    "<br>random %{customdata[2]:+.3f}, before %{customdata[3]:.3f}, adjusted p %{customdata[4]:.2g}<extra></extra>"
)


def said(rows: pd.DataFrame, label: str, everywhere: pd.DataFrame, looks: Looks) -> dict[str, Any]:
    """One measure of the logit lens by layer: a line a language of text."""
    return by_layer(by_name(rows, "language", looks), rows, label, everywhere)


def counts(rows: pd.DataFrame, layers: list[int], looks: Looks) -> dict[str, Any]:
    """Neurons of each language by layer: stacked."""
    traces = [
        {
            "type": "bar",
            "name": escape(language),
            "x": np.array(layers, np.float32),
            "y": own["layer"].value_counts().reindex(layers, fill_value=0).to_numpy(np.float32),
            "marker": {"color": look.colour},
            "hovertemplate": f"{escape(language)}, layer %{{x}}: <b>%{{y}}</b><extra></extra>",
        }
        for language, look in looks.items()
        if len(own := rows[rows["language"] == language])
    ]
    layout = {
        "barmode": "stack",
        "legend": {"traceorder": "normal"},
        "xaxis": {"title": {"text": "layer"}},
        "yaxis": {"title": {"text": "neurons"}},
    }
    return {"data": traces, "layout": layout}


def cost(rows: pd.DataFrame) -> dict[str, Any]:
    """What each language loses without the neurons of each: languages by languages.

    Cells are outlined that are significantly above what as many neurons cost at random.
    """
    rows = rows[rows["of"].notna()].drop_duplicates(["of", "language"])
    of, languages = list(dict.fromkeys(rows["of"])), list(dict.fromkeys(rows["language"]))
    cells = rows.set_index(["of", "language"]).reindex(list(product(of, languages)))
    grid = np.array([[cells.loc[(one, other), "value"] for other in languages] for one in of], np.float32)
    told = [[_told(cells.loc[(one, other)]) for other in languages] for one in of]
    most = float(np.nan_to_num(np.abs(grid)).max(initial=0)) or 1.0
    trace = {
        "type": "heatmap", "x": np.arange(len(languages), dtype=np.float32), "y": np.arange(len(of), dtype=np.float32),
        "z": grid, "zmin": -most, "zmax": most, "xgap": 1, "ygap": 1, "customdata": told,
        "colorscale": [[place, colour] for (place, _), (_, colour) in zip(DIVERGING, DIVERGING[::-1], strict=True)],
        "colorbar": {"title": {"text": "nats a token", "side": "right"}, "thickness": 12},
        "hovertemplate": "<b>%{z:+.3f}</b> nats a token<br>%{customdata}<extra></extra>",
    }  # fmt: skip
    marked = [
        {
            "type": "rect", "x0": x - 0.45, "x1": x + 0.45, "y0": y - 0.45, "y1": y + 0.45,
            "line": {"width": 2, "color": "#808080"},
        }
        for y, one in enumerate(of) for x, other in enumerate(languages) if _surely_more(cells.loc[(one, other)])
    ]  # fmt: skip
    layout = {
        "xaxis": named_axis(languages) | {"title": {"text": "text in"}},
        "yaxis": named_axis(of)
        | {"title": {"text": "without the neurons of"}, "range": [len(of) - 0.5, -0.5]},
        "shapes": marked,
    }
    return {"data": [trace], "layout": layout}


def _surely_more(row: pd.Series) -> bool:
    return row["p_adjusted"] < 0.05 and row["value"] > row["control"]


def _told(row: pd.Series) -> str:
    return escape(
        f"[{row['low']:+.3f}, {row['high']:+.3f}], {row['size']:.0f} neurons; as many at random {row['control']:+.3f}, "
        f"adjusted p {row['p_adjusted']:.2g}"
    )


def changed(rows: pd.DataFrame, label: str, looks: Looks) -> dict[str, Any]:
    """What an intervention at each layer changes: a line a language, and in grey what chance changes."""
    traces = []
    for language, own in rows.groupby("language", sort=False):
        own = own.sort_values("layer").assign(chance=own["control"])
        *under, line = scored(own, str(language), looks[str(language)], own["p_adjusted"] < 0.05, CHANGE)
        line["customdata"] = own[["low", "high", "control", "baseline", "p_adjusted"]].to_numpy(np.float32)
        traces += [*under, line]
    random = rows.assign(value=rows["control"])
    drawn = [*traces, level(random, "random", "dot")]
    return by_layer(drawn, rows, label, rows[["value", "low", "high"]].assign(chance=rows["control"]))
