"""Figures of an evaluation as plain Plotly dictionaries: one function per figure, from the saved tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.figures.lines import finite, height_above, named_axis
from repalign.figures.security import as_text, group
from repalign.figures.style import GREY, HEIGHT, SEQUENTIAL, Style, language_styles, styles

if TYPE_CHECKING:
    import pandas as pd

MEAN = "mean"
"""Name of the mean over languages on an axis of languages."""

UNDETECTED = "?"
"""Stands for answers whose language was not detected."""

TIED = "#b9bfca"
"""Colour of questions that neither checkpoint answers better."""


MAX_NUMBERED = 8
"""Languages of a grid whose cells hold their numbers."""

SHARES = {"range": [0, 1], "tickformat": ".0%", "tickvals": [0, 0.25, 0.5, 0.75, 1]}
"""An axis of shares."""


def span(rows: pd.DataFrame, *others: float | None) -> list[float]:
    """The range of a vertical axis that shows all these rows with their intervals, 0 and other values."""
    known = [value for value in others if value is not None]
    ends = np.nan_to_num(rows[["value", "low", "high"]].to_numpy(float))
    low, high = (float(pick([0.0, *known, *ends.ravel()])) for pick in (min, max))
    room = 0.04 * (high - low or 1)
    return [low - room, high + room]


def scores(
    rows: pd.DataFrame, label: str, chance: float | None = None, shown: list[float] | None = None
) -> dict[str, Any]:
    """Scores of one scorer by language, with intervals: one mark per checkpoint.

    Args:
        rows: of the table `scores`, one scorer, without a baseline.
        label: of the scorer.
        chance: its value for answers at random, drawn as a line.
        shown: range of the vertical axis; by default that of these rows.
    """
    style_of = styles(dict.fromkeys(rows["checkpoint"]))
    groups = [(str(name), scored) for name, scored in rows.groupby("checkpoint", sort=False)]
    traces = [
        _marks(scored, name, style_of[name], number - (len(groups) - 1) / 2)
        for number, (name, scored) in enumerate(groups)
    ]
    layout = _by_language(rows, label, shown or span(rows, chance))
    if chance is not None:
        layout["shapes"] = [_line(chance)]
    return {"data": traces, "layout": layout}


def differences(
    rows: pd.DataFrame, label: str, style: Style, shown: list[float] | None = None
) -> dict[str, Any]:
    """Differences of one scorer by language, with intervals; filled marks are significant.

    Args:
        rows: of the table `scores`, one scorer, with a baseline.
        label: of the scorer.
        style: of the checkpoint whose scores they are.
        shown: range of the vertical axis; by default that of these rows.
    """
    first = rows.iloc[0]
    trace = _marks(rows, f"{first['checkpoint']} minus {first['baseline']}", style, 0)
    trace["marker"]["symbol"] = [
        style.symbol if p < 0.05 else f"{style.symbol}-open" for p in rows["p_adjusted"]
    ]
    layout = _by_language(rows, f"{label}, difference", shown or span(rows))
    layout["shapes"] = [_line(0)]
    return {"data": [trace], "layout": layout}


def _marks(rows: pd.DataFrame, name: str, style: Style, offset: float) -> dict[str, Any]:
    value = rows["value"].to_numpy(float)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": as_text(name),
        "legendgroup": group(name),
        "cliponaxis": False,
        "x": (np.arange(len(rows)) + 0.16 * offset).astype(np.float32),
        "y": value.astype(np.float32),
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": np.nan_to_num(rows["high"].to_numpy(float) - value).astype(np.float32),
            "arrayminus": np.nan_to_num(value - rows["low"].to_numpy(float)).astype(np.float32),
            "thickness": 1.5,
            "width": 3,
        },
        "marker": {"color": style.colour, "size": 9, "symbol": style.symbol},
        "customdata": rows[["low", "high", "items"]].to_numpy(np.float32),
        "hovertemplate": "<b>%{fullData.name}</b>: <b>%{y:.1f}</b> [%{customdata[0]:.1f}, %{customdata[1]:.1f}]"
        "<br>%{customdata[2]} questions<extra></extra>",
    }


def _by_language(rows: pd.DataFrame, label: str, shown: list[float]) -> dict[str, Any]:
    languages = list(dict.fromkeys(rows["language"].fillna(MEAN)))
    return {
        "xaxis": named_axis(languages) | {"range": [-0.6, len(languages) - 0.4]},
        "yaxis": {"title": {"text": as_text(label)}, "range": shown},
        "showlegend": True,
        "height": height_above(languages),
    }


def _line(y: float) -> dict[str, Any]:
    return {
        "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "line": {"color": GREY, "dash": "dot", "width": 1.5},
    }  # fmt: skip


def answer_languages(rows: pd.DataFrame, detected: list[str]) -> dict[str, Any]:
    """Languages of the answers by language of the question: stacked shares.

    Args:
        rows: of the table `answer_languages`, one checkpoint.
        detected: languages of the answers of all checkpoints, `UNDETECTED` among them, in the order of colours and bars.
    """
    asked = list(dict.fromkeys(rows["asked"]))
    answered = rows["answered"].fillna(UNDETECTED)
    style_of = language_styles(name for name in detected if name != UNDETECTED)
    traces = []
    for language in detected:
        by_asked = rows[answered == language].groupby("asked")["share"].sum()
        shares = by_asked.reindex(asked).fillna(0)
        colour = GREY if language == UNDETECTED else style_of[language].colour
        name = "not detected" if language == UNDETECTED else language
        traces.append(
            {
                "type": "bar", "name": as_text(name), "legendgroup": group(name), "x": np.arange(len(asked), dtype=np.float32),
                "y": shares.to_numpy(np.float32), "marker": {"color": colour},
                "hovertemplate": "answered in <b>%{fullData.name}</b>: <b>%{y:.0%}</b><extra></extra>",
            }
        )  # fmt: skip
    layout = {
        "barmode": "stack",
        "legend": {"traceorder": "normal"},
        "showlegend": True,
        "xaxis": named_axis(asked) | {"title": {"text": "language of the question"}},
        "yaxis": SHARES,
        "height": height_above(asked),
    }
    return {"data": traces, "layout": layout}


def consistency(rows: pd.DataFrame, largest: float) -> dict[str, Any]:
    """Share of questions with the same answer in two languages: languages by languages, and what chance gives.

    Args:
        rows: of the table `consistency`, one checkpoint.
        largest: share of any checkpoint, where the colours end.
    """
    names = list(dict.fromkeys([*rows["language"], *rows["other"]]))
    grid = np.full((len(names), len(names)), np.nan, np.float32)
    details = np.full((*grid.shape, 3), np.nan, np.float32)
    for row in rows.itertuples():
        pair = (names.index(row.language), names.index(row.other))
        for cell in (pair, pair[::-1]):
            grid[cell] = row.value
            details[cell] = row.chance, row.p, row.items
    axis = named_axis(names)
    trace = {
        "type": "heatmap", "x": axis["tickvals"], "y": axis["tickvals"], "z": grid, "zmin": 0, "zmax": finite(largest) or 1.0,
        "xgap": 1, "ygap": 1, "colorscale": SEQUENTIAL, "hoverongaps": False, "customdata": details,
        "colorbar": {"title": {"text": "same answer", "side": "right"}, "thickness": 12, "tickformat": ".0%"},
        "hovertemplate": "<b>%{z:.1%}</b> the same<br>%{y} and %{x}, chance %{customdata[0]:.1%}, p %{customdata[1]:.2g}, "
        "%{customdata[2]} questions<extra></extra>",
    }  # fmt: skip
    if len(names) <= MAX_NUMBERED:
        shown = zip(grid, details[..., 0], strict=True)
        trace["text"] = [[_same(*cell) for cell in zip(*row, strict=True)] for row in shown]
        trace |= {"texttemplate": "%{text}", "textfont": {"size": 11}}
    layout = {
        "xaxis": axis,
        "yaxis": axis | {"range": [len(names) - 0.5, -0.5]},
        "height": height_above(names) + 14 * max(0, len(names) - 12),
    }
    return {"data": [trace], "layout": layout}


def _same(value: float, chance: float) -> str:
    """What a cell says; nothing for one without a value."""
    return "" if np.isnan(value) else f"{value:.0%} ({chance:.0%})"


def wins(rows: pd.DataFrame, style_of: Mapping[str, Style]) -> dict[str, Any]:
    """Shares of questions that one checkpoint, neither or the other answers better, by language: stacked bars.

    Args:
        rows: of the table `wins`, one judge.
        style_of: style of each checkpoint.
    """
    languages, first = list(rows["language"]), rows.iloc[0]
    kinds = {
        "wins": (f"{first['checkpoint']} better", style_of[first["checkpoint"]].colour),
        "ties": ("tied", TIED),
        "losses": (f"{first['baseline']} better", style_of[first["baseline"]].colour),
    }
    rate = rows[["value", "low", "high", "p_adjusted"]].to_numpy(float)
    traces = [
        {
            "type": "bar", "orientation": "h", "name": as_text(name),
            "y": np.arange(len(languages), dtype=np.float32), "x": (rows[kind] / rows["items"]).to_numpy(np.float32),
            "marker": {"color": colour}, "text": [str(count or "") for count in rows[kind]], "textposition": "inside",
            "textangle": 0, "insidetextanchor": "middle", "customdata": rate.astype(np.float32),
            "hovertemplate": "<b>%{fullData.name}</b>: %{x:.0%}<br>win rate %{customdata[0]:.1%} [%{customdata[1]:.1%}, "
            "%{customdata[2]:.1%}], adjusted p %{customdata[3]:.2g}<extra></extra>",
        }
        for kind, (name, colour) in kinds.items()
    ]  # fmt: skip
    axis = named_axis(languages) | {"range": [len(languages) - 0.5, -0.5]}
    layout = {
        "barmode": "stack",
        "legend": {"traceorder": "normal"},
        "margin": {"r": 36},
        "xaxis": SHARES,
        "yaxis": axis,
        "height": max(HEIGHT, 110 + 18 * len(languages)),
    }
    return {"data": traces, "layout": layout}


def alignment(rows: pd.DataFrame, metric: str, scorer: str) -> dict[str, Any]:
    """Score against alignment: one mark per language, one colour per checkpoint.

    Args:
        rows: of the table `alignment`, one metric and scorer.
        metric: its name, for the axis.
        scorer: its label, for the axis.
    """
    style_of = styles(dict.fromkeys(rows["checkpoint"]))
    traces = [
        {
            "type": "scatter", "mode": "markers+text", "name": as_text(str(name)),
            "legendgroup": group(str(name)), "cliponaxis": False,
            "x": points["alignment"].to_numpy(np.float32), "y": points["score"].to_numpy(np.float32),
            "text": [as_text(language) for language in points["language"]], "textposition": "top center",
            "marker": {"color": style_of[str(name)].colour, "symbol": style_of[str(name)].symbol, "size": 9},
            "hovertemplate": "<b>%{text}</b>: alignment <b>%{x:.3f}</b>, score <b>%{y:.1f}</b><extra></extra>",
        }
        for name, points in rows.groupby("checkpoint", sort=False)
    ]  # fmt: skip
    axes = {"xaxis": {"title": {"text": as_text(metric)}}, "yaxis": {"title": {"text": as_text(scorer)}}}
    return {"data": traces, "layout": axes | {"showlegend": True}}
