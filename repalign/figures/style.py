"""How figures look: colours, dashes, symbols and the three themes (light and dark page, paper)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from repalign.figures.security import MODEBAR

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#B967D8", "#806A45", "#C72659", "#3F8FF5", "#7A7A7A")
"""Contrast of at least 3:1 on light and dark; symbols help colour-blind readers."""

GREY = PALETTE[-1]
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "pentagon", "star", "hexagon")
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", sans-serif'
SEQUENTIAL = "Viridis"
HEIGHT = 380
"""Pixels of a figure that does not set its height."""

DIVERGING = [[0, "#B2182B"], [0.25, "#F4A582"], [0.5, "#F7F7F7"], [0.75, "#92C5DE"], [1, "#2166AC"]]


@dataclass(frozen=True)
class Style:
    """One language's colour, dash and symbol, the same in every figure."""

    colour: str
    dash: str
    symbol: str


STYLE = Style(PALETTE[0], DASHES[0], SYMBOLS[0])
"""For figures with a single line."""


def styles(names: Iterable[str]) -> dict[str, Style]:
    """A style for each name: colours repeat after eight, but never with the same dash."""
    count = len(PALETTE)
    return {
        name: Style(
            PALETTE[i % count], DASHES[i // count % len(DASHES)], SYMBOLS[(i + i // count) % len(SYMBOLS)]
        )
        for i, name in enumerate(names)
    }


def translucent(colour: str, opacity: float) -> str:
    """'#0072B2' as 'rgba(0,114,178,0.15)'."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def _theme(ink: str, faint: str, paper: str, grid: bool, size: int) -> dict:
    axis = {
        "gridcolor": faint,
        "linecolor": ink,
        "tickcolor": ink,
        "zeroline": False,
        "showline": True,
        "showgrid": grid,
        "ticks": "outside",
        "ticklen": 4,
        "automargin": True,
        "title": {"standoff": 8},
    }
    return {
        "layout": {
            "font": {"family": FONT, "size": size, "color": ink},
            "paper_bgcolor": paper,
            "plot_bgcolor": paper,
            "colorway": list(PALETTE),
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {"font": {"family": FONT, "size": size}, "align": "left"},
            "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
            "margin": {"l": 56, "r": 16, "t": 30, "b": 48},
            "modebar": MODEBAR,
        }
    }


THEMES = {
    "light": _theme("#1d2330", "#e3e6ec", "rgba(0,0,0,0)", True, 13),
    "dark": _theme("#e7eaf0", "#343b49", "rgba(0,0,0,0)", True, 13),
    "paper": _theme("#000000", "#dddddd", "#ffffff", False, 14),
}
"""Plotly templates."""

BACKGROUND = {"light": "#ffffff", "dark": "#14171d"}
"""Behind a figure of a page's theme where there is no page."""

PAGE_THEMES = {name: THEMES[name] for name in ("light", "dark")}
"""The themes of a page."""
