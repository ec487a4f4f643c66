"""Lines by layer with their bands: parts that several figures share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from repalign.figures.names import LONGEST_LABEL, labels, width
from repalign.figures.security import as_text, group
from repalign.figures.style import GREY, HEIGHT, STYLE, Style, translucent

if TYPE_CHECKING:
    import pandas as pd

MAX_NAMED_LINES = 12
"""More lines than this cannot be distinguished: quantiles are drawn instead."""

NAME = "<b>%{fullData.name}</b>, layer %{x}: "
END = "<extra></extra>"
TESTED = (
    NAME + "<b>%{y:.3f}</b> [%{customdata[0]:.3f}, %{customdata[1]:.3f}]"
    "<br>chance %{customdata[2]:.3f}, adjusted p %{customdata[3]:.2g}"
)
SCORE, SCORE_WITH_CONTROLS = TESTED + END, TESTED + "%{text}" + END
DIFFERENCE = (
    NAME
    + "<b>%{y:+.3f}</b> [%{customdata[0]:+.3f}, %{customdata[1]:+.3f}]<br>adjusted p %{customdata[3]:.2g}"
    + END
)
VALUE = NAME + "<b>%{y:.3g}</b>" + END


def scored(rows: pd.DataFrame, name: str, style: Style, filled: pd.Series, hover: str) -> list[dict]:
    """The band and the line of one language; marks are filled where `filled` (bool, by index) is set."""
    rows = rows.sort_values("layer")
    line = plain(rows, name, style, hover) | of_language(name)
    line["mode"] = "lines+markers"
    line["marker"] = {
        "color": style.colour,
        "size": 7,
        "symbol": [style.symbol if on else f"{style.symbol}-open" for on in filled.loc[rows.index]],
    }
    line["customdata"] = rows[["low", "high", "chance", "p_adjusted"]].to_numpy(np.float32)
    if "text" in rows:
        line["text"] = list(rows["text"])
    return [*(one | of_language(name) for one in band(rows, name, style)), line]


def of_language(name: str) -> dict:
    """What marks a trace as that of a language, by which a page lets one stand out."""
    return {"meta": {"language": as_text(name)}}


def plain(rows: pd.DataFrame, name: str, style: Style, hover: str = VALUE) -> dict:
    """The line alone."""
    rows = rows.sort_values("layer")
    return {
        "type": "scatter",
        "mode": "lines",
        "name": as_text(name),
        "legendgroup": group(name),
        "x": rows["layer"].to_numpy(np.float32),
        "y": rows["value"].to_numpy(np.float32),
        "line": {"color": style.colour, "dash": style.dash, "width": 2},
        "hovertemplate": hover,
    }


def band(rows: pd.DataFrame, name: str, style: Style) -> list[dict]:
    """The area from `low` to `high`; nothing if there are no intervals."""
    if "low" not in rows:
        return []
    known = rows[rows["low"].notna() & rows["high"].notna()].sort_values("layer")
    if known.empty:
        return []
    return [area(known["layer"], known["low"], known["high"], style, 0.13) | {"legendgroup": group(name)}]


def area(x: pd.Series, low: pd.Series, high: pd.Series, style: Style, opacity: float) -> dict:
    """A filled outline."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": np.concatenate([x, x[::-1]]).astype(np.float32),
        "y": np.concatenate([low, high[::-1]]).astype(np.float32),
        "fill": "toself",
        "fillcolor": translucent(style.colour, opacity),
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def by_name(rows: pd.DataFrame, column: str, styles: dict[str, Style]) -> list[dict]:
    """A line with its band for each value of a column, or quantiles if there are too many."""
    if rows[column].nunique() > MAX_NAMED_LINES:
        return quantiles(rows, STYLE)
    return [
        trace | (of_language(name) if column == "language" else {})
        for name, layers in (
            (str(name), layers) for name, layers in rows.groupby(column, sort=False, observed=True)
        )
        for trace in (*band(layers, name, styles[name]), plain(layers, name, styles[name]))
    ]


def quantiles(rows: pd.DataFrame, style: Style) -> list[dict]:
    """Many languages at once: the median, the middle half and the middle eight tenths."""
    table = rows.groupby("layer")["value"].quantile([0.1, 0.25, 0.5, 0.75, 0.9]).unstack().sort_index()
    layers = table.index.to_series()
    areas = [
        area(layers, table[low], table[high], style, 0.2) | {"name": name, "showlegend": True}
        for low, high, name in ((0.1, 0.9, "8 of 10 languages"), (0.25, 0.75, "half of the languages"))
    ]
    median = table[0.5].rename("value").reset_index()
    return [*areas, plain(median, "median language", style)]


def level(rows: pd.DataFrame, name: str, dash: str) -> dict:
    """A grey reference line: the mean of `value` over languages."""
    means = rows.groupby("layer", as_index=False)["value"].mean()
    return plain(means, name, Style(GREY, dash, "circle")) | {
        "line": {"color": GREY, "dash": dash, "width": 1.5}
    }


def named_axis(names: list[str]) -> dict:
    """An axis whose positions 0, 1, ... are labelled with names."""
    positions = np.arange(len(names), dtype=np.float32)
    return {
        "type": "linear",
        "tickvals": positions,
        "ticktext": labels(names),
        "showgrid": False,
        "ticks": "",
    }


def height_above(names: Iterable[str]) -> int:
    """The height of a figure with names below it: long ones are turned, and would leave it no room."""
    longest = min(LONGEST_LABEL, max(map(width, names), default=0))
    return HEIGHT + 7 * max(0, longest - 12)


def finite(end: float) -> float:
    """The end of a range; 0 for NaN, which JSON cannot hold."""
    return float(np.nan_to_num(end))


def by_layer(traces: list[dict], rows: pd.DataFrame, label: str, everywhere: pd.DataFrame) -> dict:
    """A picture of lines over the layers of `rows`.

    Its range covers all values, intervals and chance levels of `everywhere`, so that pictures side by side share
    a scale.
    """
    columns = [name for name in ("value", "low", "high", "chance") if name in everywhere]
    return {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": "layer"}, "range": _span(rows[["layer"]], 0.02)},
            "yaxis": {"title": {"text": as_text(label)}, "range": _span(everywhere[columns], 0.04)},
        },
    }


def _span(values: pd.DataFrame, beyond: float) -> list[float]:
    low, high = (finite(end) for end in (values.min().min(), values.max().max()))
    room = beyond * (high - low or 1)
    return [low - room, high + room]
