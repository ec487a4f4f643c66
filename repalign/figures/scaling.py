"""Scores by number of sentence pairs, with the fitted curves: a plain Plotly dictionary from a saved study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repalign.figures.security import as_text, group
from repalign.figures.style import language_styles, translucent

HOVER = "<b>%{fullData.name}</b>, %{x:,.0f} pairs: <b>%{y:.3g}</b><extra></extra>"


def curves(study: Mapping[str, Any]) -> dict[str, Any]:
    """Points are runs, lines the law, bands 95% of the bootstrap draws; lines are dotted beyond the largest size.

    Args:
        study: see `repalign.scaling.study.study`.
    """
    style_of = language_styles(study["languages"])
    largest = max(study["runs"]["pairs"])
    traces: list[dict] = []
    for language, curve in study["curves"].items():
        style, name = style_of[language], as_text(language)
        n_observed = sum(pairs <= largest for pairs in curve["pairs"]) + 1
        common = {"type": "scatter", "legendgroup": group(language), "name": name, "hovertemplate": HOVER}
        hidden = {**common, "mode": "lines", "showlegend": False, "line": {"width": 0}, "hoverinfo": "skip"}
        del hidden["hovertemplate"]
        traces.append({**hidden, "x": curve["pairs"], "y": curve["low"]})
        fill = {"fill": "tonexty", "fillcolor": translucent(style.colour, 0.15)}
        traces.append({**hidden, "x": curve["pairs"], "y": curve["high"], **fill})
        line = {"color": style.colour, "width": 2}
        observed = {"x": curve["pairs"][:n_observed], "y": curve["score"][:n_observed]}
        traces.append({**common, "mode": "lines", **observed, "line": line})
        beyond = {"x": curve["pairs"][n_observed - 1 :], "y": curve["score"][n_observed - 1 :]}
        dotted = {**line, "dash": "dot"}
        traces.append({**common, "mode": "lines", **beyond, "line": dotted, "showlegend": False})
        runs = [run for run, code in enumerate(study["runs"]["language"]) if code == language]
        points = {key: [study["runs"][key][run] for run in runs] for key in ("pairs", "score")}
        marker = {"color": style.colour, "symbol": style.symbol, "size": 7}
        traces.append(
            {
                **common,
                "mode": "markers",
                "x": points["pairs"],
                "y": points["score"],
                "marker": marker,
                "showlegend": False,
            }
        )
    layout = {
        "xaxis": {"type": "log", "title": {"text": "sentence pairs"}},
        "yaxis": {"title": {"text": as_text(study["score"])}},
        "height": 420,
    }
    return {"data": traces, "layout": layout}
