"""Parallel corpora: built-in ones by name, and readers for custom ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from repalign.corpora.opening import EMBEDDED
from repalign.corpora.parallel import ParallelCorpus
from repalign.errors import RepalignError

__all__ = ["EMBEDDED", "CorpusLike", "ParallelCorpus", "as_corpus", "open_corpus"]

CorpusLike: TypeAlias = "str | Path | Mapping[str, Sequence[str]] | ParallelCorpus"
"""What a caller may give for a corpus: see `as_corpus`."""


def as_corpus(corpus: CorpusLike) -> ParallelCorpus:
    """A corpus from its name, folder, file or hub id (see `open_corpus`), or from sentences by language.

    Raises:
        RepalignError: nothing of that name, or something that is no corpus.
    """
    if isinstance(corpus, ParallelCorpus):
        return corpus
    if isinstance(corpus, (str, Path)):
        return open_corpus(str(corpus))
    if isinstance(corpus, Mapping):
        return ParallelCorpus(corpus)
    raise RepalignError(
        "a corpus is a name, a path, a mapping of language to sentences or a ParallelCorpus; "
        f"got {type(corpus).__name__}"
    )


def open_corpus(spec: str, languages: Sequence[str] | None = None) -> ParallelCorpus:
    """A corpus by name or location: see `repalign.corpora.opening.open_texts`."""
    return ParallelCorpus.named(spec, languages)
