"""What every page consists of: template, style sheet, scripts and Plotly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from repalign.figures.security import CONFIG, content_policy
from repalign.figures.style import HEIGHT, PAGE_THEMES
from repalign.progress import Phase
from repalign.report.glossary import Glossary
from repalign.report.packing import to_json
from repalign.results.drawn import Drawn
from repalign.results.paths import write_file

MAX_NAMES = 200
"""Shortened names that a page lists in full."""

STYLE_SHEETS = ("base.css", "figures.css", "map.css", "pages.css")
"""In the order in which they apply."""


def fill(
    template: str,
    scripts: Sequence[str],
    data: Mapping[str, Any],
    full_names: Mapping[str, str],
    *,
    about: Mapping[str, Any],
    explained: Iterable[str] = (),
    with_plotly: bool = True,
    beside: bool = False,
    **values: Any,
) -> str:
    """Render a self-contained page; values are escaped.

    Args:
        template: file name of a template that extends `base.html`.
        scripts: file names of scripts in the same folder, in order.
        data: for the scripts; see `repalign.report.packing.to_json`.
        full_names: the originals of names that are shown in another form.
        about: facts below the title, by label; empty ones are left out.
        explained: ids of terms that the glossary explains although no text of the page links them.
        with_plotly: whether the page has figures; without Plotly it is 4 MB smaller.
        beside: whether it loads chunks from the folder beside it.
        values: for the template.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("repalign.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    glossary = Glossary()
    glossary.include(explained)
    environment.filters |= {"explained": glossary.explained, "columns": columns}
    listed = dict(list(full_names.items())[:MAX_NAMES])
    sources = [*map(_source, ("common.js", "exports.js", *scripts))]
    if with_plotly:
        from plotly.offline import get_plotlyjs

        sources.insert(0, get_plotlyjs())
    return environment.get_template(template).render(
        css="".join(map(_source, STYLE_SHEETS)),
        scripts=sources,
        policy=content_policy(sources, beside),
        data=to_json({**data, "themes": PAGE_THEMES, "config": CONFIG, "names": listed}),
        shortened=listed.items(),
        unlisted=len(full_names) - len(listed),
        about=about,
        contents=[],
        glossary=glossary,
        **values,
    )


Panel = tuple[str, "dict[str, Any] | str"]
"""A title, and a figure or the reason why there is none."""


def columns(panels: Sequence[Any]) -> int:
    """How many narrow panels stand side by side, so that no row is left half empty.

    >>> [columns(range(count)) for count in (1, 2, 3, 4, 5, 6, 8, 12)]
    [1, 2, 3, 2, 3, 3, 2, 3]
    """
    count = len(panels)
    return next((most for most in (3, 2) if count % most == 0), min(count, 3))


def numbered(
    drawn: Mapping[str, Iterable[Iterable[Panel]]],
) -> tuple[dict[str, list[list[dict[str, Any]]]], dict[str, dict[str, Any]]]:
    """Number the figures of each section, which stand in rows: rows of panels by section, and figures by id."""
    sections: dict[str, list[list[dict[str, Any]]]] = {}
    figures: dict[str, dict[str, Any]] = {}
    for name, rows in drawn.items():
        sections[name] = [[_panel(name, *panel, figures) for panel in row] for row in rows]
    return sections, figures


def _panel(
    section: str, title: str, figure: dict[str, Any] | str, figures: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """A panel as the template has it; its figure is added to `figures`."""
    if isinstance(figure, str):
        return {"id": None, "title": title, "missing": figure}
    identity = f"{section}-{1 + sum(name.rpartition('-')[0] == section for name in figures)}"
    figures[identity] = figure
    return {"id": identity, "title": title, "height": figure["layout"].setdefault("height", HEIGHT)}


def write_page(draw: Callable[[], str | Drawn], path: str | Path, overwrite: bool = False) -> Path:
    """Write a page atomically.

    Args:
        draw: gives the page; called after the file has been checked.
        overwrite: also replace a file that is no page of repalign.

    Raises:
        RepalignError: the file cannot be written, or exists and is no page of repalign.
    """

    def drawn() -> Drawn:
        with Phase("drawing the page"):
            page = draw()
        return page if isinstance(page, Drawn) else Drawn(page)

    return write_file(Path(path), drawn, overwrite)


def _source(name: str) -> str:
    return (files("repalign.report") / "templates" / name).read_text(encoding="utf-8")
