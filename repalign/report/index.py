"""The page that lists the results in a folder and below it, with links to their pages."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from repalign.figures.names import LONGEST_TEXT, LONGEST_TITLE, shortened, visible
from repalign.report.entries import Contents, Entry
from repalign.report.findings.words import joined
from repalign.report.layout import fill

INDEX = "index.html"


def render_index(name: str, found: Sequence[Entry]) -> str:
    """The page as HTML.

    Args:
        name: of the folder.
        found: see `repalign.report.entries.entries`.
    """
    folders = len({entry.folder for entry in found})
    unread = [entry for entry in found if entry.contents is None]
    damaged = f", {len(unread)} cannot be read" if unread else ""
    return fill(
        "index.html",
        ["figures.js", "index.js"],
        {"figures": {}, "height": 0},
        {},
        with_plotly=False,
        title=f"Results in {_shown(name, LONGEST_TITLE)}",
        about={"results": f"{len(found)} in {joined(folders, 'folder')}{damaged}"},
        results=[_row(entry, entry.contents) for entry in found if entry.contents],
        unread=[(_shown(str(entry.folder)), _shown(entry.problem)) for entry in unread],
    )


def _row(entry: Entry, contents: Contents) -> dict[str, str]:
    return {
        **{key: _shown(text) for key, text in contents._asdict().items()},
        "folder": _shown(str(entry.folder)),
        "written": entry.written.strftime("%Y-%m-%d %H:%M"),
        "link": _link(entry.folder / entry.page) if entry.page else "",
    }


def _link(path: Path) -> str:
    """A relative address, in which no part of a path can be a scheme, a host or a query."""
    return "./" + quote(os.fsencode(path.as_posix()))


def _shown(text: str, longest: int = LONGEST_TEXT) -> str:
    return shortened(visible(text), longest)
