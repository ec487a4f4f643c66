"""Results at rest: a folder of parquet tables and one JSON file, from which every report is drawn.

A results folder holds `profile.parquet` (the scores), `profile.json` (what they are: schema, signatures,
settings, the command, the data manifest) and one parquet file for each further table, e.g. `map.parquet`.
Reading it needs neither torch nor a model.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from repalign.errors import RepalignError
from repalign.results.profile import SCHEMA, LayerProfile

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import Self

TABLES = {
    "map": "where each sentence lies: checkpoint, reducer, variant, layer, language, sentence, x, y, z, cosine, margin, "
    "trustworthiness, knn_overlap",
    "sentences": "the text: language, sentence, group, text, tokens",
    "geometry": "shape of each language's states: checkpoint, language, layer, depth, measure, value, detail",
    "neighbours": "translations not found: checkpoint, variant, source, target, layer, depth, sentence, "
    "taken_for, cosine (to what it was taken for), cosine_right (to its translation)",
    "drift": "how far each language moved from a baseline: checkpoint, baseline, language, layer, depth, "
    "measure, value, low, high",
    "layer_cka": "layers of one checkpoint against layers of another: checkpoint, baseline, language, layer, "
    "depth, baseline_layer, baseline_depth, value",
    "languages": "distance of every two languages, both ways and to themselves: checkpoint, metric, variant, "
    "layer, depth, language, other, order (of `language` along the tree), value, distance",
    "tree": "how languages join, one row a merger: checkpoint, metric, variant, layer, depth, step, left, "
    "right (a language, or the step that made a group, as text), distance, size (languages in the "
    "new group)",
    "controls": "what a metric gives without meaning, to draw beside its curve: control (bag-of-tokens, "
    "random-weights, unshared-tokens, length-matched or length-partialled), and the columns of a "
    "profile",
    "identity": "language against meaning: checkpoint, variant, layer, depth, measure, language (NA: all "
    "together), value, low, high, chance",
}
"""The further tables there may be, with their columns."""

GRAIN = 1 / 4096
"""Places on a map are multiples of this, so that a page can hold them exactly in two bytes each."""


@dataclass(frozen=True)
class Results:
    """All that one run computed.

    Attributes:
        title: e.g. "m-llama" or "alpaca against x-llama-zh".
        profile: the scores.
        tables: further tables, by the names in `TABLES`; a missing one just is not drawn.
        about: the command that made this, versions, data manifest, ... (JSON types only).
    """

    title: str
    profile: LayerProfile
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)

    def save(self, folder: str | Path) -> list[Path]:
        """Write everything into `folder`; each file appears whole or not at all. Returns the paths written.

        Raises:
            RepalignError: the folder cannot be written, or the disk is full.
        """
        meta = {
            "schema": SCHEMA,
            "title": self.title,
            "signatures": self.profile.signatures,
            "settings": self.profile.settings,
            "about": self.about,
        }
        tables = {"profile": self.profile.table, **self.tables}
        return write_folder(Path(folder), "profile", meta, tables, TABLES)

    def _repr_html_(self) -> str:
        """For notebooks."""
        from html import escape

        tables = ", ".join(f"{name} ({len(table):,} rows)" for name, table in self.tables.items())
        return f"<h3>{escape(self.title)}</h3><p>Tables: {escape(tables)}</p>{self.profile._repr_html_()}"

    @classmethod
    def load(cls, path: str | Path) -> Results:
        """Read a results folder (or the profile.parquet in it).

        Raises:
            RepalignError: no results there, damaged ones, or of a newer schema.
        """
        import pandas as pd

        folder = Path(path)
        if folder.name == "profile.parquet":
            folder = folder.parent
        if not (folder / "profile.json").is_file() or not (folder / "profile.parquet").is_file():
            raise RepalignError(f"no results in {folder}: expected profile.parquet and profile.json there")
        with readable(folder):
            meta = json.loads((folder / "profile.json").read_text(encoding="utf-8"))
            if meta["schema"] > SCHEMA:
                raise RepalignError(
                    f"{folder}/profile.json has schema {meta['schema']}, this repalign reads up to {SCHEMA}; "
                    "upgrade repalign"
                )
            profile = LayerProfile(
                pd.read_parquet(folder / "profile.parquet"), meta["signatures"], meta["settings"]
            )
            return cls(meta["title"], profile, read_tables(folder, TABLES), meta["about"])


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """Turns what damaged JSON or parquet raises into one line that names the folder."""
    try:
        yield
    except (ValueError, KeyError, TypeError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise RepalignError(f"the results in {folder} are damaged ({reason}); make them again") from error


@dataclass(frozen=True)
class Found:
    """What a command other than `layers` and `compare` found.

    Attributes:
        title: e.g. "m-llama on xquad".
        signatures: checkpoint -> what decides its numbers, in one line.
        tables: by the names in `columns`.
        settings: how it was found (JSON types only).
        about: the command, versions (JSON types only).
    """

    kind: ClassVar[str]
    schema: ClassVar[int]
    columns: ClassVar[Mapping[str, str]]

    title: str
    signatures: dict[str, str]
    tables: Mapping[str, pd.DataFrame]
    settings: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)

    def save(self, folder: str | Path) -> list[Path]:
        """Write everything into a folder, each file whole or not at all. Returns the paths written.

        Raises:
            RepalignError: the folder cannot be written, or the disk is full.
        """
        described = {own.name: getattr(self, own.name) for own in fields(self) if own.name != "tables"}
        meta = {"schema": self.schema, **described}
        return write_folder(Path(folder), self.kind, meta, self.tables, self.columns)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a folder.

        Raises:
            RepalignError: nothing of the kind there, damaged, or of a newer schema.
        """
        path = Path(folder) / f"{cls.kind}.json"
        if not path.is_file():
            raise RepalignError(f"no {cls.kind} in {folder}: expected {path.name} there")
        with readable(path.parent):
            meta = json.loads(path.read_text(encoding="utf-8"))
            if meta.pop("schema") > cls.schema:
                raise RepalignError(f"{path} is of a newer repalign; upgrade repalign")
            return cls(tables=read_tables(path.parent, cls.columns), **meta)


def write_folder(
    folder: Path, name: str, meta: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], known: Iterable[str]
) -> list[Path]:
    """Write each table as parquet and then `name`.json, each file whole or not at all. Returns the paths.

    A table that is `known` and not given goes: it is of another run.
    """
    files = {f"{table}.parquet": rows.to_parquet(index=False) for table, rows in tables.items()}
    files[f"{name}.json"] = json.dumps(meta, ensure_ascii=False, indent=1).encode()
    for file, data in files.items():
        write_whole(folder / file, data)
    for table in set(known) - set(tables):
        (folder / f"{table}.parquet").unlink(missing_ok=True)
    return [folder / file for file in files]


def read_tables(folder: Path, names: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Those of the tables that the folder holds."""
    import pandas as pd

    paths = {name: folder / f"{name}.parquet" for name in names}
    return {name: pd.read_parquet(path) for name, path in paths.items() if path.is_file()}


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it appears whole or not at all.

    Raises:
        RepalignError: the folder cannot be written, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise RepalignError(f"cannot write {path}: {error.strerror}; choose another --out") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        os.unlink(temporary)
        raise RepalignError(f"cannot write {path}: {error.strerror}; choose another --out") from error
