"""Report: one offline page that says in words, then shows, where languages meet."""

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
        title: shown on top; may be left out where results bring their own.
        results: what to show.

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
                "a report is made of a title and a profile or results: Report('m-llama', profile); "
                f"got {type(results).__name__}"
            )
        whole = as_results(results)
        if whole.profile.table.empty:
            raise RepalignError(
                "there are no scores to report; profile at least one language against another"
            )
        self.results = whole if title is None else replace(whole, title=str(title))

    def write(self, path: str | Path) -> Path:
        """Write the page as one file, whole or not at all; it opens offline.

        Raises:
            RepalignError: the file cannot be written.
        """
        from repalign.report.layout import write_page
        from repalign.report.page import render

        return write_page(render(self.results), path)
