"""Limits that a training item must satisfy."""

from __future__ import annotations

import unicodedata
from collections import Counter

from repalign.corpora.checks import normalise

from ..settings import Filters
from .items import Item

SCRIPTS = {
    "ar": "ARABIC", "bg": "CYRILLIC", "bn": "BENGALI", "el": "GREEK", "fa": "ARABIC", "he": "HEBREW",
    "hi": "DEVANAGARI", "ja": "CJK", "ko": "HANGUL", "ru": "CYRILLIC", "ta": "TAMIL", "te": "TELUGU",
    "th": "THAI", "uk": "CYRILLIC", "ur": "ARABIC", "zh": "CJK",
}  # fmt: skip
"""Language to the first word of its letters' Unicode names; all others are assumed to be written in Latin letters."""

LETTERS_PER_HAN = 3
"""A Han character carries about as much text as three letters."""


class ItemFilter:
    """Accepts or drops items by the limits, and counts what it drops.

    Attributes:
        dropped: reason -> number of items.
    """

    def __init__(self, filters: Filters) -> None:
        self.filters = filters
        self.dropped: Counter[str] = Counter()
        self._seen: set[tuple[str, str, str]] = set()

    def accepts(self, item: Item) -> bool:
        """Whether the item is within all limits; call once per item, since it also finds duplicates."""
        reason = self._reason_to_drop(item)
        if reason:
            self.dropped[reason] += 1
        return reason is None

    def _reason_to_drop(self, item: Item) -> str | None:
        limits = self.filters
        if not limits.duplicates:
            text = item.instruction, item.input, item.output
            if text in self._seen:
                return "duplicate"
            self._seen.add(text)
        if len(item.languages) == 2 and item.input:
            if not limits.identical and normalise(item.input) == normalise(item.output):
                return "copy of its source"
            if limits.length_ratio and length_ratio(item.input, item.output) > limits.length_ratio:
                return "odd length"
        if (
            limits.script
            and item.languages
            and share_in_script(item.output, item.languages[-1]) < limits.script
        ):
            return "wrong script"
        return None


def share_in_script(text: str, language: str) -> float:
    """Share of the letters of `text` that belong to the script of `language`; 1 for text without letters."""
    script = SCRIPTS.get(language.split("_")[0], "LATIN")
    also = ("HIRAGANA", "KATAKANA") if script == "CJK" else ()
    letters = [unicodedata.name(char, "?").split()[0] for char in text if char.isalpha()]
    return sum(name == script or name in also for name in letters) / len(letters) if letters else 1.0


def length_ratio(source: str, target: str) -> float:
    """Characters of the longer text per character of the shorter, Han characters counted thrice."""
    short, long = sorted(
        len(text) + (LETTERS_PER_HAN - 1) * sum("\u4e00" <= char <= "\u9fff" for char in text)
        for text in (source, target)
    )
    return long / max(short, 1)
