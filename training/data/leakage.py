"""Overlap of the training text with text for analysis, which would overestimate alignment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence

from repalign import ParallelCorpus, RepalignError
from repalign.corpora.checks import normalise

from ..settings import Filters
from .items import Item

RUN = 8
"""Consecutive words that two texts must share to count as overlapping; twice as many characters in scripts
without spaces. A shorter sentence must occur completely."""

UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
"""Thai, Lao, Kana and Han."""


def runs(text: str) -> Iterator[tuple[str, ...]]:
    """Every run of words of a text, or all of a shorter text."""
    text = normalise(text).casefold()
    words, length = text.split(), RUN
    if 2 * len(UNSPACED.findall(text)) > len(text):
        words, length = list(text.replace(" ", "")), 2 * RUN
    yield from (tuple(words[start : start + length]) for start in range(max(len(words) - length, 0) + 1))


def leaked(corpus: ParallelCorpus, items: Iterable[Item]) -> dict[str, list[str]]:
    """The sentences of each language that share a run of words with an item's instruction, input or output."""
    sentences_by_run: dict[tuple[str, ...], list[tuple[str, int]]] = {}
    for language in corpus.languages:
        for index, sentence in enumerate(corpus.sentences[language]):
            for run in runs(sentence):
                sentences_by_run.setdefault(run, []).append((language, index))
    overlapping: set[tuple[str, int]] = set()
    for item in items:
        for text in (item.instruction, item.input, item.output):
            for run in runs(text):
                overlapping.update(sentences_by_run.get(run, ()))
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
