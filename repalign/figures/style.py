"""How figures look: colours, dashes, symbols and the three themes (light and dark page, paper)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from repalign.corpora.languages import short
from repalign.figures.security import MODEBAR

PALETTE = (
    "#0072B2", "#D55E00", "#009E73", "#8C5ADC", "#C83250", "#00A0C8",
    "#A05000", "#AA3C96", "#6E8CFA", "#FA5A78", "#007850", "#BE78AA",
)  # fmt: skip
"""Twelve colours with a contrast of at least 3:1 on light and on dark.

The first three are those of Okabe and Ito; the others were searched for the largest least distance in OKLab, both as they
are and as simulated for deuteranopia and protanopia (Machado et al. 2009). The least distance is 0.11, and 0.06 as
simulated: within so narrow a range of lightness no twelve colours are far apart without red and green, so symbols help.
"""

USUAL = ("en", "ar", "el", "hi", "zh", "vi", "tr", "es", "de", "ru", "fr", "ja")
"""Languages whose colour is that of the same place in `PALETTE`, unless another language of the page has it."""

GREY = "#7A7A7A"
"""Of what is no language: chance, controls, medians."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "pentagon", "star", "hexagon")
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", sans-serif'
SEQUENTIAL = "Viridis"
VIRIDIS = (
    "#440154", "#482878", "#3E4989", "#31688E", "#26828E", "#1F9E89", "#35B779", "#6ECE58", "#B5DE2B", "#FDE725",
)  # fmt: skip
SHARES = [[(step / 9) ** 2, colour] for step, colour in enumerate(VIRIDIS)]
"""The same by the root of a value, so that scores that are small, but well above chance, differ visibly on a scale to 1."""

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
    """A style for each name, in their order: colours repeat after twelve, but never with the same dash."""
    return {name: _style(place) for place, name in enumerate(names)}


def language_styles(codes: Iterable[str]) -> dict[str, Style]:
    """A style for each language, the same on every page where no other language has it.

    >>> [style.colour for style in language_styles(["zho_Hans", "en"]).values()] == [PALETTE[4], PALETTE[0]]
    True
    """
    names = dict.fromkeys(codes)
    places: dict[str, int] = {}
    for name in sorted(names, key=lambda name: (short(name) not in USUAL, name)):
        first = len(places) // len(PALETTE) * len(PALETTE)
        places[name] = next(
            place
            for step in range(len(PALETTE))
            if (place := first + (_place(name) + step) % len(PALETTE)) not in places.values()
        )
    return {name: _style(places[name]) for name in names}


def _place(code: str) -> int:
    """Where in the palette a language would be."""
    language = short(code)
    return (
        USUAL.index(language)
        if language in USUAL
        else zlib.crc32(language.encode("utf-8", "replace")) % len(PALETTE)
    )


def _style(place: int) -> Style:
    turn, colour = divmod(place, len(PALETTE))
    return Style(PALETTE[colour], DASHES[turn % len(DASHES)], SYMBOLS[(place + turn) % len(SYMBOLS)])


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
            "legend": {
                "orientation": "h",
                "yref": "container",
                "y": 0,
                "yanchor": "bottom",
                "x": 0,
                "itemdoubleclick": False,
            },
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
