"""Report: one offline page that states, then shows, where languages align."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any, overload

from repalign.errors import RepalignError
from repalign.figures import as_results
from repalign.progress import Phase
from repalign.results.profile import LayerProfile
from repalign.results.results import Results

__all__ = ["Report"]

MAX_FRAME = 8_000_000
"""Bytes of a page that a notebook shows, and stores in its file; Plotly is nearly five million of them."""


class Report:
    """The page of a profile or of whole results.

    Args:
        results: the profile or results to show.
        title: heading of the page; optional for results, which have their own. The other order is accepted too.

    Raises:
        RepalignError: neither a profile nor results, or no scores in them.

    Example:
        >>> Report(profile, title="m-llama").write("m-llama.html")  # doctest: +SKIP
    """

    @overload
    def __init__(self, results: Results | LayerProfile, title: str | None = None) -> None: ...

    @overload
    def __init__(self, results: str, title: Results | LayerProfile) -> None: ...

    def __init__(self, results: Any, title: Any = None) -> None:
        if isinstance(title, (Results, LayerProfile)) or isinstance(results, str):
            results, title = title, results
        if not isinstance(results, (Results, LayerProfile)):
            raise RepalignError(
                "a report takes a profile or results, and a title: Report(profile, title='m-llama'); "
                f"got {type(results).__name__}"
            )
        whole = as_results(results)
        if whole.profile.table.empty:
            raise RepalignError("there are no scores to report; profile at least two languages")
        self.results = whole if title is None else replace(whole, title=str(title))

    def __repr__(self) -> str:
        return f"Report({self.results.title!r}: {self.results.profile!r})"

    def _repr_html_(self) -> str:
        """For notebooks: the page, in a frame that reaches neither the notebook nor the network."""
        from repalign.report.page import render

        with Phase("drawing the page"):
            page = render(self.results)
        if len(page.encode("utf-8", "replace")) > MAX_FRAME:
            return f'<p>{escape(repr(self))} is too large for a notebook: use <code>write("report.html")</code></p>'
        return (
            f'<iframe title="report" sandbox="allow-scripts allow-downloads" srcdoc="{escape(page)}" '
            'style="width: 100%; height: 50rem; border: 0"></iframe>'
        )

    def write(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write the page atomically as one file that opens offline. A page that repalign wrote is replaced.

        Of results that are too large for one file, figures lie in a folder beside it (report.data beside report.html), from
        which the page loads those that are looked at.

        Args:
            overwrite: replace a file of another origin too.

        Raises:
            RepalignError: the file cannot be written, or exists and is no page of repalign.
        """
        from repalign.report.layout import write_page
        from repalign.report.page import drawn

        return write_page(lambda: drawn(self.results), path, overwrite)
