"""What a suspect probably is, guessed from its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

NEAR = 10
"""Rows within which the true partner is a neighbour: text that slipped."""

STRONG = 2.5
"""Robust standard deviations from which one piece of evidence explains a suspect."""

KINDS = ("shifted", "neighbour", "another row", "wrong language", "truncated", "longer", "number", "other")
"""Every guess, in the order of pages and tables."""


class Pieces(NamedTuple):
    """The evidence of one language, float64 [row] each; more is worse.

    Attributes:
        meaning: see `repalign.suspects.meaning`.
        length: standard deviations by which the text is longer than expected of its pivot; shorter is negative.
        number: of numbers that both sides lack, see `repalign.suspects.numbers`.
        language: of another language, see `repalign.suspects.other_language`.
    """

    meaning: np.ndarray
    length: np.ndarray
    number: np.ndarray
    language: np.ndarray

    @property
    def score(self) -> np.ndarray:
        """All pieces as one distance: the root of the sum of squares of what is worse than expected."""
        parts = (np.maximum(self.meaning, 0), self.length, self.number, self.language)
        return np.sqrt(np.sum(np.square(parts), axis=0))


def guesses(pieces: Pieces, fits: np.ndarray, suspected: np.ndarray) -> list[str]:
    """The probable kind of each row, one of `KINDS`.

    Args:
        pieces: the evidence.
        fits: the row that the text fits better, -1 for none: int64 [row].
        suspected: bool [row]; a suspect beside a suspect that slipped as far is shifted with it.
    """
    offsets = {int(row): int(fits[row] - row) for row in np.flatnonzero(suspected & (fits >= 0))}
    return [_guess(row, pieces, fits, offsets) for row in range(len(fits))]


def _guess(row: int, pieces: Pieces, fits: np.ndarray, offsets: Mapping[int, int]) -> str:
    meaning, length, number, language = (float(piece[row]) for piece in pieces)
    if language > 0:
        return "wrong language"
    if fits[row] >= 0 and meaning >= STRONG:
        offset = int(fits[row]) - row
        if abs(offset) > NEAR:
            return "another row"
        beside = (offsets.get(row - 1), offsets.get(row + 1))
        return "shifted" if offset in beside else "neighbour"
    if number > 0 and number >= abs(length):
        return "number"
    if abs(length) >= STRONG:
        return "truncated" if length < 0 else "longer"
    return "number" if number > 0 else "other"
