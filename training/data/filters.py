"""Limits that a training item must satisfy."""

from __future__ import annotations

import re
from collections.abc import Iterable

from repalign import RepalignError
from repalign.corpora.checks import normalise
from repalign.corpora.scripts import share_in_script

from ..settings import Filters
from .dropped import COPY, DUPLICATE, ODD_LENGTH, REMEDIES, WRONG_SCRIPT
from .items import Item, Part

LETTERS_PER_HAN = 3
"""A Han character carries about as much text as three letters."""

HAN = re.compile("[\u4e00-\u9fff]+")


class ItemFilter:
    """Finds the items of a recipe that are beyond its limits."""

    def __init__(self, filters: Filters) -> None:
        self.filters = filters
        self._seen: set[Item] = set()

    def reason_to_drop(self, item: Item) -> str | None:
        """The limit that an item exceeds, or None; call once per item, since it also finds duplicates."""
        limits = self.filters
        if not limits.duplicates:
            if item in self._seen:
                return DUPLICATE
            self._seen.add(item)
        if len(item.languages) == 2 and item.input:
            if not limits.identical and normalise(item.input) == normalise(item.output):
                return COPY
            if limits.length_ratio and length_ratio(item.input, item.output) > limits.length_ratio:
                return ODD_LENGTH
        if (
            limits.script
            and item.languages
            and share_in_script(item.output, item.languages[-1]) < limits.script
        ):
            return WRONG_SCRIPT
        return None


def check_losses(parts: Iterable[Part], limit: float) -> None:
    """Refuse a part that loses too much, so that no language is left out unnoticed.

    Args:
        limit: largest share of its items that a part may lose.

    Raises:
        RepalignError: the part, its losses, and what to do.
    """
    for part in parts:
        if part.dropped.counts.total() > limit * part.read:
            ((reason, _),) = part.dropped.counts.most_common(1)
            raise RepalignError(
                f"{part.losses}; correct the data, or {REMEDIES[reason]}, or accept the loss with a filters.drop_limit "
                f"above {limit:g}"
            )


def length_ratio(source: str, target: str) -> float:
    """Characters of the longer text per character of the shorter, Han characters counted thrice."""
    lengths = _length(source), _length(target)
    return max(lengths) / max(min(lengths), 1)


def _length(text: str) -> int:
    if text.isascii():
        return len(text)
    return len(text) + (LETTERS_PER_HAN - 1) * sum(map(len, HAN.findall(text)))
