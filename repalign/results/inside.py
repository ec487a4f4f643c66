"""A look inside checkpoints, in memory and as a folder: see `repalign.results.schema.INSIDE` for its tables."""

from __future__ import annotations

from typing import Any

from repalign.errors import RepalignError
from repalign.results.summary import as_html
from repalign.results.tables import TableSet


class Inside(TableSet):
    """The results of `repalign inside`.

    `settings` holds the pivot, the languages, and for each checkpoint the number of known tokens per language and notes.
    """

    kind, page, noun = "inside", "inside.html", "a look inside"

    def __post_init__(self) -> None:
        super().__post_init__()
        if missing := [name for name in self.signatures if name not in self.settings["checkpoints"]]:
            raise RepalignError(f"{self.noun}: 'settings.checkpoints' should have {missing[0]!r}")

    @staticmethod
    def settings_of_schema_1(settings: dict[str, Any]) -> dict[str, Any]:
        """Schema 1 had the checkpoints among the other settings, by their names."""
        by_checkpoint = {name: entry for name, entry in settings.items() if isinstance(entry, dict)}
        checkpoints = {
            name: {"tokens": entry.get("tokens of languages"), "notes": entry.get("notes")}
            for name, entry in by_checkpoint.items()
        }
        others = {name: entry for name, entry in settings.items() if name not in by_checkpoint}
        return {**others, "checkpoints": checkpoints}

    def _repr_html_(self) -> str:
        """For notebooks: how probable tokens of the pivot are in texts of other languages, layers by checkpoints."""
        lens, pivot = self.tables["lens"], self.settings["pivot"]
        rows = lens[(lens["toward"] == pivot) & (lens["language"] != pivot)]
        grid = rows.pivot_table("value", "layer", "checkpoint", sort=False, dropna=False)
        return super()._repr_html_() + as_html(grid, index=True)
