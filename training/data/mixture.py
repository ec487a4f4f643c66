"""The mixture: which sources, in which languages, how much of each.

A mixture is a sum of terms, `[weight*]source_languages[[start:end]]`:

    alpaca_en+alpaca_zh+translation_en-zh[0:100000]     as in the paper's code
    0.1*translation_*-*[0:20000]                        a tenth of that, for every ordered pair of languages
    tasks_{en,zh}                                       one term each
    translation_en-pt-BR, alpaca_zho_Hans, alpaca_zh-Hans-CN, {pt-BR}

Codes of several parts are understood if scripts and regions are spelled as usual, Hans and BR; any other code of a
language is written in braces: {zh-cn}.

A slice is taken in the order of the source; a weight below 1 samples a random part of the slice, one above 1
repeats items. A temperature above 1 evens out the parts: their sizes n become proportional to
n^(1/temperature), and their total does not change.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from repalign import RepalignError
from repalign.corpora.languages import is_code

from .dropped import EMPTY, Dropped
from .items import Item, Items, Part

_TERM = re.compile(
    r"(?:(?P<weight>\d*\.?\d+)\*)?(?P<source>[A-Za-z][A-Za-z0-9-]*)_(?P<languages>[^\[\]]+)"
    r"(?:\[(?P<start>\d*):(?P<end>\d*)\])?"
)
_SEGMENTS = re.compile(r"(?:\{[^{}]+\}|[^-{}])+")
"""What stands between hyphens outside braces."""

_SIDE = re.compile(r"\*|\{[^{}]+\}|[A-Za-z]+(_[A-Za-z0-9]+)*")
_SIDE_IN_PARTS = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
"""A code with hyphens, such as zh-Hans-CN: en-de is a pair, en-DE the English of Germany."""

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
        sides = _sides(match["languages"]) if match else []
        if not match or not sides:
            raise RepalignError(
                f"mixture term {part!r} is not understood; write source_language or source_from-to with an "
                "optional slice and weight, e.g. alpaca_en + 0.5*translation_en-zh[0:100000]; codes of several parts in "
                "braces, e.g. translation_en-{zh-cn}"
            )
        start, end = int(match["start"] or 0), int(match["end"]) if match["end"] else None
        if end is not None and end <= start:
            raise RepalignError(f"the slice of mixture term {part!r} is empty")
        weight = float(match["weight"] or 1)
        if not weight:
            raise RepalignError(f"the weight of mixture term {part!r} is 0; leave the term out")
        combinations = _combinations([_choices(side, languages, part) for side in sides])
        terms += [Term(match["source"], codes, weight, start, end) for codes in combinations]
    names = [(term.source, term.languages, term.start, term.end) for term in terms]
    for term, name in zip(terms, names, strict=True):
        if names.count(name) > 1:
            raise RepalignError(f"mixture term {term.name!r} occurs twice; give it a weight instead")
    return terms


def _sides(text: str) -> list[str]:
    """The one or two codes, stars or braces that a term names; none if it cannot be read.

    At most one way to read it is right, since only the first part of a code is in lower case.
    """
    segments = _SEGMENTS.findall(text)
    if "-".join(segments) != text:
        return []
    ways = [["-".join(segments[:cut]), "-".join(segments[cut:])] for cut in range(1, len(segments))]
    return next((way for way in ([text], *ways) if all(map(_is_side, way))), [])


def _is_side(text: str) -> bool:
    return bool(_SIDE.fullmatch(text) or (_SIDE_IN_PARTS.fullmatch(text) and is_code(text)))


def _combinations(sides: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
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
    term: Term,
    source: Items,
    size: int,
    seed: int,
    reason_to_drop: Callable[[Item], str | None] = lambda item: None,
) -> Part:
    """`size` items of the term's slice: all of it as many times as it fits, and a random sample for the rest.

    Args:
        reason_to_drop: why not to keep an item that has text, or None; called once for each.
    """
    end = len(source) if term.end is None else term.end
    whole, rest = divmod(size, end - term.start)
    chosen = [*range(term.start, end)] * whole
    chosen += random.Random(f"{seed} {term.name}").sample(range(term.start, end), rest)
    kept: dict[int, Item] = {}
    reasons: dict[int, str] = {}
    examples: dict[str, str] = {}
    for index in chosen:
        if index in kept or index in reasons:
            continue
        item = source[index]
        reason = EMPTY if source.is_empty(item) else reason_to_drop(item)
        if reason is None:
            kept[index] = item
        else:
            reasons[index] = reason
            examples.setdefault(reason, f"{source.where(index)}: {item}")
    dropped = Dropped(Counter(reasons[index] for index in chosen if index in reasons), examples)
    items = tuple(kept[index] for index in chosen if index in kept)
    return Part(term.name, items, source, len(chosen), dropped)
