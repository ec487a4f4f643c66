"""Consistency: whether a checkpoint gives the same answer to the same question in two languages.

Answers in two languages cannot be compared letter by letter. But references are parallel: each answer is taken
for the reference of its own language that it matches best, any question's, and two answers are the same where
they are taken for the same question's reference. So the same wrong answer counts as the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from repalign.evaluation.items import Item
from repalign.evaluation.squad import mlqa_tokens
from repalign.statistics import wilson

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array

MIN_OVERLAP = 0.5
"""Overlap of words (Dice) below which an answer matches no reference."""


def taken_for(answers: Sequence[str], items: Sequence[Item]) -> np.ndarray:
    """Which references an answer matches best, ties all: bool [answer, reference]; none where all are below `MIN_OVERLAP`."""
    language = items[0].language
    said = [set(mlqa_tokens(answer, language)) for answer in answers]
    right = [set(mlqa_tokens(item.references[0], language)) for item in items]
    places = {word: column for column, word in enumerate(sorted(set().union(*said, *right)))}
    shared = (_bags(said, places) @ _bags(right, places).T).toarray()
    sizes = np.add.outer([len(words) for words in said], [len(words) for words in right])
    dice = np.divide(2 * shared, sizes, out=np.zeros_like(shared), where=sizes > 0)
    best = dice.max(1, keepdims=True)
    return (dice >= best) & (best >= MIN_OVERLAP)


def _bags(texts: Sequence[set[str]], places: Mapping[str, int]) -> csr_array:
    """Which words each text has [text, word]."""
    from scipy.sparse import csr_array

    columns = [places[word] for words in texts for word in words]
    ends = np.cumsum([0, *map(len, texts)])
    return csr_array((np.ones(len(columns)), columns, ends), shape=(len(texts), len(places)))


def consistency(
    items: Mapping[str, Sequence[Item]],
    answers: Mapping[str, Sequence[str]],
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Share of questions that two languages answer the same, for every pair of languages.

    Chance is the share among answers to different questions paired at random; p is one-sided, from shuffling
    the questions of one language; `calibrated` is (value - chance) / (1 - chance).

    Args:
        items: of each language.
        answers: to them.
        draws: shuffles.
    """
    import pandas as pd

    generator = np.random.default_rng(seed)
    matched = {language: taken_for(answers[language], own) for language, own in items.items()}
    places = {lang: {item.id: row for row, item in enumerate(own)} for lang, own in items.items()}
    rows = []
    for one, other in combinations(items, 2):
        shared = [key for key in places[one] if key in places[other]]
        if len(shared) < 2:
            continue
        left, right = (_among(matched[lang], places[lang], shared) for lang in (one, other))
        same = (left @ right.T) > 0
        value, chance = float(same.diagonal().mean()), float(same.mean())
        n = len(shared)
        by_chance = [same[np.arange(n), generator.permutation(n)].mean() for _ in range(draws)]
        low, high = wilson(value, n)
        rows.append(
            {
                "language": one, "other": other, "value": value, "low": float(low), "high": float(high),
                "chance": chance, "calibrated": (value - chance) / (1 - chance) if chance < 1 else np.nan,
                "p": (1 + sum(draw >= value for draw in by_chance)) / (1 + draws), "items": n,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _among(matched: np.ndarray, places: Mapping[str, int], shared: Sequence[str]) -> np.ndarray:
    rows = [places[key] for key in shared]
    return matched[np.ix_(rows, rows)].astype(np.float32)
