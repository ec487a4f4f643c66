"""TableSet: the results of a command, in memory and as a folder of parquet tables and one JSON file.

Reading a folder needs neither torch nor a model; a folder that cannot be read is refused in one line.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from repalign.errors import RepalignError
from repalign.files import Versioned, finite, json_bytes, read_json, read_parquet, typed
from repalign.results.drawn import Drawn
from repalign.results.folder import Kind, Output, read_manifest
from repalign.results.schema import KINDS, REQUIRED, SCHEMA, SETTINGS, Described
from repalign.results.summary import few, heading, listed, shortened

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import Self

    from repalign.results.table import Table

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

    page: ClassVar[str]
    """File name of the page."""

    noun: ClassVar[str]
    """Its name in messages."""

    title: str
    signatures: dict[str, str]
    tables: Mapping[str, pd.DataFrame]
    settings: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        described = {"title": self.title, "signatures": self.signatures}
        _check(finite({**described, "settings": self.settings, "about": self.about}), self.kind, self.noun)
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

    @classmethod
    def output(cls, folder: str | Path, title: str | None = None, overwrite: bool = False) -> Output:
        """Results of this kind in a folder that need not exist; `Output.check` says whether they can be saved there."""
        tables = KINDS[cls.kind].values()
        files = {cls.page, f"{cls.kind}.json", *(f"{table.name}.parquet" for table in tables)}
        former = {f"{table.formerly}.parquet" for table in tables if table.formerly}
        kind = Kind(cls.kind, frozenset(files), frozenset(former), cls._earlier)
        return Output(Path(folder), kind, title, overwrite)

    def save(
        self, folder: str | Path, overwrite: bool = False, draw: Callable[[], str | Drawn] | None = None
    ) -> list[Path]:
        """Write everything into a folder, all or nothing. Returns the paths written, the manifest apart.

        Files in the folder that repalign did not write are never touched; those of an earlier run of this title are replaced
        or removed. Results of other commands may be in the same folder.

        Args:
            overwrite: replace results of another title too, and those of a version before 0.2.
            draw: gives the page that is written beside the tables when these are in place.

        Raises:
            RepalignError: the folder cannot be written, holds other results or other files of the same names, the disk is
                full, or `settings` or `about` cannot be encoded in JSON.
        """
        meta = {"schema": SCHEMA, "title": self.title, "signatures": self.signatures}
        try:
            described = json_bytes({**meta, "settings": self.settings, "about": self.about})
        except (TypeError, ValueError) as error:
            raise RepalignError(f"settings and about of {self.noun} hold JSON types only: {error}") from error
        files = {f"{name}.parquet": table.to_parquet(index=False) for name, table in self.tables.items()}
        files[f"{self.kind}.json"] = described
        page = (self.page, draw) if draw else None
        return self.output(folder, self.title, overwrite).write(files, page)

    @classmethod
    def load(cls, folder: str | Path, only: Collection[str] | None = None) -> Self:
        """Read a folder, of this schema or an earlier one.

        Args:
            folder: with results of this kind.
            only: tables to read; by default all. The required ones must be among them.

        Raises:
            RepalignError: no results of this kind, or results that are damaged, of a newer schema, or with other
                columns or settings.
        """
        path = Path(folder) / f"{cls.kind}.json"
        if not path.is_file():
            raise RepalignError(f"no {cls.noun.split()[-1]} in {folder}: expected {path.name} there")
        meta = read_json(path, dict[str, Any], REMEDY)
        schema = typed(meta, Versioned, path, REMEDY)["schema"]
        if schema > SCHEMA:
            raise RepalignError(
                f"{path} has schema {schema}, this repalign reads up to {SCHEMA}; upgrade repalign"
            )
        if schema < 1:
            raise RepalignError(f"{path} has schema {schema}, expected 1 to {SCHEMA}; {REMEDY}")
        if schema == 1 and isinstance(meta.get("settings"), dict):
            meta["settings"] = cls.settings_of_schema_1(meta["settings"])
        _check(meta, cls.kind, path, REMEDY)
        manifest = read_manifest(path.parent, cls.output(path.parent).kind)
        if manifest and not manifest["complete"]:
            raise RepalignError(
                f"{path.parent}: a run was interrupted while it wrote there, or is still writing; {REMEDY}"
            )
        recorded = [name for name in manifest["files"] if name.endswith(".parquet")] if manifest else []
        if lost := [name for name in recorded if not (path.parent / name).is_file()]:
            raise RepalignError(f"{path.parent} has lost {lost[0]}, which its manifest names; {REMEDY}")
        tables = {
            name: _read_table(KINDS[cls.kind][name], file, schema)
            for name, file in table_files(path.parent, cls.kind, recorded=manifest is not None).items()
            if only is None or name in only
        }
        return cls(meta["title"], meta["signatures"], tables, meta["settings"], meta["about"])

    @classmethod
    def _earlier(cls, folder: Path) -> set[str]:
        """The files of results that were saved without a manifest; empty if they cannot be read."""
        try:
            cls.load(folder)
        except RepalignError:
            return set()
        tables = table_files(folder, cls.kind, recorded=False).values()
        return {f"{cls.kind}.json", *(path.name for path in tables)}

    @staticmethod
    def settings_of_schema_1(settings: dict[str, Any]) -> dict[str, Any]:
        """Settings of schema 1 in the current form."""
        return settings


def table_files(folder: Path, kind: str, recorded: bool) -> dict[str, Path]:
    """The files of the tables of a kind in a folder, under the current names of the tables.

    Args:
        recorded: whether the folder has a manifest; without one, tables may have their former names.

    Raises:
        RepalignError: a required one is missing.
    """
    files = {}
    for name, table in KINDS[kind].items():
        names = (name,) if recorded or not table.formerly else (name, table.formerly)
        paths = [path for each in names if (path := folder / f"{each}.parquet").is_file()]
        if paths:
            files[name] = paths[0]
        elif name in REQUIRED[kind]:
            raise RepalignError(f"{folder} has {kind}.json but no {name}.parquet; {REMEDY}")
    return files


def _read_table(table: Table, path: Path, schema: int) -> pd.DataFrame:
    rows = read_parquet(path, REMEDY)
    return table.checked(table.completed(table.renamed(rows) if schema == 1 else rows), path)


def checked(tables: Mapping[str, pd.DataFrame], kind: str) -> dict[str, pd.DataFrame]:
    """Tables in memory, checked against the declarations of their kind.

    Raises:
        RepalignError: an unknown table, or other columns.
    """
    known = KINDS[kind]
    if unknown := [name for name in tables if name not in known]:
        raise RepalignError(f"unknown table {unknown[0]!r}; expected {', '.join(known)}")
    return {name: known[name].checked(table) for name, table in tables.items()}


def _check(described: Mapping[str, Any], kind: str, where: object, remedy: str = "") -> None:
    """
    Raises:
        RepalignError: metadata of another type than those of its kind.
    """
    checked = typed(described, Described, where, remedy)
    typed(checked["settings"], SETTINGS[kind], f"{where}: settings", remedy)
