"""Overlap of the training text with text for analysis, which would overestimate alignment."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Sequence
from functools import cache

import regex

from repalign import ParallelCorpus, RepalignError
from repalign.corpora.checks import normalise
from repalign.corpora.languages import SCRIPTS_WITHOUT_SPACES
from repalign.corpora.scripts import scripts_of

from ..settings import Filters
from .items import Item

RUN = 8
"""Consecutive words that two texts must share to count as overlapping; twice as many characters in scripts
without spaces. A shorter sentence must occur completely."""

Words = str | list[str]
"""A text as the units of runs: words, or characters in scripts without spaces."""


@cache
def _unspaced() -> regex.Pattern[str]:
    """Letters of the scripts that put no spaces between words."""
    scripts = {name for system in SCRIPTS_WITHOUT_SPACES for name in scripts_of(system)}
    return regex.compile("[" + "".join(f"\\p{{Script={name}}}" for name in sorted(scripts)) + "]+")


def runs(text: str) -> list[Hashable]:
    """Every run of words of a text, or all of a shorter text."""
    words, length = _words(text)
    return _windows(words, length, range(max(len(words) - length, 0) + 1))


def _words(text: str) -> tuple[Words, int]:
    """The words or characters of a text, and the length of a run of them."""
    text = normalise(text).casefold()
    if not text.isascii() and 2 * sum(map(len, _unspaced().findall(text))) > len(text):
        return text.replace(" ", ""), 2 * RUN
    return text.split(), RUN


def _windows(words: Words, length: int, starts: Iterable[int]) -> list[Hashable]:
    if isinstance(words, str):
        return [words[start : start + length] for start in starts]
    return [tuple(words[start : start + length]) for start in starts]


class Overlap:
    """Finds the sentences of a corpus that share a run with other text.

    A run always contains a whole one of the blocks, half as long, into which a text is divided from its beginning on. So
    most texts need no more than a look at their few blocks.
    """

    def __init__(self, corpus: ParallelCorpus) -> None:
        self._by_run: dict[Hashable, list[tuple[str, int]]] = {}
        self._blocks: set[Hashable] = set()
        for language in corpus.languages:
            for index, sentence in enumerate(corpus.sentences[language]):
                words, length = _words(sentence)
                half = length // 2
                self._blocks.update(_windows(words, half, range(len(words) - half + 1)))
                for run in runs(sentence):
                    self._by_run.setdefault(run, []).append((language, index))

    def sentences(self, text: str) -> list[tuple[str, int]]:
        """Language and index of each sentence that shares a run with a text, once for each run."""
        words, length = _words(text)
        half = length // 2
        if len(words) > length and self._blocks.isdisjoint(
            _windows(words, half, range(0, len(words) - half + 1, half))
        ):
            return []
        starts = range(max(len(words) - length, 0) + 1)
        return [found for run in _windows(words, length, starts) for found in self._by_run.get(run, ())]


def leaked(corpus: ParallelCorpus, items: Iterable[Item]) -> dict[str, list[str]]:
    """The sentences of each language that share a run of words with an item's instruction, input or output."""
    overlap = Overlap(corpus)
    overlapping: set[tuple[str, int]] = set()
    instructions: set[str] = set()  # few of them differ
    for item in items:
        if item.instruction not in instructions:
            instructions.add(item.instruction)
            overlapping.update(overlap.sentences(item.instruction))
        overlapping.update(overlap.sentences(item.input), overlap.sentences(item.output))
    ordered = sorted(overlapping)
    return {
        language: [corpus.sentences[language][index] for code, index in ordered if code == language]
        for language in corpus.languages
    }


def check_leakage(filters: Filters, items: Sequence[Item]) -> dict[str, float]:
    """Share of leaked sentences by protected corpus and language, e.g. {"everyday en": 0.0}.

    Raises:
        RepalignError: a share above the limit, with an example.
    """
    shares = {}
    for name in filters.protect:
        corpus = ParallelCorpus.named(os.path.expandvars(name))
        for language, seen in leaked(corpus, items).items():
            share = shares[f"{name} {language}"] = len(seen) / len(corpus)
            if share > filters.leakage:
                raise RepalignError(
                    f"{share:.1%} of the {language} sentences of {name} occur in the training data (limit "
                    f"{filters.leakage:.1%}), e.g. {seen[0]!r}; leave that data out, or raise filters.leakage"
                )
    return shares
