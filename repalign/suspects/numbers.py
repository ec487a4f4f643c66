"""Numbers that one side of a pair has and the other has not: what a mean of states hardly shows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

NUMBER = re.compile(r"\d+(?:[.,٫٬'’\u00a0\u202f]\d+)*")
"""Digits of any script, with separators of thousands and decimals."""

HALF_DAY = 12
"""8 p.m. is 20:00."""


def numbers(sentence: str) -> list[str]:
    """The numbers of a sentence in Western digits, without separators.

    >>> numbers("१,२३४ or 1.2 million, 120万, in 2019")
    ['1234', '12', '120', '2019']
    """
    return [
        "".join(str(unicodedata.digit(one)) for one in match[0] if one.isdigit())
        for match in NUMBER.finditer(sentence)
    ]


def unmatched(a: Sequence[str], b: Sequence[str]) -> tuple[list[str], list[str]]:
    """The numbers of each side that have no partner on the other.

    >>> unmatched(["12", "8", "1995", "7"], ["120", "20", "95"])
    (['7'], [])

    Args:
        a, b: see `numbers`.
    """
    left, right = list(a), list(b)
    for agree in (str.__eq__, _scaled, _alike):
        for one in list(left):
            partner = next((other for other in right if agree(one, other)), None)
            if partner is not None:
                left.remove(one)
                right.remove(partner)
    if "".join(left) == "".join(right):  # 4-4 and 44
        return [], []
    return left, right


def _scaled(a: str, b: str) -> bool:
    """Whether numbers have the same significant digits: 1.2 million and 120万."""
    return a.strip("0") == b.strip("0")


def _alike(a: str, b: str) -> bool:
    """Whether numbers may be the same in another form: a year or a decade in two digits, an hour of the afternoon."""
    short, long = sorted((a, b), key=len)
    if len(long) >= 3 and len(short) >= 2 and long.endswith(short):
        return True
    return len(long) <= 2 and abs(int(a) - int(b)) == HALF_DAY


def differ(pivot: Sequence[str], other: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Whether both sides of each row have numbers, and whether each of them has one that the other lacks: bool [row] each.

    A number that one side alone lacks is written out more often than wrong, and counts for nothing.

    Args:
        pivot, other: sentences.
    """
    pairs = [(numbers(a), numbers(b)) for a, b in zip(pivot, other, strict=True)]
    return (
        np.array([bool(a and b) for a, b in pairs], dtype=bool),
        np.array([all(unmatched(a, b)) for a, b in pairs], dtype=bool),
    )
