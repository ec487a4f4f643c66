"""The card stored with trained weights: how the checkpoint was made."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from repalign.errors import RepalignError

CARD = "repalign.json"
CARD_SCHEMA = 1


@dataclass(frozen=True)
class Card:
    """Metadata that training writes and analysis reads (`repalign.json`).

    Attributes:
        name: e.g. "m-llama".
        recipe: the effective recipe, including overrides.
        recipe_digest: SHA-256 of the recipe; identifies the run of a finished folder.
        parent: the checkpoint it was tuned from, or None if trained from scratch.
        template: the prompt frame it was tuned with (see `repalign.models.templates`).
        mixture: one entry per source: name, items, tokens, digest.
        seed, steps, tokens: of the run; `tokens` counts all tokens seen.
        losses: e.g. {"first": 6.1, "last": 0.4, "held_out": 0.5}, in nats per token.
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
    losses: dict[str, float]
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
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values.get("schema", 0) > CARD_SCHEMA:
                raise RepalignError(
                    f"{path} has schema {values['schema']}, this repalign reads {CARD_SCHEMA}; upgrade repalign"
                )
            return cls(**{f.name: values[f.name] for f in fields(cls)})
        except (ValueError, KeyError, AttributeError) as error:
            raise RepalignError(
                f"{path} is not a checkpoint card ({error}); train again or delete it"
            ) from error

    def write(self, folder: Path) -> None:
        """Write the card. Training does this last, so a folder with a card is complete."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1)
        temporary = folder / f".{CARD}.partial"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(folder / CARD)
