"""Parallel corpora: built-in ones by name, and readers for custom ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from repalign.corpora.parallel import ParallelCorpus
from repalign.errors import RepalignError, unknown

__all__ = ["EMBEDDED", "CorpusLike", "ParallelCorpus", "as_corpus", "open_corpus"]

CorpusLike: TypeAlias = "str | Path | Mapping[str, Sequence[str]] | ParallelCorpus"
"""What a caller may give for a corpus: see `as_corpus`."""

EMBEDDED = {
    "everyday": "260 varied sentences in ar el en hi tr vi zh, written for this project (CC0); for any pre-trained model",
    "phrasebook": "200 held-out sentences of a compositional grammar in the same languages; test set of the demo family",
}
PHRASEBOOK_SENTENCES = 200


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
    """Open a corpus by name or location.

    Args:
        spec: the value of `--corpus`: a built-in name, a folder of `<language>.txt`, a TSV/JSONL/parquet file with
            language columns, or a hub data set in parquet (`owner/name[:config[:split]]`).
        languages: codes, in this order; by default all in the corpus.

    Raises:
        RepalignError: no such corpus, a language it does not have, or text that is not parallel.
    """
    from repalign.corpora import readers

    path = Path(spec).expanduser()
    if spec == "everyday":
        return readers.read_file(Path(__file__).parent / "data" / "everyday.tsv", languages)
    if spec == "phrasebook":
        return _phrasebook(languages)
    if path.is_dir():
        return readers.read_folder(path, languages)
    if path.is_file():
        return readers.read_file(path, languages)
    if spec.split(":")[0].count("/") == 1 and path.suffix not in readers.SUFFIXES and spec[0] not in "./~":
        return readers.read_hub(spec, languages)
    raise unknown("corpus", spec, EMBEDDED, "or give a folder of <language>.txt, a file or a hub data set")


def _phrasebook(languages: Sequence[str] | None) -> ParallelCorpus:
    from repalign.corpora.phrasebook import LANGUAGES, meanings, realise
    from repalign.corpora.readers import choose

    chosen = choose(dict.fromkeys(LANGUAGES), languages, "phrasebook")
    held_out = meanings("held-out")[:PHRASEBOOK_SENTENCES]
    return ParallelCorpus("phrasebook", {lang: [realise(m, lang) for m in held_out] for lang in chosen})
