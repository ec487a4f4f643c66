"""Results: everything that `layers` or `compare` computed, in memory and as a folder.

A results folder holds `profile.parquet` (the scores), `profile.json` (metadata: schema, signatures, settings, the
command, the data manifest) and one parquet file per further table, e.g. `map.parquet`; every report is drawn from it.
`profile.manifest.json` names them: see `repalign.results.folder`.
Its tables are declared in `repalign.results.schema.RESULTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repalign.results.drawn import Drawn
from repalign.results.profile import LayerProfile
from repalign.results.schema import RESULTS
from repalign.results.summary import ROOM, few, heading, listed, shortened
from repalign.results.tables import TableSet, checked

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Results:
    """Everything that one run computed.

    Attributes:
        title: e.g. "m-llama" or "alpaca against x-llama-zh".
        profile: the scores.
        tables: further tables, by the names in `repalign.results.schema.RESULTS`; a missing one is not drawn.
        about: the command, versions, data manifest, ... (JSON types only).

    Raises:
        RepalignError: an unknown table, or a table whose columns are not those declared.
    """

    title: str
    profile: LayerProfile
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", checked(self.tables, Stored.kind))

    def __repr__(self) -> str:
        title, tables = shortened(self.title, 40), few(self.tables)
        scores = f"{len(self.profile):,} scores of {few(self.profile.table['checkpoint'])}"
        parts = f"{title!r}: {scores}; tables: {tables or 'none'}"
        return f"Results({shortened(parts, ROOM)})"

    def _repr_html_(self) -> str:
        """For notebooks."""
        return f"{heading(self.title)}{listed(self.tables, RESULTS)}{self.profile._repr_html_()}"

    def save(
        self, folder: str | Path, overwrite: bool = False, draw: Callable[[], str | Drawn] | None = None
    ) -> list[Path]:
        """Write everything into a folder; see `TableSet.save`."""
        peaks = {} if self.profile.peaks is None else {"peaks": self.profile.peaks}
        tables = {"profile": self.profile.table, **peaks, **self.tables}
        stored = Stored(self.title, self.profile.signatures, tables, self.profile.settings, self.about)
        return stored.save(folder, overwrite, draw)

    @classmethod
    def load(cls, path: str | Path, only: Collection[str] | None = None) -> Results:
        """Read a results folder (or the profile.parquet in it); see `TableSet.load`."""
        path = Path(path)
        read = Stored.load(path.parent if path.name == "profile.parquet" else path, only)
        tables = dict(read.tables)
        profile = LayerProfile(
            tables.pop("profile"), read.signatures, read.settings, tables.pop("peaks", None)
        )
        return cls(read.title, profile, tables, read.about)


class Stored(TableSet):
    """Results as a folder holds them: the profile is one of the tables."""

    kind, page, noun = "profile", "report.html", "results"

    @staticmethod
    def settings_of_schema_1(settings: dict[str, Any]) -> dict[str, Any]:
        """The pivot was called source; the direction of metrics was "higher" or "lower"."""
        renamed = {
            {"source": "pivot"}.get(key, key): value for key, value in settings.items() if key != "closer"
        }
        directions = settings.get("closer")
        if isinstance(directions, dict):
            renamed["higher_is_better"] = {name: way != "lower" for name, way in directions.items()}
        return renamed
