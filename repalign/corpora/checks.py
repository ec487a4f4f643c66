"""Checks of parallel text before any model reads it: the data manifest."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import regex

from repalign.corpora.language_choice import default_pivot, find_language
from repalign.corpora.languages import script_of
from repalign.corpora.parallel import ParallelCorpus
from repalign.corpora.problems import NOTE, problems
from repalign.corpora.scripts import letters_by_script, share_in_script, share_in_system, writing_system
from repalign.corpora.shifts import misalignments
from repalign.progress import Phase

ODD_RATIO = 3.0
"""A length is odd if its ratio to the pivot's differs from the language's median ratio by more than this factor."""

NOT_WORDS = regex.compile(r"[^\p{L}\p{M}]+")


FULL_WIDTH = re.compile("[\uff01-\uff5e]")
"""ASCII as wide as a Han character, such as the commas of Chinese."""


def normalise(sentence: str) -> str:
    """NFKC with runs of white space collapsed: equal results count as the same text."""
    if not sentence.isascii():
        # Full-width commas alone would make NFKC eight times slower: it is fast only on text that it leaves unchanged.
        narrow = FULL_WIDTH.sub(lambda match: chr(ord(match[0]) - 0xFEE0), sentence)
        sentence = unicodedata.normalize("NFKC", narrow)
    return " ".join(sentence.split())


def letters_only(sentence: str) -> str:
    """Letters in lower case: equal for near-duplicates, which differ only in case, punctuation, digits or white space.

    Args:
        sentence: normalised.
    """
    return NOT_WORDS.sub("", sentence.casefold())


def duplicate_groups(sentences: Mapping[str, Sequence[str]]) -> np.ndarray:
    """Group number of each row, int64 [sentence]; rows with the same text in some language share a group.

    Duplicates are indistinguishable: counting them as errors would halve a perfect score.
    """
    return _groups({language: [normalise(row) for row in rows] for language, rows in sentences.items()})


def _groups(texts: Mapping[str, Sequence[str]]) -> np.ndarray:
    """
    Args:
        texts: normalised.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(next(iter(texts.values())))
    links: list[tuple[int, int]] = []
    for rows in texts.values():
        first: dict[str, int] = {}
        for row, sentence in enumerate(rows):
            origin = first.setdefault(sentence, row)
            if origin != row:
                links.append((origin, row))
    if not links:
        return np.arange(count)
    a, b = np.array(links).T
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def check(corpus: ParallelCorpus, pivot: str | None = None) -> dict[str, Any]:
    """The data manifest: a verdict, counts by language, and the row numbers (from 1) of each finding.

    Args:
        corpus: the text to check.
        pivot: language the others are compared with; by default English, else the first.

    Returns:
        `{"ok", "problems", "sentences", "groups", "documents", "pivot", "languages": {code: {"duplicates",
        "near_duplicates", "copies", "wrong_script", "odd_length", "script", "characters"}}}`, JSON types only: "ok" is
        whether no problem is more than a note (see `repalign.corpora.problems`); "documents" is their number, null if
        they are unknown; the first five of a language are lists of row numbers, "script" is the writing system by ISO
        15924.

    Raises:
        RepalignError: the pivot is not in the corpus.
    """
    where = f"corpus {corpus.name!r} has no other"
    pivot = find_language(pivot, corpus.languages, where) if pivot else default_pivot(corpus.languages)
    texts = {language: [normalise(row) for row in rows] for language, rows in corpus.sentences.items()}
    languages = {}
    with Phase(f"checking {corpus.name}", len(texts), "languages") as phase:
        for language, rows in texts.items():
            languages[language] = _check_language(language, rows, [] if language == pivot else texts[pivot])
            phase.update()
    with Phase(f"looking for shifted rows in {corpus.name}"):
        shifted = misalignments(corpus.sentences, pivot)
    found = problems(languages, shifted, same_text(texts), len(corpus), pivot)
    return {
        "ok": all(problem["severity"] == NOTE for problem in found),
        "problems": found,
        "sentences": len(corpus),
        "groups": int(_groups(texts).max()) + 1,
        "documents": None if corpus.documents is None else len({*corpus.documents}),
        "pivot": pivot,
        "languages": languages,
    }


def same_text(texts: Mapping[str, Sequence[str]]) -> dict[tuple[str, str], list[int]]:
    """Row numbers (from 1) at which two languages have the same text, for each two that share more than half."""
    numbers: dict[str, int] = {}
    ids = np.array([[numbers.setdefault(row, len(numbers)) for row in rows] for rows in texts.values()])
    codes = list(texts)
    shared = {}
    for first in range(len(codes)):
        same = ids[first + 1 :] == ids[first]
        for place in np.flatnonzero(same.mean(axis=1) > 0.5):
            shared[codes[first], codes[first + 1 + place]] = (np.flatnonzero(same[place]) + 1).tolist()
    return shared


def _check_language(language: str, rows: Sequence[str], pivot_rows: Sequence[str]) -> dict[str, Any]:
    """
    Args:
        language: its code.
        rows: normalised.
        pivot_rows: likewise; empty for the pivot itself.
    """
    duplicates = _repeated(rows)
    system, wrong = _scripts(language, rows)
    return {
        "duplicates": duplicates,
        "near_duplicates": sorted({*_repeated([letters_only(row) for row in rows])} - {*duplicates}),
        "copies": [n for n, (row, other) in enumerate(zip(rows, pivot_rows), 1) if row == other],  # noqa: B905
        "wrong_script": wrong,
        "odd_length": _odd_lengths(rows, pivot_rows),
        "script": system,
        "characters": float(np.mean([len(row) for row in rows])),
    }


def _repeated(rows: Sequence[str]) -> list[int]:
    """Numbers of rows that equal an earlier one and are not empty."""
    seen = {""}
    return [number for number, row in enumerate(rows, 1) if row and (row in seen or seen.add(row))]


def _scripts(language: str, rows: Sequence[str]) -> tuple[str, list[int]]:
    """The writing system, and the numbers of rows whose letters are mostly of others.

    The code decides, unless most rows are in another system.
    """
    system = script_of(language)
    shares = np.array([share_in_script(row, language) for row in rows])
    if not system or np.mean(shares >= 0.5) < 0.5:
        letters = [letters_by_script(row) for row in rows]
        usual = Counter(map(writing_system, filter(None, letters))).most_common(1)
        system = usual[0][0] if usual else ""
        shares = np.array([share_in_system(of_row, system) for of_row in letters])
    return system, (np.flatnonzero(shares < 0.5) + 1).tolist()


def _odd_lengths(rows: Sequence[str], pivot_rows: Sequence[str]) -> list[int]:
    if not pivot_rows:
        return []
    ratio = np.array([len(row) / len(other) for row, other in zip(rows, pivot_rows, strict=True)])
    return (np.flatnonzero(np.abs(np.log(ratio / np.median(ratio))) > np.log(ODD_RATIO)) + 1).tolist()
