"""TableSet: the results of a command, in memory and as a folder of parquet tables and one JSON file.

Reading a folder needs neither torch nor a model; a folder that cannot be read is refused in one line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from repalign.errors import RepalignError
from repalign.files import json_bytes, mismatch, read_json, read_parquet, write_atomically, writing
from repalign.results.schema import ABOUT, KINDS, REQUIRED, SCHEMA, SETTINGS
from repalign.results.summary import few, heading, listed, shortened

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import Self

REMEDY = "run the command that wrote it again"


@dataclass(frozen=True, repr=False)
class TableSet:
    """The results of one command.

    Attributes:
        title: e.g. "m-llama on xquad".
        signatures: checkpoint -> what decides its numbers, in one line.
        tables: by the names in `repalign.results.schema.KINDS[kind]`, with exactly the columns declared there.
        settings: what else decided the numbers, and their labels (JSON types only).
        about: the command, versions (JSON types only).

    Raises:
        RepalignError: unknown or missing tables, columns or settings, or values of the wrong type.
    """

    kind: ClassVar[str]
    """Name of the JSON file."""

    noun: ClassVar[str]
    """Its name in messages."""

    title: str
    signatures: dict[str, str]
    tables: Mapping[str, pd.DataFrame]
    settings: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        described = {
            "title": self.title,
            "signatures": self.signatures,
            "settings": self.settings,
            "about": self.about,
        }
        if wrong := mismatch(described, _shape(self.kind)):
            raise RepalignError(f"{self.noun}: {wrong}")
        object.__setattr__(self, "tables", checked(self.tables, self.kind))
        if missing := [name for name in REQUIRED[self.kind] if name not in self.tables]:
            raise RepalignError(
                f"{self.noun} without the table {missing[0]!r}; got {', '.join(self.tables) or 'none'}"
            )

    def __repr__(self) -> str:
        tables = few(f"{name} ({len(table):,} rows)" for name, table in self.tables.items())
        return f"{type(self).__name__}({shortened(self.title, 60)!r}: {tables})"

    def _repr_html_(self) -> str:
        """For notebooks."""
        return f"{heading(self.title)}{listed(self.tables, KINDS[self.kind])}"

    def save(self, folder: str | Path) -> list[Path]:
        """Write everything into a folder, each file atomically, the JSON last. Returns the paths written.

        A table of this kind that is not among `tables` is removed: it belongs to an earlier run.

        Raises:
            RepalignError: the folder cannot be written, the disk is full, or `settings` or `about` cannot be encoded in JSON.
        """
        folder = Path(folder)
        meta = {"schema": SCHEMA, "title": self.title, "signatures": self.signatures}
        try:
            described = json_bytes({**meta, "settings": self.settings, "about": self.about})
        except (TypeError, ValueError) as error:
            raise RepalignError(f"settings and about of {self.noun} hold JSON types only: {error}") from error
        files = {f"{name}.parquet": table.to_parquet(index=False) for name, table in self.tables.items()}
        files[f"{self.kind}.json"] = described
        for name, data in files.items():
            write_atomically(folder / name, data)
        known = {name for table in KINDS[self.kind].values() for name in (table.name, table.formerly) if name}
        with writing(folder, "choose another --out"):
            for name in known - set(self.tables):
                (folder / f"{name}.parquet").unlink(missing_ok=True)
        return [folder / name for name in files]

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a folder, of this schema or an earlier one.

        Raises:
            RepalignError: no results of this kind, or results that are damaged, of a newer schema, or with other
                columns or settings.
        """
        path = Path(folder) / f"{cls.kind}.json"
        if not path.is_file():
            raise RepalignError(f"no {cls.noun.split()[-1]} in {folder}: expected {path.name} there")
        meta = read_json(path, {"schema": int}, REMEDY)
        schema = meta["schema"]
        if schema > SCHEMA:
            raise RepalignError(
                f"{path} has schema {schema}, this repalign reads up to {SCHEMA}; upgrade repalign"
            )
        if schema < 1:
            raise RepalignError(f"{path} has schema {schema}, expected 1 to {SCHEMA}; {REMEDY}")
        if schema == 1 and isinstance(meta.get("settings"), dict):
            meta["settings"] = cls.settings_of_schema_1(meta["settings"])
        if wrong := mismatch(meta, _shape(cls.kind)):
            raise RepalignError(f"{path}: {wrong}; {REMEDY}")
        tables = read_tables(path.parent, cls.kind, schema)
        return cls(meta["title"], meta["signatures"], tables, meta["settings"], meta["about"])

    @staticmethod
    def settings_of_schema_1(settings: dict[str, Any]) -> dict[str, Any]:
        """Settings of schema 1 in the current form."""
        return settings


def read_tables(folder: Path, kind: str, schema: int) -> dict[str, pd.DataFrame]:
    """The tables of a kind in a folder, under their current names.

    Raises:
        RepalignError: a file is damaged or has other columns, or a required one is missing.
    """
    tables = {}
    for name, table in KINDS[kind].items():
        path = folder / f"{table.formerly if schema == 1 and table.formerly else name}.parquet"
        if path.is_file():
            rows = read_parquet(path, REMEDY)
            tables[name] = table.checked(table.completed(table.renamed(rows) if schema == 1 else rows), path)
        elif name in REQUIRED[kind]:
            raise RepalignError(f"{folder} has {kind}.json but no {path.name}; {REMEDY}")
    return tables


def checked(tables: Mapping[str, pd.DataFrame], kind: str) -> dict[str, pd.DataFrame]:
    """Tables in memory, checked against the declarations of their kind.

    Raises:
        RepalignError: an unknown table, or other columns.
    """
    known = KINDS[kind]
    if unknown := [name for name in tables if name not in known]:
        raise RepalignError(f"unknown table {unknown[0]!r}; expected {', '.join(known)}")
    return {name: known[name].checked(table) for name, table in tables.items()}


def _shape(kind: str) -> dict[str, object]:
    return {"title": str, "signatures": {str: str}, "settings": SETTINGS[kind], "about": ABOUT}
