"""Report: one offline page that states, then shows, where languages align."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, overload

from repalign.errors import RepalignError
from repalign.figures import as_results
from repalign.results.profile import LayerProfile
from repalign.results.results import Results

__all__ = ["Report"]


class Report:
    """The page of a profile or of whole results.

    Args:
        title: heading of the page; optional for results, which have their own.
        results: the profile or results to show.

    Raises:
        RepalignError: neither a profile nor results, or no scores in them.

    Example:
        >>> Report("m-llama", profile).write("m-llama.html")  # doctest: +SKIP
    """

    @overload
    def __init__(self, title: str, results: Results | LayerProfile) -> None: ...

    @overload
    def __init__(self, title: Results | LayerProfile) -> None: ...

    def __init__(self, title: Any, results: Any = None) -> None:
        title, results = (None, title) if results is None else (title, results)
        if not isinstance(results, (Results, LayerProfile)):
            raise RepalignError(
                "a report takes a title and a profile or results: Report('m-llama', profile); "
                f"got {type(results).__name__}"
            )
        whole = as_results(results)
        if whole.profile.table.empty:
            raise RepalignError("there are no scores to report; profile at least two languages")
        self.results = whole if title is None else replace(whole, title=str(title))

    def write(self, path: str | Path) -> Path:
        """Write the page atomically as one file that opens offline.

        Raises:
            RepalignError: the file cannot be written.
        """
        from repalign.report.layout import write_page
        from repalign.report.page import render

        return write_page(render(self.results), path)
