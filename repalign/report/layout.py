"""What every page consists of: template, style sheet, scripts and Plotly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from repalign.results.paths import write_file


def fill(template: str, scripts: Sequence[str], **values: Any) -> str:
    """Render a self-contained page; values are escaped.

    Args:
        template: file name of a template that extends `base.html`.
        scripts: file names of scripts in the same folder, in order.
        values: for the template; `data` is already JSON (see `repalign.report.packing`).
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
    return environment.get_template(template).render(
        css=_source("page.css"), scripts=[_source(name) for name in scripts], plotly=get_plotlyjs(), **values
    )


def numbered(
    drawn: Mapping[str, Iterable[tuple[str, dict[str, Any]]]],
) -> tuple[dict[str, list[dict[str, str]]], dict[str, dict[str, Any]]]:
    """Number the titled pictures of each section: panels (id and title) by section, and pictures by id."""
    panels: dict[str, list[dict[str, str]]] = {}
    pictures = {}
    for name, titled in drawn.items():
        panels[name] = []
        for number, (title, picture) in enumerate(titled, start=1):
            panels[name].append({"id": f"{name}-{number}", "title": title})
            pictures[f"{name}-{number}"] = picture
    return panels, pictures


def write_page(draw: Callable[[], str], path: str | Path, overwrite: bool = False) -> Path:
    """Write a page atomically.

    Args:
        draw: gives the page; called after the file has been checked.
        overwrite: also replace a file that is no page of repalign.

    Raises:
        RepalignError: the file cannot be written, or exists and is no page of repalign.
    """
    return write_file(Path(path), lambda: draw().encode("utf-8", "replace"), overwrite)


def _source(name: str) -> str:
    return (files("repalign.report") / "templates" / name).read_text(encoding="utf-8")
