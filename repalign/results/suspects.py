"""Suspects of a corpus, in memory and as a folder: see `repalign.results.schema.SUSPECTS` for its tables."""

from __future__ import annotations

from repalign.results.summary import as_html
from repalign.results.tables import TableSet

SHOWN = 10
"""Suspects that a notebook shows."""


class Suspects(TableSet):
    """The results of `repalign data suspects`; `settings` holds the pivot, the languages, the threshold and notes."""

    kind, page, noun = "suspects", "suspects.html", "a list of suspects"

    def _repr_html_(self) -> str:
        """For notebooks: the first suspects."""
        columns = ["rank", "language", "sentence", "score", "kind", "fits"]
        return super()._repr_html_() + as_html(self.tables["suspects"][columns].head(SHOWN))
