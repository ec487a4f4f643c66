"""How well row i of one language fits row j of another, by length and numbers: no dictionary and no model is needed.

Evidence is a log-likelihood ratio in nats: translations of each other against rows that have nothing to do with each
other. Lengths of translations are correlated (Gale and Church 1993), here as normal scores, so that no ratio or variance
of a language need be known; numbers are the same in most. How much either says is estimated from the text itself.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

REACH = 10
"""Rows by which text is moved at most, either way."""

OFFSETS = range(-REACH, REACH + 1)

LEAST_ROWS = 30
"""Fewer rows say too little."""

BLOCK = 40
"""Rows from which the correlation of lengths is estimated, before it is known which rows belong together."""

UPPER = 0.9
"""Quantile of the blocks' correlations that stands for aligned text: blocks of misaligned text have the lower ones."""

WEAK = 0.6
"""Correlations below this are also reached by chance, as the largest over all offsets in a block."""

UNUSUAL = 0.5
"""Correlation that the lengths of translations nearly always exceed."""

STANDS_OUT = 1.25
"""Factor by which the correlation row by row exceeds the largest at another offset, however weak it is."""

LEAST_SPREAD = 0.5
"""Standard deviation of normal scores below which most rows have the same length, and lengths say nothing."""

DOUBT = 0.01
"""Share of translations of any length: bounds what a single row can say."""

NUMBER = re.compile(r"\d+")


class Features(NamedTuple):
    """What is compared of each row.

    Attributes:
        lengths: normal scores of the numbers of characters, float64 [row, language]; NaN where a row repeats an
            earlier one but for its numbers: sentences by one template are no further evidence.
        numbers: one bit of 64 for each number in the row, uint64 [row, language].
    """

    lengths: np.ndarray
    numbers: np.ndarray


