"""Scores by number of sentence pairs, with the fitted curves: a plain Plotly dictionary from a saved study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repalign.figures.security import as_text, group
from repalign.figures.style import language_styles, translucent

HOVER = "<b>%{fullData.name}</b>, %{x:,.0f} pairs: <b>%{y:.3g}</b><extra></extra>"

NEXT_TICK = 1.6
"""Smallest ratio of the sizes at two ticks."""

MAX_TICKS = 9


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
        "xaxis": {"type": "log", "title": {"text": "sentence pairs"}} | _sizes(study),
        "yaxis": {"title": {"text": as_text(study["score"])}, "range": _scores(study)},
        "height": 420,
        "margin": {"r": 32},
    }
    return {"data": traces, "layout": layout}


def _sizes(study: Mapping[str, Any]) -> dict[str, Any]:
    """Ticks at the sizes of the runs and where the curves end, far enough apart to be read."""
    ends = [max(curve["pairs"]) for curve in study["curves"].values()]
    shown: list[float] = []
    for size in sorted({*study["runs"]["pairs"], max(ends)}):
        if not shown or size >= NEXT_TICK * shown[-1]:
            shown.append(size)
    if len(shown) > MAX_TICKS:
        return {"dtick": 1, "tickformat": ",.0f"}  # powers of ten
    return {"tickvals": shown, "tickformat": ",.0f"}


def _scores(study: Mapping[str, Any]) -> list[float]:
    """The range of the scores: all runs, and the curves and bands where these are possible scores, from 0 on."""
    curves = study["curves"].values()
    shown = [
        0.0,
        *study["runs"]["score"],
        *(value for curve in curves for value in (*curve["score"], *curve["high"])),
    ]
    known = [value for value in shown if value is not None]
    low, high = min(known), min(max(known), study["top"] or max(known))
    room = 0.04 * (high - low or 1)
    return [low - room, high + room]
