"""The two figures of `pretrained.py`: alignment by layer, and every comparison with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from repalign.figures.style import GREY, PALETTE, THEMES, translucent
from repalign.statistics import effective_sentences, wilson

from .comparisons import NOT_TESTABLE, SUPPORTED
from .estimates import Estimate
from .kept import Kept
from .plan import BASE, COUNTERPART, TWIN

COLUMNS = 3
WIDTH = 860
"""Pixels."""

MEASURES = {"P@1": (100, 0), "chrF++": (1, 1), "XQuAD F1": (1, 2)}
"""Measure -> factor to points of 100, and place in the palette; those in percent are grey."""


def by_layer(kept: Kept) -> go.Figure:
    """P@1 by layer, a panel per language: base, its random twin, and trained runs as means over seeds, with 95% bands."""
    languages = kept.languages
    rows = -(-len(languages) // COLUMNS)
    data: list[dict[str, Any]] = []
    named: set[str] = set()
    layout: dict[str, Any] = {
        "height": 100 + 230 * rows,
        "margin": {"t": 20, "r": 10, "b": 80},
        "annotations": [],
    }
    for number, language in enumerate(languages):
        row, column = divmod(number, COLUMNS)
        axis = str(number + 1) if number else ""
        left, bottom = column * 0.345, 1 - (row + 1) / rows + (0.09 if row < rows - 1 else 0)
        top = 1 - row / rows - 0.04
        layout[f"xaxis{axis}"] = {"domain": [left, left + 0.31], "anchor": f"y{axis}"}
        layout[f"yaxis{axis}"] = {
            "domain": [bottom, top], "anchor": f"x{axis}", "range": [0, 1.02],
            "title": {"text": "" if column else "P@1"}, "showticklabels": not column,
        }  # fmt: skip
        if row == rows - 1:
            layout[f"xaxis{axis}"]["title"] = {"text": "layer"}
        layout["annotations"].append(
            {"text": f"<b>{language}</b>", "x": left + 0.01, "y": top, "xref": "paper", "yref": "paper",
             "xanchor": "left", "yanchor": "bottom", "showarrow": False}
        )  # fmt: skip
        for name, shown, colour, dash in _lines(kept, language):
            data += _curve(kept, name, language, shown, colour, dash, axis, legend=shown not in named)
            named.add(shown)
    return go.Figure(data, layout | {"template": THEMES["paper"]})


def _lines(kept: Kept, language: str) -> list[tuple[str, str, str, str]]:
    """Name of a recipe, as shown, colour and dash, of all that were measured."""
    lines = [
        (TWIN, "random weights", GREY, "dot"), (BASE, BASE, GREY, "solid"), (COUNTERPART, COUNTERPART, PALETTE[0], "solid"),
        (f"x-{language}", "x-L, L: the panel's language", PALETTE[1], "solid"), ("m", "m, all languages", PALETTE[2], "solid"),
    ]  # fmt: skip
    return [line for line in lines if set(kept.seeds(line[0]).values()) & kept.hits.keys()]


def _curve(
    kept: Kept, name: str, language: str, shown: str, colour: str, dash: str, axis: str, legend: bool
) -> list[dict[str, Any]]:
    runs = [run for run in kept.seeds(name).values() if run in kept.hits]
    curve = [
        Estimate.mean([kept.alignment(run, [language], [layer]) for run in runs]) for layer in kept.layers
    ]
    ends = [_band(one) for one in curve]
    where = {
        "xaxis": f"x{axis}",
        "yaxis": f"y{axis}",
        "legendgroup": shown,
        "type": "scatter",
        "mode": "lines",
    }
    band = {
        "x": [*kept.layers, *kept.layers[::-1]], "y": [low for low, _ in ends] + [high for _, high in ends][::-1],
        "fill": "toself", "fillcolor": translucent(colour, 0.13), "line": {"width": 0}, "showlegend": False,
    }  # fmt: skip
    line = {
        "x": kept.layers, "y": [one.value for one in curve], "name": shown, "showlegend": legend,
        "line": {"color": colour, "dash": dash, "width": 2},
    }  # fmt: skip
    return [where | band, where | line]


def _band(one: Estimate) -> tuple[float, float]:
    """Wilson's interval of a share, for as many independent sentences as those in documents are worth."""
    low, high = wilson(one.value, effective_sentences(one.influence, one.clusters))
    return float(low), float(high)


def forest(judgements: Sequence[Mapping[str, Any]]) -> go.Figure | None:
    """Every counted comparison that could be tested and is a difference, in points of 100; None if there is none.

    Filled marks are supported; ticks are single seeds; a shaded range is the margin of "comparable".
    """
    rows = [
        (claim["key"], row)
        for claim in judgements
        for row in claim["rows"]
        if row["verdict"] != NOT_TESTABLE and not row["beside"] and "seeds" in row
    ]
    if not rows:
        return None
    data, shapes, labels = [], [], []
    for place, (key, row) in enumerate(rows):
        factor, colour = _scale(row["measure"])
        labels.append(f"({key}) {row['label']}: {row['measure']}")
        if row["kind"] == "comparable":
            half = factor * row["margin"]
            shapes.append(
                {"type": "rect", "x0": -half, "x1": half, "y0": place - 0.4, "y1": place + 0.4,
                 "fillcolor": translucent(GREY, 0.2), "line": {"width": 0}, "layer": "below"}
            )  # fmt: skip
        value, low, high = (factor * row[name] for name in ("value", "low", "high"))
        mark = "circle" if row["verdict"] == SUPPORTED else "circle-open"
        data.append(
            {"type": "scatter", "mode": "markers", "x": [value], "y": [place], "showlegend": False,
             "error_x": {"type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low], "width": 0, "thickness": 2},
             "marker": {"color": colour, "size": 8, "symbol": mark, "line": {"width": 2, "color": colour}}}
        )  # fmt: skip
        if len(row["seeds"]) > 1:
            data.append(
                {"type": "scatter", "mode": "markers", "x": [factor * one for one in row["seeds"]], "y": [place] * len(row["seeds"]),
                 "marker": {"color": colour, "size": 9, "symbol": "line-ns", "line": {"width": 1.5, "color": colour}}, "showlegend": False}
            )  # fmt: skip
    turns = [place - 0.5 for place in range(1, len(rows)) if rows[place][0] != rows[place - 1][0]]
    rules = [
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "line": {"color": GREY, "width": 0.5}}
        for y in turns
    ]  # fmt: skip
    zero = {
        "type": "line",
        "yref": "paper",
        "x0": 0,
        "x1": 0,
        "y0": 0,
        "y1": 1,
        "line": {"color": GREY, "width": 1},
    }
    layout = {
        "height": 90 + 21 * len(rows), "shapes": [*shapes, *rules, zero], "margin": {"t": 10, "r": 10},
        "xaxis": {"title": {"text": "difference in points of 100"}},
        "yaxis": {"tickvals": list(range(len(rows))), "ticktext": labels, "range": [len(rows) - 0.4, -0.6], "showgrid": False, "tickfont": {"size": 11}},
        "template": THEMES["paper"],
    }  # fmt: skip
    return go.Figure(data, layout)


def _scale(measure: str) -> tuple[float, str]:
    factor, place = MEASURES.get(measure, (1, -1))
    return factor, PALETTE[place] if place >= 0 else GREY
