"""How similar a language is to the pivot before training, and whether that predicts the gain from its data.

The paper calls gamma a language's similarity with English without defining it; here are two measures of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from repalign import Checkpoint, ParallelCorpus, RepalignError, extract, profile
from repalign.corpora.language_choice import find_language
from repalign.statistics import shuffled_p, spearman

EXACT = 8
"""Number of languages up to which all permutations are tried."""


def similarities(
    checkpoint: Checkpoint, corpus: ParallelCorpus, pivot: str = "en"
) -> dict[str, dict[str, float]]:
    """Similarity of each language of a corpus with the pivot, in [0, 1], by definition:

    - "representation": debiased CKA of the checkpoint's states, the mean over layers, at least 0;
    - "tokens": overlap of the token distributions, sum over tokens of min(p, q), i.e. 1 minus their total variation
      distance.

    Raises:
        RepalignError: the corpus lacks the pivot, or the checkpoint cannot be read.
    """
    pivot = find_language(pivot, corpus.languages, f"in corpus {corpus.name!r}, to compare with")
    states = extract(checkpoint, corpus, dtype="float32")
    table = profile(states, pivot=pivot, metrics=["cka"], variants=["raw"], permutations=0, draws=2).table
    table = table[table["source"] == pivot]
    shapes = table.groupby("target")["value"].mean().clip(lower=0)
    shares = {language: _shares(rows) for language, rows in states.token_ids.items()}
    others = [language for language in corpus.languages if language != pivot]
    return {
        "representation": {language: float(shapes[language]) for language in others},
        "tokens": {language: _overlap(shares[pivot], shares[language]) for language in others},
    }


def _shares(rows: Iterable[Iterable[int]]) -> dict[int, float]:
    counts = Counter(int(token) for row in rows for token in row)
    return {token: count / counts.total() for token, count in counts.items()}


def _overlap(first: Mapping[int, float], second: Mapping[int, float]) -> float:
    return sum(min(share, second.get(token, 0.0)) for token, share in first.items())


class Association(NamedTuple):
    """Spearman's correlation, and the share of permutations of the languages with one at least as far from 0."""

    correlation: float
    p: float
    languages: int


def association(
    similarity: Mapping[str, float], coefficient: Mapping[str, float], draws: int = 10_000, seed: int = 0
) -> Association:
    """Whether a similarity predicts a fitted coefficient, by permutation of the languages.

    All permutations are tried up to 8 languages, else random ones. With n languages p cannot be below 2/n!, so that with
    three no association can be significant.

    Raises:
        RepalignError: fewer than three languages have both.
    """
    common = [language for language in coefficient if language in similarity]
    if len(common) < 3:
        raise RepalignError(f"a correlation needs at least 3 languages, not {len(common)}")
    a, b = (np.array([values[language] for language in common]) for values in (similarity, coefficient))
    correlation = float(spearman(a[None], b[None])[0])
    p = float("nan") if np.isnan(correlation) else shuffled_p(a, b, correlation, draws, seed, EXACT)
    return Association(correlation, p, len(common))
