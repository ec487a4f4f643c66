"""What is left out of training, and why."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass

from repalign.corpora.checks import normalise
from training.data.items import Item

SCRIPTS = {
    "ar": "ARABIC", "bg": "CYRILLIC", "bn": "BENGALI", "el": "GREEK", "fa": "ARABIC", "he": "HEBREW",
    "hi": "DEVANAGARI", "ja": "CJK", "ko": "HANGUL", "ru": "CYRILLIC", "ta": "TAMIL", "te": "TELUGU",
    "th": "THAI", "uk": "CYRILLIC", "ur": "ARABIC", "zh": "CJK",
}  # fmt: skip
"""Language to the first word of its letters' Unicode names; all others are taken to be in Latin letters."""

CHARACTERS_A_HAN = 3
"""A Han character says about as much as three letters."""


@dataclass(frozen=True)
class Filters:
    """The `[filters]` table: limits that an item has to keep.

    Attributes:
        length_ratio: most characters of a translation's longer side per character of the shorter; 0 is any.
        script: least share of an answer's letters that must be of its language's script; 0 is any.
        identical: whether a translation may equal its source.
        duplicates: whether the same item may stand twice, beyond the repeats that a weight asks for.
        protect: corpora for analysis (as for `--corpus`) whose text must not be trained on.
        leakage: largest share of their sentences that may share a run of words with the training text.
    """

    length_ratio: float = 0.0
    script: float = 0.0
    identical: bool = False
    duplicates: bool = False
    protect: tuple[str, ...] = ()
    leakage: float = 0.01


class ItemFilter:
    """Says of each item whether it keeps the limits, and counts what does not.

    Attributes:
        dropped: reason -> items.
    """

    def __init__(self, filters: Filters) -> None:
        self.filters = filters
        self.dropped: Counter[str] = Counter()
        self._seen: set[tuple[str, str, str]] = set()

    def accepts(self, item: Item) -> bool:
        reason = self._broken(item)
        if reason:
            self.dropped[reason] += 1
        return reason is None

    def _broken(self, item: Item) -> str | None:
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
        if limits.script and item.languages and own_script(item.output, item.languages[-1]) < limits.script:
            return "wrong script"
        return None


def own_script(text: str, language: str) -> float:
    """Share of the letters of `text` that are of the script of `language`; 1 for text without letters."""
    wanted = SCRIPTS.get(language.split("_")[0], "LATIN")
    also = ("HIRAGANA", "KATAKANA") if wanted == "CJK" else ()
    letters = [unicodedata.name(char, "?").split()[0] for char in text if char.isalpha()]
    return sum(name == wanted or name in also for name in letters) / len(letters) if letters else 1.0


def length_ratio(source: str, target: str) -> float:
    """Characters of the longer text per character of the shorter, Han characters counted thrice."""
    short, long = sorted(
        len(text) + (CHARACTERS_A_HAN - 1) * sum("\u4e00" <= char <= "\u9fff" for char in text)
        for text in (source, target)
    )
    return long / max(short, 1)
