"""The card that lies beside trained weights: how this checkpoint came to be."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from repalign.errors import RepalignError
from repalign.files import json_bytes, read_json, write_atomically

CARD = "repalign.json"
CARD_SCHEMA = 1
REMEDY = "this is not a checkpoint card: train again or delete it"
FIELDS = {
    "name": str, "recipe": {str: object}, "recipe_digest": str, "parent": (None, str), "template": str,
    "mixture": [{str: object}], "seed": int, "steps": int, "tokens": int, "losses": {str: object}, "seconds": float,
    "versions": {str: str}, "schema": int,
}  # fmt: skip
"""What a card holds (see `repalign.files.Shape`)."""


@dataclass(frozen=True)
class Card:
    """What training writes and analysis reads (`repalign.json`).

    Attributes:
        name: e.g. "m-llama".
        recipe: the effective recipe, overrides included.
        recipe_digest: SHA-256 of the recipe; a finished folder of another digest is another run.
        parent: the checkpoint it was tuned from, or None for one trained from scratch.
        template: the prompt frame it was tuned with (see `repalign.models.templates`).
        mixture: one entry a source: name, items, tokens, digest.
        seed, steps, tokens: of the run (tokens = all tokens seen, the trained ones of them under `losses`).
        losses: e.g. {"first": 6.1, "last": 0.4, "held_out": 0.5}, in nats per token.
        seconds: wall-clock time of training.
        versions: of the packages that decide the weights.
    """

    name: str
    recipe: dict[str, Any]
    recipe_digest: str
    parent: str | None
    template: str
    mixture: list[dict[str, Any]]
    seed: int
    steps: int
    tokens: int
    losses: dict[str, float]
    seconds: float
    versions: dict[str, str] = field(default_factory=dict)
    schema: int = CARD_SCHEMA

    @classmethod
    def read(cls, folder: Path) -> Card | None:
        """The folder's card, or None where there is none.

        Raises:
            RepalignError: the card is damaged or of a newer schema.
        """
        path = folder / CARD
        if not path.is_file():
            return None
        schema = read_json(path, {"schema": int}, REMEDY)["schema"]
        if schema > CARD_SCHEMA:
            raise RepalignError(
                f"{path} has schema {schema}, this repalign reads up to {CARD_SCHEMA}; upgrade repalign"
            )
        values = read_json(path, FIELDS, REMEDY)
        return cls(**{f.name: values[f.name] for f in fields(cls)})

    def write(self, folder: Path) -> None:
        """Write the card; the last thing training does, so that a folder with a card is a finished one."""
        write_atomically(folder / CARD, json_bytes(asdict(self)), "give --out or set REPALIGN_HOME")
