"""Figures, drawn from saved results; they compute nothing but their layout.

Each is a module with two functions: `choices(view)` lists the pictures there are, e.g.
`{"checkpoint": "m-llama", "metric": "mexa", "variant": "raw"}`, and `draw(view, **choice)` returns one as a
plain Plotly dictionary (`data`, `layout`). The page holds them all; `draw` makes one for a paper.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from repalign.errors import RepalignError, unknown
from repalign.figures import (
    curves,
    difference,
    difference_heatmap,
    drift,
    geometry,
    heatmap,
    languages,
    layer_cka,
    map,
    separation,
    series,
)
from repalign.figures.exporting import export
from repalign.figures.style import SHEETS
from repalign.figures.view import View
from repalign.registry import Registry

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from repalign.results.profile import LayerProfile
    from repalign.results.results import Results

__all__ = ["FIGURES", "as_results", "draw", "export"]

FIGURES: Registry[ModuleType] = Registry("figure")
for _module in (
    curves,
    heatmap,
    difference,
    difference_heatmap,
    series,
    languages,
    geometry,
    separation,
    drift,
    layer_cka,
    map,
):
    FIGURES.add(_module.__name__.rpartition(".")[2], _module)


def draw(name: str, results: Results | LayerProfile, *, sheet: str = "paper", **choice: str) -> Figure:
    """One figure, e.g. `draw("curves", profile, metric="mexa", variant="centred")`.

    Args:
        name: a name in `FIGURES`.
        results: what to draw.
        sheet: "paper", "light" or "dark".
        choice: which picture, where there are several; the leading one by default.

    Raises:
        RepalignError: no such figure, nothing to draw it from, or no such picture.
    """
    import plotly.graph_objects as go

    view = View(as_results(results))
    figure = FIGURES[name]
    pictures = figure.choices(view)
    if not pictures:
        raise RepalignError(f"nothing to draw {name!r} from in these results")
    for key, value in choice.items():
        if key not in pictures[0]:
            raise unknown(f"choice of {name!r}", key, pictures[0])
        if not any(str(picture[key]) == str(value) for picture in pictures):
            raise unknown(key, str(value), {str(picture[key]) for picture in pictures})
        pictures = [picture for picture in pictures if str(picture[key]) == str(value)]
        if not pictures:
            raise RepalignError(f"there is no picture of {name!r} with {choice}")
    spec = figure.draw(view, **pictures[0])
    # what waits in the legend of a page to be chosen would stay there on paper
    traces = [one for one in spec["data"] if sheet != "paper" or one.get("visible") != "legendonly"]
    return go.Figure(traces, {**spec["layout"], "template": SHEETS[sheet]})


def as_results(results: Results | LayerProfile) -> Results:
    """A profile alone is results without further tables."""
    from repalign.results.results import Results

    if isinstance(results, Results):
        return results
    return Results(" against ".join(results.table["checkpoint"].unique()), results)
