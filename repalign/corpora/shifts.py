"""Rows that are not translations of each other: shifted, in another order, or swapped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from repalign.corpora.row_evidence import LEAST_ROWS, OFFSETS, REACH, Features, evidence, features

ALPHA = 0.001
"""Largest probability that aligned text has a finding: it sets what a change of the offset costs."""

EXCHANGE = 8.0
"""Evidence in nats for two rows in the other order, which one of 3,000 aligned pairs has by chance."""

MAX_REFERENCES = 4
"""Languages tried in place of a pivot that most others disagree with."""

NO_OFFSET = len(OFFSETS)
"""State of rows that fit at no offset; the states below it are those of `OFFSETS`."""


@dataclass(frozen=True)
class Misalignment:
    """Rows of two languages that are no translations of each other.

    Attributes:
        kind: "shift", "disorder" (the rows fit at no offset) or "swaps" (neighbours in the other order).
        language: whose rows they are.
        reference: language that they were compared with.
        rows: from 1, increasing; of swapped neighbours the first.
        offset: of a shift: row i + offset translates row i of the reference.
    """

    kind: str
    language: str
    reference: str
    rows: tuple[int, ...]
    offset: int = 0


def misalignments(sentences: Mapping[str, Sequence[str]], pivot: str) -> list[Misalignment]:
    """Rows that do not fit those of the pivot, by length and numbers: see `repalign.corpora.row_evidence`.

    Where most languages disagree with the pivot, the reference is the language that the fewest rows disagree with: then
    it is the pivot that is misaligned. Of two languages none is the right one.

    Args:
        sentences: language -> rows.
        pivot: one of the languages.
    """
    if len(sentences) < 2 or len(sentences[pivot]) < LEAST_ROWS:
        return []
    languages, rows = list(sentences), features(sentences)
    found = _against(rows, languages, pivot)
    misaligned = {one.language for one in found}
    if len(misaligned) > max(1, (len(languages) - 1) / 2):
        references = [language for language in languages if language != pivot][:MAX_REFERENCES]
        by_reference = [found, *(_against(rows, languages, reference) for reference in references)]
        found = min(by_reference, key=lambda of_one: sum(len(one.rows) for one in of_one))
    return found


def _against(rows: Features, languages: Sequence[str], reference: str) -> list[Misalignment]:
    others = [language for language in languages if language != reference]
    fit, unrelated = evidence(rows, languages.index(reference), [languages.index(one) for one in others])
    states = best_states(fit)
    states[:, unrelated] = NO_OFFSET
    return [
        finding
        for place, language in enumerate(others)
        for finding in _findings(language, reference, states[:, place], fit[:, place])
    ]


def best_states(fit: np.ndarray) -> np.ndarray:
    """The most likely offset of each row, by the Viterbi algorithm.

    Args:
        fit: evidence for each offset, float [row, language, offset].

    Returns:
        Index of the offset, or `NO_OFFSET`, int64 [row, language].
    """
    count, languages, _ = fit.shape
    fit = np.concatenate([fit, np.zeros_like(fit[..., :1])], axis=-1)
    cost = np.log(fit.size / ALPHA)
    score = np.where(np.arange(fit.shape[-1]) == REACH, 0.0, -cost) + fit[0]
    previous = np.empty(fit.shape, dtype=np.int8)
    stay = np.arange(fit.shape[-1], dtype=np.int8)
    for row in range(1, count):
        changed = score.max(axis=-1, keepdims=True) - cost
        best = score.argmax(axis=-1, keepdims=True)
        previous[row] = np.where(changed > score, best, stay)
        score = np.maximum(score, changed) + fit[row]
    states = np.empty((count, languages), dtype=np.int64)
    states[-1] = score.argmax(axis=-1)
    for row in range(count - 1, 0, -1):
        states[row - 1] = np.take_along_axis(previous[row], states[row, :, None], axis=-1)[:, 0]
    return states


def _findings(language: str, reference: str, states: np.ndarray, fit: np.ndarray) -> Iterator[Misalignment]:
    """
    Args:
        states: of the language's rows, int64 [row].
        fit: float32 [row, offset].
    """
    borders = np.flatnonzero(np.diff(states)) + 1
    for segment in np.split(np.arange(len(states)), borders):
        state = states[segment[0]]
        if state not in (REACH, NO_OFFSET):
            offset = OFFSETS[state]
            of_language = np.clip(segment + offset, 0, len(states) - 1)
            yield Misalignment("shift", language, reference, _numbers(np.unique(of_language)), offset)
    if (disordered := np.flatnonzero(states == NO_OFFSET)).size:
        yield Misalignment("disorder", language, reference, _numbers(disordered))
    neighbours, *further = [_exchanged(states, fit, distance) for distance in range(1, REACH + 1)]
    if len(neighbours) > 2 + 2 * max(map(len, further)):
        yield Misalignment("swaps", language, reference, _numbers(neighbours))


def _exchanged(states: np.ndarray, fit: np.ndarray, distance: int) -> np.ndarray:
    """Indices of rows that fit better if exchanged with the row at a distance, outside other findings."""
    here = fit[:, REACH]
    exchanged = fit[:-distance, REACH + distance] + fit[distance:, REACH - distance]
    aligned = (states[:-distance] == REACH) & (states[distance:] == REACH)
    return np.flatnonzero(aligned & (exchanged - here[:-distance] - here[distance:] > EXCHANGE))


def _numbers(indices: np.ndarray) -> tuple[int, ...]:
    return tuple((indices + 1).tolist())
