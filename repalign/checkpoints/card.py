"""The card stored with trained weights: how the checkpoint was made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from repalign.errors import RepalignError
from repalign.files import Versioned, json_bytes, read_json, typed
from repalign.writes import write_atomically

CARD = "repalign.json"
CARD_SCHEMA = 1
REMEDY = "this is not a checkpoint card: train again or delete it"


@dataclass(frozen=True)
class Card:
    """Metadata that training writes and analysis reads (`repalign.json`).

    Attributes:
        name: e.g. "m-llama".
        recipe: the effective recipe, including overrides.
        recipe_digest: SHA-256 of the recipe; identifies the run of a finished folder.
        parent: the checkpoint it was tuned from, or None if trained from scratch.
        template: the prompt frame it was tuned with (see `repalign.models.templates`).
        mixture: one entry per part: name; items read, dropped by reason, held out, kept (`items`) and truncated; tokens,
            digest.
        seed, steps, tokens: of the run; `tokens` counts all tokens seen.
        losses: e.g. {"first": 6.1, "last": 0.4, "held_out": 0.5}, in nats per token; None if not finite.
        seconds: wall-clock time of training.
        versions: of the packages that affect the weights.
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
    losses: dict[str, float | None]
    seconds: float
    versions: dict[str, str] = field(default_factory=dict)
    schema: int = CARD_SCHEMA

    @classmethod
    def read(cls, folder: Path) -> Card | None:
        """The folder's card, or None if it has none.

        Raises:
            RepalignError: the card is damaged or of a newer schema.
        """
        path = folder / CARD
        if not path.is_file():
            return None
        values = read_json(path, dict[str, Any], REMEDY)
        schema = typed(values, Versioned, path, REMEDY)["schema"]
        if schema > CARD_SCHEMA:
            raise RepalignError(
                f"{path} has schema {schema}, this repalign reads up to {CARD_SCHEMA}; upgrade repalign"
            )
        return typed(values, cls, path, REMEDY)

    def write(self, folder: Path) -> None:
        """Write the card. Training does this last, so a folder with a card is complete."""
        write_atomically(folder / CARD, json_bytes(asdict(self)), "give --out or set REPALIGN_HOME")
