"""Consistency: whether a checkpoint gives the same answer to the same question in two languages.

Answers in two languages cannot be compared as strings. But references are parallel: each answer is matched to the
most similar reference of its language, of any question, and two answers agree if they are matched to the reference
of the same question. So the same wrong answer in two languages counts as agreement. Choices among the same answers agree if
they are the same choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from repalign.evaluation.clusters import Clusters
from repalign.evaluation.items import Item
from repalign.evaluation.squad import mlqa_tokens
from repalign.statistics import by_cluster, difference_p, effective_sentences, wilson

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array

MIN_OVERLAP = 0.5
"""Dice overlap of words below which an answer matches no reference."""


def matched_references(answers: Sequence[str], items: Sequence[Item]) -> np.ndarray:
    """The references each answer is most similar to, with ties: bool [answer, reference].

    A row is all False if every Dice overlap is below `MIN_OVERLAP`.
    """
    language = items[0].language
    answer_words = [set(mlqa_tokens(answer, language)) for answer in answers]
    reference_words = [set(mlqa_tokens(item.references[0], language)) for item in items]
    vocabulary = sorted(set().union(*answer_words, *reference_words))
    columns = {word: column for column, word in enumerate(vocabulary)}
    shared = (_bags(answer_words, columns) @ _bags(reference_words, columns).T).toarray()
    sizes = np.add.outer([len(words) for words in answer_words], [len(words) for words in reference_words])
    dice = np.divide(2 * shared, sizes, out=np.zeros_like(shared), where=sizes > 0)
    best = dice.max(1, keepdims=True)
    return (dice >= best) & (best >= MIN_OVERLAP)


def matched_choices(answers: Sequence[str], items: Sequence[Item]) -> np.ndarray:
    """The choice each answer is, by its place among the choices: bool [answer, choice]."""
    most = max(len(item.choices) for item in items)
    rows = [
        [choice == answer for choice in item.choices] + [False] * (most - len(item.choices))
        for item, answer in zip(items, answers, strict=True)
    ]
    return np.array(rows)


def _bags(texts: Sequence[set[str]], columns: Mapping[str, int]) -> csr_array:
    """Which words each text contains: 0 or 1, [text, word]."""
    from scipy.sparse import csr_array

    indices = [columns[word] for words in texts for word in words]
    ends = np.cumsum([0, *map(len, texts)])
    return csr_array((np.ones(len(indices)), indices, ends), shape=(len(texts), len(columns)))


def consistency(
    items: Mapping[str, Sequence[Item]],
    answers: Mapping[str, Sequence[str]],
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Share of questions with the same answer in two languages, for every pair of languages.

    Chance is the share of agreement over all pairs of questions; p is one-sided, from shuffling the questions of one
    language; `calibrated` is (value - chance) / (1 - chance). Where questions share paragraphs, p is from Student's t on
    paragraphs, and the interval as wide as that of as many independent questions as are worth the same.

    Args:
        items: by language.
        answers: by language, in the order of the items.
        draws: number of shuffles.
        seed: of the shuffles.

    Returns:
        language, other, value, low, high (Wilson, 95%), chance, calibrated, p, items; shares between 0 and 1.
    """
    import pandas as pd

    generator = np.random.default_rng(seed)
    together = Clusters.of(items)
    chosen = all(item.choices for questions in items.values() for item in questions)
    match = matched_choices if chosen else matched_references
    matched = {lang: match(answers[lang], questions) for lang, questions in items.items()}
    row_of = {lang: {item.id: row for row, item in enumerate(questions)} for lang, questions in items.items()}
    rows = []
    for one, other in combinations(items, 2):
        shared = [key for key in row_of[one] if key in row_of[other]]
        if len(shared) < 2:
            continue
        rows_of = [[row_of[lang][key] for key in shared] for lang in (one, other)]
        left, right = (
            matched[lang][rows if chosen else np.ix_(rows, rows)].astype(np.float32)
            for lang, rows in zip((one, other), rows_of, strict=True)
        )
        same = (left @ right.T) > 0
        value, chance = float(same.diagonal().mean()), float(same.mean())
        n = len(shared)
        clusters = together.numbers(shared) if together else None
        if clusters is None:
            shuffled = [same[np.arange(n), generator.permutation(n)].mean() for _ in range(draws)]
            p = (1 + sum(draw >= value for draw in shuffled)) / (1 + draws)
        else:
            p = _p_by_cluster(same, clusters)
        low, high = wilson(value, effective_sentences(same.diagonal() - value, clusters))
        rows.append(
            {
                "language": one, "other": other, "value": value, "low": float(low), "high": float(high),
                "chance": chance, "calibrated": (value - chance) / (1 - chance) if chance < 1 else np.nan,
                "p": p, "items": n,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _p_by_cluster(same: np.ndarray, clusters: np.ndarray) -> float:
    """One-sided p of no more agreement on the same question than on any two.

    Args:
        same: whether the answers to one question and another agree, bool [question, question].
        clusters: int [question].
    """
    difference = same.diagonal().mean(keepdims=True) - same.mean()
    influence = same.diagonal() - same.mean(0) - same.mean(1)
    with np.errstate(divide="ignore", invalid="ignore"):  # NaN with one cluster only
        p = float(difference_p(difference, by_cluster((influence - influence.mean())[None], clusters))[0])
    return p / 2 if difference[0] > 0 else 1 - p / 2
