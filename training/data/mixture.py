"""The mixture: which sources, in which languages, how much of each.

A mixture is a sum of terms, `[weight*]source_languages[[start:end]]`:

    alpaca_en+alpaca_zh+translation_en-zh[0:100000]     as in the paper's code
    0.1*translation_*-*[0:20000]                        a tenth of that, for every ordered pair of languages
    tasks_{en,zh}                                       one term each

A slice is taken in the order of the source; a weight below 1 samples a random part of the slice, one above 1
repeats items. A temperature above 1 evens out the parts: their sizes n become proportional to
n^(1/temperature), and their total does not change.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from repalign import RepalignError

from .items import Item, Part

_TERM = re.compile(
    r"(?:(?P<weight>\d*\.?\d+)\*)?(?P<source>[A-Za-z][A-Za-z0-9-]*)_(?P<languages>[^\[\]]+)"
    r"(?:\[(?P<start>\d*):(?P<end>\d*)\])?"
)
_LANGUAGES = re.compile(
    r"(\*|\{[^{}]+\}|[A-Za-z]+(?:_[A-Za-z]+)?)(?:-(\*|\{[^{}]+\}|[A-Za-z]+(?:_[A-Za-z]+)?))?"
)

COLDEST = 0.1
"""Smallest temperature: already there the largest part is nearly everything, and below it powers overflow."""


@dataclass(frozen=True)
class Term:
    """One source in one language or language pair, and how much of it."""

    source: str
    languages: tuple[str, ...]
    weight: float = 1.0
    start: int = 0
    end: int | None = None

    @property
    def name(self) -> str:
        slice_ = f"[{self.start}:{'' if self.end is None else self.end}]" if (self.start or self.end) else ""
        weight = f"{self.weight:g}*" if self.weight != 1 else ""
        return f"{weight}{self.source}_{'-'.join(self.languages)}{slice_}"


def parse_mixture(text: str, languages: Sequence[str]) -> list[Term]:
    """The terms of a mixture.

    Args:
        languages: what `*` stands for; a translation from a language into itself is left out.

    Raises:
        RepalignError: a term that cannot be parsed, or one that occurs twice.
    """
    terms: list[Term] = []
    for part in re.split(r"\+", re.sub(r"\s+", "", text)):
        match = _TERM.fullmatch(part)
        spelled = _LANGUAGES.fullmatch(match["languages"]) if match else None
        if not match or not spelled:
            raise RepalignError(
                f"mixture term {part!r} is not understood; write source_language or source_from-to with an "
                "optional slice and weight, e.g. alpaca_en + 0.5*translation_en-zh[0:100000]"
            )
        start, end = int(match["start"] or 0), int(match["end"]) if match["end"] else None
        if end is not None and end <= start:
            raise RepalignError(f"the slice of mixture term {part!r} is empty")
        weight = float(match["weight"] or 1)
        if not weight:
            raise RepalignError(f"the weight of mixture term {part!r} is 0; leave the term out")
        combinations = _combinations(spelled, languages, part)
        terms += [Term(match["source"], codes, weight, start, end) for codes in combinations]
    names = [(term.source, term.languages, term.start, term.end) for term in terms]
    for term, name in zip(terms, names, strict=True):
        if names.count(name) > 1:
            raise RepalignError(f"mixture term {term.name!r} occurs twice; give it a weight instead")
    return terms


def _combinations(spelled: re.Match[str], languages: Sequence[str], part: str) -> list[tuple[str, ...]]:
    sides = [_choices(side, languages, part) for side in spelled.groups() if side]
    return [codes for codes in product(*sides) if len(set(codes)) == len(codes)]


def _choices(side: str, languages: Sequence[str], part: str) -> Sequence[str]:
    if side != "*":
        return side.strip("{}").split(",")
    if not languages:
        raise RepalignError(f"mixture term {part!r} uses *, but the recipe lists no languages")
    return languages


def sizes(terms: Sequence[Term], counts: Sequence[int], temperature: float) -> list[int]:
    """The number of items that each term contributes.

    Args:
        counts: items in the source of each term.

    Raises:
        RepalignError: a slice past the end of its source, or a temperature near 0.
    """
    if not temperature >= COLDEST:
        raise RepalignError(f"temperature should be at least {COLDEST}, not {temperature}")
    unscaled = []
    for term, count in zip(terms, counts, strict=True):
        end = count if term.end is None else term.end
        if end > count or term.start >= count:
            raise RepalignError(
                f"mixture term {term.name!r} reaches past the end: its source has {count} items"
            )
        unscaled.append(term.weight * (end - term.start))
    flattened = [size ** (1 / temperature) for size in unscaled]
    scale = sum(unscaled) / sum(flattened)
    return [round(size * scale) for size in flattened]


def draw(
    term: Term, source: Sequence[Item], size: int, seed: int, accepts: Callable[[Item], bool] = bool
) -> Part:
    """`size` items of the term's slice: all of it as many times as it fits, and a random sample for the rest.

    Args:
        accepts: whether to keep an item; called once for each.
    """
    end = len(source) if term.end is None else term.end
    whole, rest = divmod(size, end - term.start)
    chosen = [*range(term.start, end)] * whole
    chosen += random.Random(f"{seed} {term.name}").sample(range(term.start, end), rest)
    kept = {index: item for index in dict.fromkeys(chosen) if accepts(item := source[index])}
    return Part(term.name, tuple(kept[index] for index in chosen if index in kept))
