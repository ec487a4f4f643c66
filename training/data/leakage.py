"""Text for analysis that training has seen makes alignment look better than it is: count it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence

from repalign.corpora.checks import normalise
from repalign.corpora.parallel import ParallelCorpus
from repalign.errors import RepalignError
from training.data.filters import Filters
from training.data.items import Item

RUN = 8
"""Words in a row that two texts have to share to count as overlapping; twice as many characters where no
spaces are written. A shorter sentence has to occur whole."""

UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
"""Thai, Lao, Kana and Han."""


def runs(text: str) -> Iterator[tuple[str, ...]]:
    """Every run of words of a text, or the whole of a shorter one."""
    text = normalise(text).casefold()
    words, length = text.split(), RUN
    if 2 * len(UNSPACED.findall(text)) > len(text):
        words, length = list(text.replace(" ", "")), 2 * RUN
    yield from (tuple(words[start : start + length]) for start in range(max(len(words) - length, 0) + 1))


def leaked(corpus: ParallelCorpus, items: Iterable[Item]) -> dict[str, list[str]]:
    """The sentences of each language that share a run of words with an item's instruction, input or output."""
    wanted: dict[tuple[str, ...], list[tuple[str, int]]] = {}
    for language in corpus.languages:
        for index, sentence in enumerate(corpus.sentences[language]):
            for run in runs(sentence):
                wanted.setdefault(run, []).append((language, index))
    found: set[tuple[str, int]] = set()
    for item in items:
        for text in (item.instruction, item.input, item.output):
            for run in runs(text):
                found.update(wanted.get(run, ()))
    seen = sorted(found)
    return {
        language: [corpus.sentences[language][index] for where, index in seen if where == language]
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
