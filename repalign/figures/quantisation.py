"""Figures of `repalign quantisation` as plain Plotly dictionaries: one function per figure."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.figures.heatmap import cell_numbers
from repalign.figures.inside import MAX_NUMBERED
from repalign.figures.lines import by_layer, by_name, finite, height_above, named_axis
from repalign.figures.security import as_text
from repalign.figures.style import DIVERGING
from repalign.figures.view import ALPHA

if TYPE_CHECKING:
    import pandas as pd

    from repalign.figures.style import Style

LOSS_COLOURS = [[stop, colour] for (stop, _), (_, colour) in zip(DIVERGING, DIVERGING[::-1], strict=True)]
"""Red where the loss rises."""


def increases(rows: pd.DataFrame, versions: list[str], label: str, digits: str) -> dict[str, Any]:
    """Increase of the loss, languages by versions; outlined where it is significant.

    Args:
        rows: of the table `losses`, differences in one measure.
        versions: in order.
        label: of the colours.
        digits: format of a value, e.g. "+.2f".
    """
    rows = rows.drop_duplicates(["checkpoint", "language"])
    versions = [name for name in versions if (rows["checkpoint"] == name).any()]
    languages = list(dict.fromkeys(rows["language"]))
    cells = rows.set_index(["checkpoint", "language"]).reindex(list(product(versions, languages)))
    grid = cells["value"].to_numpy(np.float32).reshape(len(versions), len(languages)).T
    largest = finite(float(np.nanmax(np.abs(grid), initial=0.0))) or 1.0
    details = [[_details(cells.loc[(name, language)], digits) for name in versions] for language in languages]
    trace = {
        "type": "heatmap", "x": np.arange(len(versions), dtype=np.float32), "y": np.arange(len(languages), dtype=np.float32),
        "z": grid, "zmin": -largest, "zmax": largest, "xgap": 1, "ygap": 1, "customdata": details, "colorscale": LOSS_COLOURS,
        "colorbar": {"title": {"text": as_text(label), "side": "right"}, "thickness": 12},
        "text": cell_numbers(grid, digits), "hovertemplate": "<b>%{text}</b><br>%{customdata}<extra></extra>",
    }  # fmt: skip
    if max(grid.shape) <= MAX_NUMBERED:
        trace["texttemplate"] = "%{text}"
    outlines = [
        {
            "type": "rect", "x0": x - 0.45, "x1": x + 0.45, "y0": y - 0.45, "y1": y + 0.45,
            "line": {"width": 2, "color": "#808080"},
        }
        for x, name in enumerate(versions) for y, language in enumerate(languages)
        if cells.loc[(name, language), "p_adjusted"] < ALPHA
    ]  # fmt: skip
    layout = {
        "xaxis": named_axis(
            versions
        ),  # no title: plotly cannot place one below labels that a zoom has hidden
        "yaxis": named_axis(languages)
        | {"title": {"text": "language of the text"}, "range": [len(languages) - 0.5, -0.5]},
        "shapes": outlines,
        "height": height_above(versions),
    }
    return {"data": [trace], "layout": layout}


def _details(row: pd.Series, digits: str) -> str:
    return as_text(f"[{row['low']:{digits}}, {row['high']:{digits}}], adjusted p {row['p_adjusted']:.2g}")


def lines(
    rows: pd.DataFrame, label: str, everywhere: pd.DataFrame, style_of: dict[str, Style]
) -> dict[str, Any]:
    """One line per language by layer, with bands.

    Args:
        rows: of one version, with the columns language, layer, value, low and high.
        label: of the vertical axis.
        everywhere: rows that decide the range of the axis.
        style_of: style of each language.
    """
    return by_layer(by_name(rows, "language", style_of), rows, label, everywhere)
