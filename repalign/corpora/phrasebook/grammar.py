"""The language-neutral grammar: meanings, their patterns, and the fixed sample and split."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, total_ordering
from typing import Any, Literal

from repalign.corpora.phrasebook.selection import TENSES, options
from repalign.errors import unknown

Slot = Any
"""A value from the inventory of the slot; None in patterns without the slot, which never read it."""

PATTERNS = {
    "act": ["polarity", "agent", "partner", "verb", "object", "number", "adjective", "place", "time"],
    "give": ["polarity", "agent", "recipient", "verb", "object", "number", "adjective", "time"],
    "go": ["polarity", "agent", "partner", "verb", "vehicle", "source", "goal", "time"],
    "place": ["polarity", "object", "number", "adjective", "landmark", "relation", "place", "time"],
    "want": ["polarity", "agent", "verb", "object", "number", "adjective", "place", "time"],
    "errand": ["agent", "verb", "object", "number", "adjective", "goal", "time"],
}
_DRAWS = {"act": 14_000, "give": 8_000, "go": 6_000, "place": 7_000, "want": 5_000, "errand": 4_000}


@total_ordering
@dataclass(frozen=True)
class Meaning:
    """Meaning of a sentence in language-neutral identifiers; slots that its pattern lacks are None.

    Meanings sort by their key, which is `str(meaning)`.
    """

    pattern: str
    polarity: str = "positive"
    agent: Slot = None
    partner: Slot = None
    verb: Slot = None
    object: Slot = None
    number: Slot = None
    adjective: Slot = None
    recipient: Slot = None
    landmark: Slot = None
    relation: Slot = None
    place: Slot = None
    vehicle: Slot = None
    source: Slot = None
    goal: Slot = None
    time: Slot = None

    def __str__(self) -> str:
        return " ".join(f"{slot}={value}" for slot, value in vars(self).items() if value is not None)

    def __lt__(self, other: Meaning) -> bool:
        return str(self) < str(other)

    @property
    def negative(self) -> bool:
        """Whether the sentence is negated."""
        return self.polarity == "negative"

    @property
    def head(self) -> str:
        """The verb that carries tense and agreement."""
        return {"want": "want", "errand": "go"}.get(self.pattern) or self.verb

    @property
    def tense(self) -> str:
        """The tense of the head verb: past, now (in progress), habitual or future."""
        if self.pattern == "want":
            return "habitual"
        if self.time is None:
            return "now" if self.pattern == "place" else "past"
        return TENSES[self.time]


def digest(text: str) -> int:
    """The first 20 bytes of a text's SHA-256 as a number below 2**160, the same in every process."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:20], "big")


def _draw(pattern: str, index: int) -> Meaning:
    values: dict[str, Slot] = {"pattern": pattern}
    number = digest(f"draw {pattern} {index}")
    for slot in PATTERNS[pattern]:
        choices = options(slot, values)
        number, choice = divmod(number, len(choices))
        values[slot] = choices[choice]
    return Meaning(**values)


def is_sensible(meaning: Meaning) -> bool:
    """Whether the grammar can produce a meaning: every slot has a value that the slots before it allow."""
    values = vars(meaning)
    return all(values[slot] in options(slot, values) for slot in PATTERNS[meaning.pattern])


def variant(meaning: Meaning) -> Meaning:
    """A sensible meaning that differs from `meaning` in exactly one filled slot, always the same for one meaning."""
    values, attempt = vars(meaning), 0
    slots = [slot for slot in PATTERNS[meaning.pattern] if values[slot] is not None]
    while True:
        number, slot = divmod(digest(f"variant {attempt} {meaning}"), len(slots))
        choices = options(slots[slot], values)
        value = choices[number % len(choices)]
        other = Meaning(**{**values, slots[slot]: value})
        # A training item must not contain a held-out sentence.
        leaks = _is_held_out(str(other)) and not _is_held_out(str(meaning))
        if value not in (None, values[slots[slot]]) and is_sensible(other) and not leaks:
            return other
        attempt += 1


def _is_held_out(key: str) -> bool:
    return digest(f"split {key}") % 20 == 0


def meanings(split: Literal["train", "held-out"]) -> tuple[Meaning, ...]:
    """The meanings of a split, mixed across patterns in a fixed order.

    The corpus is a fixed sample of all that the grammar can express; one twentieth of it, by the digest of the
    meaning, is held out.

    Args:
        split: "train" or "held-out".

    Raises:
        RepalignError: no such split.
    """
    if split not in _sample():
        raise unknown("split of the phrasebook", split, _sample())
    return _sample()[split]


@cache
def _sample() -> dict[str, tuple[Meaning, ...]]:
    drawn = (_draw(pattern, index) for pattern, draws in _DRAWS.items() for index in range(draws))
    by_key = {str(meaning): meaning for meaning in drawn}
    splits: dict[str, list[Meaning]] = {"train": [], "held-out": []}
    for key in sorted(by_key, key=lambda key: digest(f"order {key}")):
        splits["held-out" if _is_held_out(key) else "train"].append(by_key[key])
    return {split: tuple(listed) for split, listed in splits.items()}
