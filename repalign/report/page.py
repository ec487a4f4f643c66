"""From results to one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from repalign.figures import FIGURES, selection
from repalign.figures.style import SHEETS, styles
from repalign.report.findings import findings, lead
from repalign.report.packing import compressed, to_json
from repalign.report.space import space
from repalign.version import __version__

if TYPE_CHECKING:
    from repalign.results import Results

FOLLOWED = ("metric", "variant", "layer")
"""Choices that the controls of the page make for all figures at once; each other choice gets its own panel."""


def render(results: Results) -> str:
    """The page.

    Raises:
        RepalignError: never; a table that is missing is simply not drawn.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=PackageLoader("repalign.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    panels = {name: _panels(results, name) for name in FIGURES}
    metric, variant = lead(results)
    places = space(results)
    data = {
        "panels": [panel for named in panels.values() for panel in named],
        "sheets": {name: SHEETS[name] for name in ("light", "dark")},
        "languages": _languages(results),
        "start": {"metric": metric, "variant": variant},
        "space": places,
        "csv": compressed(results.profile.table.to_csv(index=False, float_format="%.6g")),
        "name": results.title,
    }
    found = findings(results)
    return environment.get_template("page.html").render(
        title=results.title,
        kind=_kind(results),
        findings={
            question: [f for f in found if f.question == question]
            for question in ("where", "changed", "sure")
        },
        panels=panels,
        metrics={m: selection.metric_label(results, m) for m in _values(results, "metric")},
        variants=_values(results, "variant"),
        checkpoints=selection.checkpoints(results),
        space=places,
        profile=results.profile,
        about=results.about,
        version=__version__,
        data=to_json(data),
        css=_source("page.css"),
        scripts=[_source("map.js"), _source("page.js")],
        plotly=get_plotlyjs(),
    )


def _panels(results: Results, name: str) -> list[dict[str, Any]]:
    """The pictures of one figure, by what does not follow the controls."""
    figure = FIGURES[name]
    panels: dict[tuple, dict[str, Any]] = {}
    for choice in figure.choices(results):
        own = {key: value for key, value in choice.items() if key not in FOLLOWED}
        panel = panels.setdefault(
            tuple(own.items()),
            {"id": f"{name}-{len(panels)}", "figure": name, "title": _title(own), "pictures": []},
        )
        followed = {key: choice[key] for key in FOLLOWED if key in choice}
        panel["pictures"].append({"choice": followed, **figure.draw(results, **choice)})
    return list(panels.values())


def _title(own: dict[str, Any]) -> str:
    if "baseline" in own:
        return f"{own['checkpoint']} minus {own['baseline']}"
    return " · ".join(str(value) for value in own.values())


def _kind(results: Results) -> str:
    count = len(selection.checkpoints(results))
    return "single" if count == 1 else "compare" if count == 2 else "series"


def _values(results: Results, column: str) -> Sequence[str]:
    found = selection.pictures(results.profile.table, "metric", "variant")
    return list(dict.fromkeys(choice[column] for choice in found))


def _languages(results: Results) -> list[dict[str, str]]:
    from repalign.corpora.languages import language_name

    looks = styles(selection.languages(results))
    return [
        {"code": code, "name": language_name(code), "colour": look.colour, "symbol": look.symbol}
        for code, look in looks.items()
    ]


def _source(name: str) -> str:
    return (files("repalign.report") / "templates" / name).read_text(encoding="utf-8")
