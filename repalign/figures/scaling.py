"""Scores by the number of pairs, with the fitted curves: a plain Plotly dictionary from a saved study."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from repalign.figures.style import styles, translucent

HOVER = "<b>%{fullData.name}</b>, %{x:,.0f} pairs: <b>%{y:.3g}</b><extra></extra>"


def curves(study: Mapping[str, Any]) -> dict[str, Any]:
    """Points are runs, lines the law, bands 95% of the bootstrap draws; beyond the largest size lines are dotted."""
    looks = styles(study["languages"])
    largest = max(study["runs"]["pairs"])
    traces: list[dict] = []
    for language, curve in study["curves"].items():
        look, name = looks[language], escape(language)
        seen = sum(pairs <= largest for pairs in curve["pairs"]) + 1
        common = {"type": "scatter", "legendgroup": name, "name": name, "hovertemplate": HOVER}
        hidden = {**common, "mode": "lines", "showlegend": False, "line": {"width": 0}, "hoverinfo": "skip"}
        del hidden["hovertemplate"]
        traces.append({**hidden, "x": curve["pairs"], "y": curve["low"]})
        fill = {"fill": "tonexty", "fillcolor": translucent(look.colour, 0.15)}
        traces.append({**hidden, "x": curve["pairs"], "y": curve["high"], **fill})
        line = {"color": look.colour, "width": 2}
        traces.append(
            {**common, "mode": "lines", "x": curve["pairs"][:seen], "y": curve["score"][:seen], "line": line}
        )
        beyond = {"x": curve["pairs"][seen - 1 :], "y": curve["score"][seen - 1 :], "showlegend": False}
        traces.append({**common, "mode": "lines", **beyond, "line": {**line, "dash": "dot"}})
        own = [place for place, code in enumerate(study["runs"]["language"]) if code == language]
        marks = {key: [study["runs"][key][place] for place in own] for key in ("pairs", "score")}
        mark = {"color": look.colour, "symbol": look.symbol, "size": 7}
        traces.append(
            {
                **common,
                "mode": "markers",
                "x": marks["pairs"],
                "y": marks["score"],
                "marker": mark,
                "showlegend": False,
            }
        )
    layout = {
        "xaxis": {"type": "log", "title": {"text": "sentence pairs"}},
        "yaxis": {"title": {"text": escape(study["score"])}},
        "height": 420,
    }
    return {"data": traces, "layout": layout}
