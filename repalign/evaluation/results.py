"""An evaluation at rest: a folder of parquet tables and one JSON file, read without torch or a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repalign.errors import RepalignError
from repalign.results import read_tables, readable, write_folder

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
JSON = "evaluation.json"
DESCRIBED = ("title", "signatures", "settings", "about")

TABLES = {
    "scores": "checkpoint, baseline (NA, or the checkpoint whose score was subtracted), scorer, language (NA: mean over "
    "languages), value (0 to 100), low, high, p, p_adjusted (of differences), items",
    "answers": "checkpoint, language, item, kind, instruction, input, reference, answer, answered_in, tokens, ended "
    "(by the model itself), prompt_cut (tokens), and each scorer's score of the item alone",
    "languages": "checkpoint (or references), asked, answered (NA: cannot be told), count, share",
    "consistency": "same answer in two languages: checkpoint, language, other, value, low, high, chance, calibrated, p, "
    "items",
    "wins": "checkpoint against baseline: judge, language, wins, ties, losses, value (ties count half), low, high, p, "
    "swayed, first_place, unclear, items",
    "alignment": "alignment beside scores: checkpoint, metric, layer, scorer, language, alignment, score",
    "correlations": "Spearman's of both: checkpoint, metric, scorer, over (languages or sentences), language, value, "
    "low, high, p, p_adjusted (over metrics or languages), units, note",
}
"""The tables there may be, with their columns."""


@dataclass(frozen=True)
class Evaluation:
    """All that one evaluation found.

    Attributes:
        title: e.g. "m-llama on xquad".
        signatures: checkpoint -> what decides its answers, in one line.
        tables: by the names in `TABLES`.
        settings: signatures of scorers, seed, counts of what was cut, ... (JSON types only).
        about: the command, versions (JSON types only).
    """

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
        meta = {"schema": SCHEMA, **{name: getattr(self, name) for name in DESCRIBED}}
        return write_folder(Path(folder), "evaluation", meta, self.tables, TABLES)

    @classmethod
    def load(cls, folder: str | Path) -> Evaluation:
        """Read a folder.

        Raises:
            RepalignError: no evaluation there, a damaged one, or of a newer schema.
        """
        folder = Path(folder)
        if not (folder / JSON).is_file():
            raise RepalignError(f"no evaluation in {folder}: expected {JSON} there")
        with readable(folder):
            meta = json.loads((folder / JSON).read_text(encoding="utf-8"))
            if meta.pop("schema") > SCHEMA:
                raise RepalignError(f"{folder / JSON} is of a newer repalign; upgrade repalign")
            return cls(tables=read_tables(folder, TABLES), **meta)
