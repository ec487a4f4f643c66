"""Documents: sentences of one document share a topic, so they are resampled, shuffled and held out together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from repalign.corpora.cells import is_missing
from repalign.corpora.text_files import text_file
from repalign.errors import RepalignError

COLUMNS = ("doc", "doc_id", "docid", "document", "document_id", "url")
"""Names of the column that names the document of a row, in small or capital letters; the first of these is read."""

INDEPENDENT = "none"
"""In place of clusters: every sentence is independent of all others."""

Clusters: TypeAlias = "str | Path | int | Sequence[object] | np.ndarray"
"""What a caller may give for clusters: see `cluster_ids`."""


def document_column(names: Iterable[object]) -> str | None:
    """The column that names the document of each row, if there is one.

    >>> document_column(["URL", "en", "Doc_ID"]), document_column(["id", "en", "zh"])
    ('Doc_ID', None)
    """
    given = {str(name).casefold(): str(name) for name in names}
    return next((given[column] for column in COLUMNS if column in given), None)


def document_cells(rows: Iterable[Mapping[str, Any]], column: str | None) -> list[Any] | None:
    """The cells of the column that names documents; None without one, or if all of it is empty."""
    cells = [] if column is None else [row.get(column) for row in rows]
    return None if all(map(is_missing, cells)) else cells


def document_names(ids: Iterable[object]) -> tuple[str, ...]:
    """The name of each row's document. A row without an id is a document of its own."""
    return tuple(
        f"row {row}, which has no document" if is_missing(one) else str(one).strip()
        for row, one in enumerate(ids, start=1)
    )


def check_several(documents: Sequence[object] | np.ndarray | None, where: str) -> None:
    """Refuse documents that cannot serve as units of resampling.

    Args:
        documents: of each sentence; None if unknown.
        where: how the message refers to the sentences, e.g. "corpus 'ntrex'".

    Raises:
        RepalignError: there is only one.
    """
    if documents is not None and len({*documents}) == 1:
        raise RepalignError(
            f"{where}: all {len(documents)} sentences are of one document, so there is nothing to resample; give "
            f"sentences of more documents, or --clusters {INDEPENDENT}, which treats sentences as independent"
        )


def cluster_ids(clusters: Clusters, sentences: int) -> Sequence[object] | None:
    """An id for each sentence, the same for those that are not independent; None if all are independent.

    Args:
        clusters: a file with one id per line, ids, or a number K of consecutive sentences that belong together; "none"
            for independent sentences.
        sentences: number of sentences.

    Raises:
        RepalignError: another number of ids, one cluster only, a number below 1, or something else.
    """
    if isinstance(clusters, str) and clusters.strip().casefold() == INDEPENDENT:
        return None
    if isinstance(clusters, str) and clusters.strip().isdecimal():
        clusters = int(clusters)
    if isinstance(clusters, (int, np.integer)) and not isinstance(clusters, bool):
        if clusters < 1:
            raise RepalignError(f"clusters of {clusters} sentences; give a whole number from 1")
        ids: Sequence[object] = [row // int(clusters) for row in range(sentences)]
    elif isinstance(clusters, (str, Path)):
        ids = _in_file(Path(clusters).expanduser(), sentences)
    elif isinstance(clusters, (Sequence, np.ndarray)):
        ids = list(clusters)
    else:
        raise RepalignError(f"clusters are {EXPECTED}; got {type(clusters).__name__}")
    if len(ids) != sentences:
        raise RepalignError(
            f"the clusters of {len(ids)} sentences are given for {sentences}; give one id for each sentence of the corpus"
        )
    check_several(document_names(ids), "clusters")
    return ids


EXPECTED = f"a file with one id per line, a number of consecutive sentences, or {INDEPENDENT!r}"


def _in_file(path: Path, sentences: int) -> list[str]:
    if not path.is_file():
        raise RepalignError(f"no file {path}; --clusters takes {EXPECTED}")
    return without_blank_end(list(text_file(path).lines()), sentences)


def without_blank_end(ids: list[str], sentences: int) -> list[str]:
    """Ids without blank lines after the last sentence."""
    return ids[:sentences] if all(map(is_missing, ids[sentences:])) else ids
