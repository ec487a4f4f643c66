"""Checks of parallel text before any model reads it: duplicates, copies, wrong scripts, odd lengths."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from repalign.corpora.parallel import ParallelCorpus
from repalign.corpora.scripts import script

ODD_RATIO = 3.0
"""A length is odd if its ratio to the pivot's differs from the language's median ratio by more than this factor."""


FULL_WIDTH = re.compile("[\uff01-\uff5e]")
"""ASCII as wide as a Han character, such as the commas of Chinese."""


def normalise(sentence: str) -> str:
    """NFKC with runs of white space collapsed: equal results count as the same text."""
    if not sentence.isascii():
        # Full-width commas alone would make NFKC eight times slower: it is fast only on text that it leaves unchanged.
        narrow = FULL_WIDTH.sub(lambda match: chr(ord(match[0]) - 0xFEE0), sentence)
        sentence = unicodedata.normalize("NFKC", narrow)
    return " ".join(sentence.split())


def duplicate_groups(sentences: Mapping[str, Sequence[str]]) -> np.ndarray:
    """Group number of each row, int64 [sentence]; rows with the same text in some language share a group.

    Duplicates are indistinguishable: counting them as errors would halve a perfect score.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(next(iter(sentences.values())))
    links: list[tuple[int, int]] = []
    for rows in sentences.values():
        first: dict[str, int] = {}
        for row, sentence in enumerate(rows):
            origin = first.setdefault(normalise(sentence), row)
            if origin != row:
                links.append((origin, row))
    if not links:
        return np.arange(count)
    a, b = np.array(links).T
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def check(corpus: ParallelCorpus, pivot: str | None = None) -> dict[str, Any]:
    """The data manifest: counts by language, and the row numbers (from 1) of each finding.

    Args:
        corpus: the text to check.
        pivot: language the others are compared with; by default English, else the first.

    Returns:
        `{"sentences", "groups", "pivot", "languages": {code: {"duplicates", "copies", "wrong_script", "odd_length",
        "script", "characters"}}}`, where the first four are lists of row numbers.

    Raises:
        RepalignError: the pivot is not in the corpus.
    """
    pivot = pivot or ("en" if "en" in corpus.sentences else corpus.languages[0])
    reference = [normalise(sentence) for sentence in corpus.select([pivot]).sentences[pivot]]
    languages = {
        lang: _check_language(rows, reference, lang == pivot) for lang, rows in corpus.sentences.items()
    }
    groups = int(duplicate_groups(corpus.sentences).max()) + 1
    return {"sentences": len(corpus), "groups": groups, "pivot": pivot, "languages": languages}


def _check_language(sentences: Sequence[str], reference: Sequence[str], is_pivot: bool) -> dict[str, Any]:
    rows = [normalise(sentence) for sentence in sentences]
    seen: set[str] = set()
    duplicates = [number for number, row in enumerate(rows, 1) if row in seen or seen.add(row)]
    scripts = [script(row) for row in rows]
    usual = Counter(scripts).most_common(1)[0][0]
    ratio = np.array([len(row) / len(other) for row, other in zip(rows, reference, strict=True)])
    odd = np.abs(np.log(ratio / np.median(ratio))) > np.log(ODD_RATIO)
    copies = (
        []
        if is_pivot
        else [n for n, (row, other) in enumerate(zip(rows, reference, strict=True), 1) if row == other]
    )
    return {
        "duplicates": duplicates,
        "copies": copies,
        "wrong_script": [number for number, name in enumerate(scripts, 1) if name not in ("", usual)],
        "odd_length": (np.flatnonzero(odd) + 1).tolist(),
        "script": usual,
        "characters": float(np.mean([len(row) for row in rows])),
    }
