"""Figures drawn from saved results; they compute nothing but layout.

Each figure is a module with the two functions of `FigureModule`. The page holds every picture of every figure;
`draw` makes one for a paper.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

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
from repalign.figures.names import presentable
from repalign.figures.style import BACKGROUND, THEMES
from repalign.figures.view import View
from repalign.registry import Registry
from repalign.results.profile import leading_variant

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from repalign.results.profile import LayerProfile
    from repalign.results.results import Results

__all__ = ["FIGURES", "as_results", "draw", "export", "plot"]


class FigureModule(Protocol):
    """What a module in `repalign.figures` defines to be a figure."""

    __name__: str
    __doc__: str | None

    @property
    def draw(self) -> Callable[..., dict[str, Any]]:
        """`draw(view, **choice)`: one picture as a plain Plotly dictionary with `data` and `layout`."""
        ...

    def choices(self, view: View) -> list[dict[str, Any]]:
        """The pictures that can be drawn, e.g. `{"checkpoint": "m-llama", "metric": "mexa", "variant": "raw"}`."""
        ...


FIGURES: Registry[FigureModule] = Registry("figure")
_MODULES: tuple[FigureModule, ...] = (
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
)
for _module in _MODULES:
    FIGURES.add(_module.__name__.rpartition(".")[2], _module)


def draw(name: str, results: Results | LayerProfile, *, theme: str = "paper", **choice: str) -> Figure:
    """One figure, e.g. `draw("curves", profile, metric="mexa", variant="centred")`.

    Args:
        name: a name in `FIGURES`.
        results: the profile or results to draw from.
        theme: "paper", "light" or "dark".
        choice: which picture if there are several; by default the first.

    Raises:
        RepalignError: no such figure or picture, or the results lack its table.
    """
    import plotly.graph_objects as go

    shown, names = presentable(as_results(results))
    view = View(shown)
    figure = FIGURES[name]
    pictures = figure.choices(view)
    if not pictures:
        raise RepalignError(f"these results lack the table for figure {name!r}")
    for key, value in choice.items():
        if key not in pictures[0]:
            raise unknown(f"choice of {name!r}", key, pictures[0])
        if not any(str(picture[key]) == names(str(value)) for picture in pictures):
            raise unknown(key, str(value), {str(picture[key]) for picture in pictures})
        pictures = [picture for picture in pictures if str(picture[key]) == names(str(value))]
        if not pictures:
            raise RepalignError(f"figure {name!r} has no picture with {choice}")
    spec = figure.draw(view, **pictures[0])
    traces = _on_paper(spec["data"]) if theme == "paper" else spec["data"]
    return go.Figure(traces, {**spec["layout"], "template": THEMES[theme]})


def plot(
    results: Results | LayerProfile, figure: str = "curves", *, theme: str = "light", **choice: str
) -> Figure:
    """One figure to look at in a notebook: of the centred scores, unless another variant is chosen.

    >>> plot(results, "heatmap", metric="cka")  # doctest: +SKIP

    Args:
        results: a profile, or what `analyse` gives or `Results.load` reads.
        figure: a name in `FIGURES`: curves, heatmap, map, drift, ...
        theme: "light", "dark" or "paper".
        choice: which picture if there are several, e.g. `metric="mexa"`, `variant="raw"`, `checkpoint="m-llama"`; by
            default the first.

    Raises:
        RepalignError: no such figure or picture, or results that lack its table.
    """
    whole = as_results(results)
    if any("variant" in picture for picture in FIGURES[figure].choices(View(whole))):
        choice.setdefault("variant", leading_variant(whole.profile.table["variant"]))
    drawn = draw(figure, whole, theme=theme, **choice)
    # A notebook has its own background, which may be dark where the theme is light.
    ground = BACKGROUND.get(theme)
    return drawn.update_layout(paper_bgcolor=ground, plot_bgcolor=ground) if ground else drawn


def _on_paper(traces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what a reader would switch on in the legend, and with faint intervals where many lie over one another."""
    shown = [one for one in traces if one.get("visible") != "legendonly"]
    bands = sum("meta" in one and "fill" in one for one in shown)
    opacity = 1 if bands <= 3 else 0.5
    return [one | {"opacity": opacity} if "meta" in one and "fill" in one else one for one in shown]


def as_results(results: Results | LayerProfile) -> Results:
    """A profile alone is results without further tables.

    Raises:
        RepalignError: something else.
    """
    from repalign.results.profile import LayerProfile
    from repalign.results.results import Results

    if isinstance(results, Results):
        return results
    if not isinstance(results, LayerProfile):
        raise RepalignError(
            f"figures show a profile or results, as profile() and analyse() give them; got {type(results).__name__}"
        )
    return Results(" against ".join(results.table["checkpoint"].unique()), results)
