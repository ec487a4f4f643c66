"""Figures of `repalign inside` as plain Plotly dictionaries: one function per figure."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.figures.heatmap import cell_numbers
from repalign.figures.lines import (
    MAX_NAMED_LINES,
    area,
    by_layer,
    by_name,
    finite,
    height_above,
    level,
    named_axis,
    plain,
    quantiles,
    scored,
)
from repalign.figures.security import as_text, group
from repalign.figures.style import DIVERGING, GREY, STYLE, Style, translucent

if TYPE_CHECKING:
    import pandas as pd

Styles = dict[str, Style]
"""Language -> style, the same in every figure."""

OVERVIEW_HEIGHT = 400
"""Pixels of the first figure."""

RANDOM = Style(GREY, "dot", "circle")
"""Of random controls."""

CHANGE = (
    "<b>%{fullData.name}</b>, layer %{x}: <b>%{y:+.3f}</b> [%{customdata[0]:+.3f}, %{customdata[1]:+.3f}]"
    "<br>random control %{customdata[2]:+.3f} (95% of them from %{customdata[3]:+.3f} to %{customdata[4]:+.3f}), "
    "unedited model %{customdata[5]:.3f}, adjusted p %{customdata[6]:.2g}<extra></extra>"
)


MAX_NUMBERED = 12
"""Languages of a grid whose cells hold their numbers."""


def mean_probabilities(rows: pd.DataFrame, pivot: str) -> pd.DataFrame:
    """Probability of the pivot's tokens and of tokens of the language read, mean over texts in other languages.

    Args:
        rows: of the table `lens`, one checkpoint.
        pivot: code of the language.

    Returns:
        Columns `pivot` and `same`, one row per layer; none if no other language was read.
    """
    read = rows[(rows["measure"] == "probability") & (rows["language"] != pivot)]
    kinds = {"pivot": read["toward"] == pivot, "same": read["toward"] == read["language"]}
    means = [read[kind].groupby("layer")["value"].mean().rename(name) for name, kind in kinds.items()]
    return means[0].to_frame().join(means[1]).dropna()


def overview(
    rows: pd.DataFrame, language: str, pivot: str, colour: str, everywhere: pd.DataFrame
) -> dict[str, Any]:
    """Tokens of the pivot against tokens of the language read: their mean over languages, and thin, each language.

    Args:
        rows: of the table `lens`, one checkpoint: these two probabilities, on texts in other languages.
        language: name of the pivot.
        pivot: its code.
        colour: its colour.
        everywhere: rows that decide the range of the axis.
    """
    traces = []
    kinds = ((language, rows["toward"] == pivot, Style(colour, "solid", "circle")),
             ("language read", rows["toward"] != pivot, Style(GREY, "dash", "square")))  # fmt: skip
    for name, chosen, style in kinds:
        thin = {"color": translucent(style.colour, 0.3), "width": 1}
        for code, layers in rows[chosen].groupby("language", sort=False):
            one = plain(layers, f"{name}, {code}", style)
            traces.append(one | {"line": thin, "legendgroup": group(name), "showlegend": False})
        means = rows[chosen].groupby("layer", as_index=False)["value"].mean()
        mean = plain(means, name, style)
        traces.append(mean | {"line": mean["line"] | {"width": 4}})
    picture = by_layer(traces, rows, "probability of tokens", everywhere[["value"]])
    picture["layout"]["height"] = OVERVIEW_HEIGHT
    return picture


def lens(rows: pd.DataFrame, label: str, everywhere: pd.DataFrame, style_of: Styles) -> dict[str, Any]:
    """One measure of the logit lens by layer: one line per language of the text.

    Args:
        rows: of the table `lens`.
        label: of the vertical axis.
        everywhere: rows that decide the range of the axis.
        style_of: style of each language.
    """
    return by_layer(by_name(rows, "language", style_of), rows, label, everywhere)


def counts(rows: pd.DataFrame, layers: list[int], most: int, style_of: Styles) -> dict[str, Any]:
    """Number of neurons of each language by layer: stacked bars.

    Args:
        rows: of the table `neurons`.
        layers: on the horizontal axis.
        most: neurons in one layer of any checkpoint: the range of the axis.
        style_of: style of each language.
    """
    traces = [
        {
            "type": "bar",
            "name": as_text(language),
            "legendgroup": group(language),
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
        "showlegend": True,
        "legend": {"traceorder": "normal"},
        "xaxis": {"title": {"text": "layer"}},
        "yaxis": {"title": {"text": "neurons"}, "range": [0, 1.05 * most]},
    }
    return {"data": traces, "layout": layout}


def ablation(rows: pd.DataFrame, largest: float) -> dict[str, Any]:
    """Change of each language's loss when each language's neurons are ablated: languages by languages.

    Outlined cells are larger than at random (adjusted p < .05).

    Args:
        rows: of the table `interventions`, those of neurons, of one checkpoint.
        largest: change of any checkpoint, where the colours end.
    """
    rows = rows[rows["of"].notna()].drop_duplicates(["of", "language"])
    ablated, languages = list(dict.fromkeys(rows["of"])), list(dict.fromkeys(rows["language"]))
    cells = rows.set_index(["of", "language"]).reindex(list(product(ablated, languages)))
    grid = np.array(
        [[cells.loc[(one, other), "value"] for other in languages] for one in ablated], np.float32
    )
    details = [[_details(cells.loc[(one, other)]) for other in languages] for one in ablated]
    largest = finite(largest) or 1.0
    trace = {
        "type": "heatmap", "x": np.arange(len(languages), dtype=np.float32), "y": np.arange(len(ablated), dtype=np.float32),
        "z": grid, "zmin": -largest, "zmax": largest, "xgap": 1, "ygap": 1, "customdata": details,
        "colorscale": [[stop, colour] for (stop, _), (_, colour) in zip(DIVERGING, DIVERGING[::-1], strict=True)],
        "colorbar": {"title": {"text": "nats per token", "side": "right"}, "thickness": 12},
        "hovertemplate": "<b>%{z:+.3f}</b> nats per token<br>%{customdata}<extra></extra>",
    }  # fmt: skip
    if max(grid.shape) <= MAX_NUMBERED:
        trace |= {"text": cell_numbers(grid, "+.2f"), "texttemplate": "%{text}"}
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


def effects(rows: pd.DataFrame, label: str, everywhere: pd.DataFrame, style_of: Styles) -> dict[str, Any]:
    """Effect of an intervention at each layer: one line per language, and in grey the random control with its range.

    Quantiles of the languages where they are too many.

    Args:
        rows: of the table `interventions`, one checkpoint, intervention and outcome.
        label: of the vertical axis.
        everywhere: rows that decide the range of the axis.
        style_of: style of each language.
    """
    traces = quantiles(rows, STYLE) if rows["language"].nunique() > MAX_NAMED_LINES else []
    for language, by_language in rows.groupby("language", sort=False) if not traces else ():
        effect = by_language.sort_values("layer").assign(chance=by_language["control"])
        name, significant = str(language), effect["p_adjusted"] < 0.05
        *band, line = scored(effect, name, style_of[name], significant, CHANGE)
        shown = ["low", "high", "control", "control_low", "control_high", "baseline", "p_adjusted"]
        line["customdata"] = effect[shown].to_numpy(np.float32)
        traces += [*band, line]
    means = rows.groupby("layer")[["control_low", "control_high"]].mean().dropna()
    grey = area(means.index.to_series(), means["control_low"], means["control_high"], RANDOM, 0.25)
    random = level(rows.assign(value=rows["control"]), "random control", "dot")
    controls = everywhere.groupby(["checkpoint", "layer"])[["control_low", "control_high"]].transform("mean")
    spanned = everywhere[["value", "low", "high"]].join(controls)
    span = everywhere.assign(low=spanned.min(axis=1), high=spanned.max(axis=1))
    picture = by_layer([grey, *traces, random], rows, label, span)
    # A fixed margin: else the rows of the legend and the width of the labels can change each other for ever.
    picture["layout"]["yaxis"]["automargin"] = False
    picture["layout"]["margin"] = {"l": 72}
    return picture
