"""What is dropped on the way from a source to the model: counts and examples by reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

EMPTY = "empty"
DUPLICATE = "duplicate"
COPY = "copy of its source"
ODD_LENGTH = "odd length"
WRONG_SCRIPT = "wrong script"
HELD_OUT = "copy of a held-out item"
TOO_LONG = "too long"

REMEDIES = {
    EMPTY: "fill in the missing text",
    DUPLICATE: "allow it with filters.duplicates = true",
    COPY: "allow it with filters.identical = true",
    ODD_LENGTH: "raise filters.length_ratio (0: no limit)",
    WRONG_SCRIPT: "lower filters.script (0: no limit)",
    HELD_OUT: "lower train.held_out",
    TOO_LONG: "raise train.max_length, which leaves nothing of their answers",
}
"""Reason -> what to do if the data are right."""


@dataclass(frozen=True)
class Dropped:
    """Items that are not trained on.

    Attributes:
        counts: reason -> number of items.
        examples: reason -> the first of them, with its file and row.
    """

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def with_reason(self, reason: str, count: int, example: str) -> Dropped:
        """The same with `count` more items; unchanged for none."""
        if not count:
            return self
        return Dropped(self.counts + Counter({reason: count}), {reason: example, **self.examples})

    @property
    def by_reason(self) -> str:
        """In words, the most frequent reason first: "5 wrong script (e.g. a.json, object 3: ...), 3 empty (...)"."""
        return ", ".join(
            f"{count:,} {reason} (e.g. {self.examples[reason]})"
            for reason, count in self.counts.most_common()
        )