def features(sentences: Mapping[str, Sequence[str]]) -> Features:
    """The features of a corpus, languages in its order."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    lengths = np.array([[len(row) for row in rows] for rows in sentences.values()]).T
    scores = ndtri(rankdata(lengths, axis=0) / (len(lengths) + 1))
    scores[np.array([_repeated(rows) for rows in sentences.values()]).T] = np.nan
    numbers = np.array([[_numbers(row) for row in rows] for rows in sentences.values()], dtype=np.uint64).T
    return Features(scores, numbers)


def _repeated(rows: Sequence[str]) -> list[bool]:
    seen: set[str] = set()
    return [text in seen or bool(seen.add(text)) for text in (NUMBER.sub("", row) for row in rows)]


def _numbers(sentence: str) -> int:
    """One bit for each number; digits of all scripts count alike, since int() reads them."""
    bits = 0
    for number in NUMBER.findall(sentence):
        bits |= 1 << zlib.crc32(b"%d" % int(number[:18])) % 64
    return bits


def evidence(rows: Features, pivot: int, others: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """How well each row of the pivot fits the rows around it in other languages.

    Args:
        rows: of all languages.
        pivot: index of a language.
        others: indices of the languages it is compared with.

    Returns:
        Evidence in nats, float32 [row, other, offset], that row i of the pivot and row i + offset of the other
        language are translations; 0 where there is no such row or a length is missing, and of languages with too few
        rows. And whether nothing fits, bool [other]: lengths agree no better row by row than at other offsets.
    """
    known = ~np.isnan(rows.lengths)
    known_x, known_y = known[:, [pivot]], known[:, others]
    x, y = np.nan_to_num(rows.lengths[:, [pivot]]), np.nan_to_num(rows.lengths[:, others])
    enough = (known_x & known_y).sum(axis=0) >= LEAST_ROWS
    correlations, offsets, unrelated = _agreement(x, y)
    by_offset = np.stack([_length_evidence(x, moved(y, offset), correlations) for offset in OFFSETS], axis=-1)
    a, b = rows.numbers[:, [pivot]], rows.numbers[:, others]
    ratios = _number_ratios(a, b, offsets)
    for place, offset in enumerate(OFFSETS):
        by_offset[..., place] += np.take_along_axis(ratios, _number_classes(a, moved(b, offset)), axis=0)
        by_offset[..., place] *= known_x & moved(known_y, offset) & enough
    return by_offset.astype(np.float32), unrelated & enough


def moved(values: np.ndarray, offset: int) -> np.ndarray:
    """Row i + offset in place of row i, and 0 where there is none."""
    result = np.zeros_like(values)
    inside = np.arange(max(0, -offset), min(len(values), len(values) - offset))
    result[inside] = values[inside + offset]
    return result


def _agreement(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Correlation of the lengths of translations [other], the offset at which each row's block fits best [row, other],
    and whether no offset stands out [other]."""
    count = len(x)
    starts = np.linspace(0, count, max(1, count // BLOCK) + 1).astype(int)
    by_block = np.stack([_correlations(x, moved(y, offset), starts[:-1]) for offset in OFFSETS])
    strongest = np.quantile(by_block.max(axis=0), UPPER, axis=0)
    best = np.repeat(by_block.argmax(axis=0) - REACH, np.diff(starts), axis=0)

    overall = np.stack([_correlations(x, moved(y, offset), np.array([0]))[0] for offset in OFFSETS])
    here, elsewhere = overall[REACH], np.delete(overall, REACH, axis=0).max(axis=0)
    varied = np.minimum(x.std(axis=0), y.std(axis=0)) > LEAST_SPREAD
    weak = strongest < WEAK
    unrelated = weak & varied & (here + 6 / np.sqrt(count) < UNUSUAL) & (here < STANDS_OUT * elsewhere)
    return np.clip(np.where(weak, here, strongest), 0, 0.99), best, unrelated


def _correlations(x: np.ndarray, y: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Of the rows from each start to the next, float64 [block, other]; 0 where all lengths are equal."""
    counts = np.diff([*starts, len(x)])[:, None]

    def mean(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values, starts) / counts

    covariance = mean(x * y) - mean(x) * mean(y)
    variances = (mean(x * x) - mean(x) ** 2) * (mean(y * y) - mean(y) ** 2)
    return covariance / np.sqrt(np.maximum(variances, 1e-12))


def _length_evidence(x: np.ndarray, y: np.ndarray, correlation: np.ndarray) -> np.ndarray:
    """Of two normal scores: their density if correlated, over that if independent."""
    free = 1 - correlation**2
    ratio = (2 * correlation * x * y - correlation**2 * (x * x + y * y)) / (2 * free) - np.log(free) / 2
    return np.logaddexp(np.log1p(-DOUBT) + ratio, np.log(DOUBT))


def _number_ratios(a: np.ndarray, b: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Evidence of each class of `_number_classes`, float64 [class, other]: its share of the rows that fit best by
    their lengths, over its share of rows far apart."""
    count = len(a)
    partner = np.clip(np.arange(count)[:, None] + offsets, 0, count - 1)
    fitting = _number_classes(a, np.take_along_axis(b, partner, axis=0))
    apart = [
        _number_classes(a, np.roll(b, step, axis=0))
        for step in np.linspace(count / 4, 3 * count / 4, 6).astype(int)
    ]
    return np.log(_shares(fitting)) - np.log(_shares(np.concatenate(apart)))


def _number_classes(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """0: neither row has a number, 1: one of them, 2: both, but other numbers, 3: both have the same one."""
    has_a, has_b = a != 0, b != 0
    return np.where(has_a & has_b, np.where(a & b, 3, 2), has_a ^ has_b)


def _shares(classes: np.ndarray) -> np.ndarray:
    """Of the four classes in each column, as if each had been seen once more."""
    counts = np.stack([(classes == one).sum(axis=0) for one in range(4)]) + 1
    return counts / counts.sum(axis=0)
