"""What was found inside checkpoints, at rest: a folder of parquet tables and one JSON file, read without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repalign.results import load_found, save_found

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
KIND = "inside"

TABLES = {
    "lens": "what each layer would say next: checkpoint, language (of the text), layer, depth, measure (probability, of "
    "the tokens of the language `toward`; or entropy, by its greatest), toward, value, low, high, sentences",
    "neurons": "the most language-specific ones: checkpoint, layer, depth, neuron, language, entropy (over languages, by "
    "its greatest), rate (share of the language's tokens it is active at), elsewhere (mean over the others)",
    "interventions": "what taking something out costs: checkpoint, intervention (neurons, subspace or steering), of "
    "(language or NA), layer (NA: several), depth, size (neurons or directions), language (of the text), outcome "
    "(loss, own, pivot or p_at_1), untouched, value (change), low, high, control (change by as much at random), "
    "control_low, control_high, p (of no difference from the control), p_adjusted, sentences",
}
"""The tables there may be, with their columns."""


@dataclass(frozen=True)
class Inside:
    """All that one look into checkpoints found.

    Attributes:
        title: e.g. "m-llama inside".
        signatures: checkpoint -> what decides its states, in one line.
        tables: by the names in `TABLES`.
        settings: pivot, languages, tokens known of each language, seed, notes, ... (JSON types only).
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
        return save_found(self, folder, KIND, SCHEMA)

    @classmethod
    def load(cls, folder: str | Path) -> Inside:
        """Read a folder.

        Raises:
            RepalignError: nothing of the kind there, or of a newer schema.
        """
        return load_found(cls, folder, KIND, SCHEMA, TABLES)
