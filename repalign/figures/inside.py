"""Figures of `repalign inside` as plain Plotly dictionaries: one function per figure."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.figures.lines import by_layer, by_name, height_above, level, named_axis, scored
from repalign.figures.security import as_text
from repalign.figures.style import DIVERGING, Style

if TYPE_CHECKING:
    import pandas as pd

Styles = dict[str, Style]
"""Language -> style, the same in every figure."""

CHANGE = (
    "<b>%{fullData.name}</b>, layer %{x}: <b>%{y:+.3f}</b> [%{customdata[0]:+.3f}, %{customdata[1]:+.3f}]"
    "<br>random control %{customdata[2]:+.3f} (95% of them from %{customdata[3]:+.3f} to %{customdata[4]:+.3f}), "
    "unedited model %{customdata[5]:.3f}, adjusted p %{customdata[6]:.2g}<extra></extra>"
)


def lens(rows: pd.DataFrame, label: str, everywhere: pd.DataFrame, style_of: Styles) -> dict[str, Any]:
    """One measure of the logit lens by layer: one line per language of the text.

    Args:
        rows: of the table `lens`.
        label: of the vertical axis.
        everywhere: rows that decide the range of the axis.
        style_of: style of each language.
    """
    return by_layer(by_name(rows, "language", style_of), rows, label, everywhere)


def counts(rows: pd.DataFrame, layers: list[int], style_of: Styles) -> dict[str, Any]:
    """Number of neurons of each language by layer: stacked bars.

    Args:
        rows: of the table `neurons`.
        layers: on the horizontal axis.
        style_of: style of each language.
    """
    traces = [
        {
            "type": "bar",
            "name": as_text(language),
            "x": np.array(layers, np.float32),
            "y": neurons["layer"].value_counts().reindex(layers, fill_value=0).to_numpy(np.float32),
            "marker": {"color": style.colour},
            "hovertemplate": "%{fullData.name}, layer %{x}: <b>%{y}</b><extra></extra>",
        }
        for language, style in style_of.items()
        if len(neurons := rows[rows["language"] == language])
    ]
    layout = {
        "barmode": "stack",
        "legend": {"traceorder": "normal"},
        "xaxis": {"title": {"text": "layer"}},
        "yaxis": {"title": {"text": "neurons"}},
    }
    return {"data": traces, "layout": layout}


def ablation(rows: pd.DataFrame) -> dict[str, Any]:
    """Change of each language's loss when each language's neurons are ablated: languages by languages.

    Outlined cells are larger than at random (adjusted p < .05).

    Args:
        rows: of the table `interventions`, those of neurons.
    """
    rows = rows[rows["of"].notna()].drop_duplicates(["of", "language"])
    ablated, languages = list(dict.fromkeys(rows["of"])), list(dict.fromkeys(rows["language"]))
    cells = rows.set_index(["of", "language"]).reindex(list(product(ablated, languages)))
    grid = np.array(
        [[cells.loc[(one, other), "value"] for other in languages] for one in ablated], np.float32
    )
    details = [[_details(cells.loc[(one, other)]) for other in languages] for one in ablated]
    largest = float(np.nan_to_num(np.abs(grid)).max(initial=0)) or 1.0
    trace = {
        "type": "heatmap", "x": np.arange(len(languages), dtype=np.float32), "y": np.arange(len(ablated), dtype=np.float32),
        "z": grid, "zmin": -largest, "zmax": largest, "xgap": 1, "ygap": 1, "customdata": details,
        "colorscale": [[stop, colour] for (stop, _), (_, colour) in zip(DIVERGING, DIVERGING[::-1], strict=True)],
        "colorbar": {"title": {"text": "nats per token", "side": "right"}, "thickness": 12},
        "hovertemplate": "<b>%{z:+.3f}</b> nats per token<br>%{customdata}<extra></extra>",
    }  # fmt: skip
    outlines = [
        {
            "type": "rect", "x0": x - 0.45, "x1": x + 0.45, "y0": y - 0.45, "y1": y + 0.45,
            "line": {"width": 2, "color": "#808080"},
        }
        for y, one in enumerate(ablated) for x, other in enumerate(languages) if _exceeds_control(cells.loc[(one, other)])
    ]  # fmt: skip
    layout = {
        "xaxis": named_axis(languages) | {"title": {"text": "language of the text"}},
        "yaxis": named_axis(ablated)
        | {"title": {"text": "ablated neurons of"}, "range": [len(ablated) - 0.5, -0.5]},
        "shapes": outlines,
        "height": height_above(languages),
    }
    return {"data": [trace], "layout": layout}


def _exceeds_control(row: pd.Series) -> bool:
    return row["p_adjusted"] < 0.05 and row["value"] > row["control"]


def _details(row: pd.Series) -> str:
    return as_text(
        f"[{row['low']:+.3f}, {row['high']:+.3f}], {row['size']:.0f} neurons; random control {row['control']:+.3f} (95% of them "
        f"from {row['control_low']:+.3f} to {row['control_high']:+.3f}), adjusted p {row['p_adjusted']:.2g}"
    )


def effects(rows: pd.DataFrame, label: str, style_of: Styles) -> dict[str, Any]:
    """Effect of an intervention at each layer: one line per language, and in grey the random control.

    Args:
        rows: of the table `interventions`, one intervention and outcome.
        label: of the vertical axis.
        style_of: style of each language.
    """
    traces = []
    for language, by_language in rows.groupby("language", sort=False):
        effect = by_language.sort_values("layer").assign(chance=by_language["control"])
        name, significant = str(language), effect["p_adjusted"] < 0.05
        *band, line = scored(effect, name, style_of[name], significant, CHANGE)
        shown = ["low", "high", "control", "control_low", "control_high", "baseline", "p_adjusted"]
        line["customdata"] = effect[shown].to_numpy(np.float32)
        traces += [*band, line]
    random = level(rows.assign(value=rows["control"]), "random control", "dot")
    span = rows[["value", "low", "high"]].assign(chance=rows["control"])
    return by_layer([*traces, random], rows, label, span)
