"""The card that lies beside trained weights: how this checkpoint came to be."""

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
        """Write the card; the last thing training does, so that a folder with a card is a finished one."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1)
        temporary = folder / f".{CARD}.partial"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(folder / CARD)
