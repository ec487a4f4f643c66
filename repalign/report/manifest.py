"""The data manifest and the settings, in the form that the page's tables show."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from repalign.corpora.problems import verdict
from repalign.corpora.scripts import script_name
from repalign.figures.names import LONGEST_TEXT, shortened
from repalign.version import __version__

if TYPE_CHECKING:
    from repalign.results.results import Results

MAX_PROBLEMS = 100
"""Problems of the text that the page lists."""

HEADINGS = {
    "groups": "distinct sentences",
    "characters": "characters per sentence",
    "per_sentence": "tokens per sentence",
    "per_character": "tokens per character",
    "truncated": "truncated sentences",
    "key": "key of the states",
    "lower is better": "metrics of which lower is better",
}
"""Names of settings and columns where their keys would not say what or in which unit."""

DIGEST = re.compile("[0-9a-f]{32,}")
LONGEST_KEY = 12
"""Characters of a digest."""

RENDERED_WITH = ("pandas", "plotly", "jinja2")


def manifest(about: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A warning of faulty text, the verdict, totals of the corpus and one row of counts per language; None if there is no manifest.

    Lists of row numbers are counted; every number given by language becomes a column, except counts that are 0 in every
    language, whose names are listed as `none`.
    """
    if not about:
        return None
    lines = verdict(about["problems"]) if "problems" in about else []  # not in results of earlier versions
    if len(lines) > MAX_PROBLEMS:
        lines = [*lines[:MAX_PROBLEMS], f"and {len(lines) - MAX_PROBLEMS} more in the results folder"]
    totals: dict[str, str] = {}
    rows: dict[str, dict[str, str]] = {}
    for key, value in about.items():
        if key in ("ok", "problems"):
            continue
        if not isinstance(value, Mapping):
            totals[_heading(key)] = "unknown" if value is None else _cell(value)
            continue
        for language, entry in value.items():
            cells = entry if isinstance(entry, Mapping) else {key: entry}
            row = rows.setdefault(str(language), {})
            row.update(
                {
                    _heading(name): script_name(cell)
                    if name == "script" and isinstance(cell, str)
                    else _cell(cell)
                    for name, cell in cells.items()
                }
            )
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    none = [column for column in columns if all(row.get(column, "0") == "0" for row in rows.values())]
    columns = [column for column in columns if column not in none]
    complete = {
        language: {column: row.get(column, "") for column in columns} for language, row in rows.items()
    }
    return {
        "warning": "" if about.get("ok", True) else next(iter(lines), ""),
        "verdict": lines,
        "totals": totals,
        "columns": columns,
        "rows": complete,
        "none": none,
    }


def facts(results: Results) -> dict[str, str | tuple[str, str]]:
    """Settings and versions, one line each; a digest is cut, and follows in full."""
    about = {key: value for key, value in results.about.items() if key not in ("command", "manifest")}
    hidden = ("labels", "higher_is_better")
    settings = {key: value for key, value in results.profile.settings.items() if key not in hidden}
    if lower := [
        metric for metric in results.profile.table["metric"].unique() if results.profile.sign(metric) < 0
    ]:
        settings["lower is better"] = ", ".join(lower)
    rows = {
        _heading(key): "unknown" if value is None else _cell(value)
        for key, value in {**settings, **about}.items()
    }
    tools = ", ".join(f"{name} {version(name)}" for name in RENDERED_WITH)
    rows = {name: shortened(value, LONGEST_TEXT) for name, value in rows.items()}
    digests = {
        name: (f"{value[:LONGEST_KEY]}…", value) for name, value in rows.items() if DIGEST.fullmatch(value)
    }
    return (
        rows | digests | {"drawn with": f"repalign {__version__}, Python {sys.version.split()[0]}, {tools}"}
    )


def _heading(key: object) -> str:
    return HEADINGS.get(str(key), str(key).replace("_", " "))


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_cell(entry)}" for key, entry in value.items())
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(entry, str) for entry in value):
            return ", ".join(value)
        rows = f" (rows {', '.join(map(str, value[:3]))}{', …' if len(value) > 3 else ''})" if value else ""
        return f"{len(value)}{rows}"
    return "" if value is None else str(value)
