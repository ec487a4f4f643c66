"""Files that name the document of each line of parallel files: NTREX's, those of FLORES, and documents.txt."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from repalign.corpora.documents import document_cells, document_column, without_blank_end
from repalign.corpora.layouts import splits_of
from repalign.corpora.tables import read_rows
from repalign.corpora.text_files import TextFile, files_named
from repalign.errors import RepalignError

PLAIN, NTREX = "documents.txt", "DOCUMENT_IDS.tsv"
"""Files with one id per line."""

NTREX_LINES = re.compile(r"newstest\d+-")
"""The beginning of the names of NTREX's files."""


def documents_beside(
    files: Mapping[str, TextFile], others: Sequence[TextFile], folder: Path, sentences: int
) -> Sequence[object] | None:
    """The document of each sentence, from a file beside those of the languages; None without one.

    NTREX and FLORES publish theirs one folder above their text; there it is found even if only the folder of the text
    is given.

    Args:
        files: language -> its lines.
        others: all files of the folder or archive, these among them.
        folder: the folder, or the archive.
        sentences: number of sentences in `files`, which may end in further blank lines.

    Raises:
        RepalignError: documents of another number of sentences, or a damaged file.
    """
    first = next(iter(files.values()))
    file = _file(first, others, folder)
    if file is None:
        return None
    if file.name.endswith((PLAIN, NTREX)):
        ids: Sequence[object] | None = without_blank_end([line.strip() for line in file.lines()], sentences)
    else:
        rows = [row for _, row in read_rows(file)]
        ids = document_cells(rows, document_column(rows[0] if rows else ()))
    if ids is not None and len(ids) != sentences:
        if len(ids) == sum(
            1 for _ in first.lines()
        ):  # the blank lines at the end of the text are no sentences
            return ids[:sentences]
        raise RepalignError(
            f"{file.where} names the documents of {len(ids)} sentences, and {first.where} has {sentences}; give one for "
            "each line, or remove the file"
        )
    return ids


def _file(first: TextFile, others: Sequence[TextFile], folder: Path) -> TextFile | None:
    """The file of documents: the one in the folder of the text before one above it."""
    inside = PurePosixPath(first.name).parent
    metadata = [f"metadata_{split}.tsv" for split in splits_of([first])]
    above = [NTREX] * bool(NTREX_LINES.match(PurePosixPath(first.name).name)) + metadata
    found = {file.name: file for file in others}
    places = [str(inside / name) for name in (PLAIN, NTREX, *metadata)]
    if inside != PurePosixPath():
        places += [str(inside.parent / name) for name in above]
    elif folder.is_dir():
        parent = folder.resolve().parent
        outside = [file for name in above for file in files_named(parent / PurePosixPath(name).stem)]
        found |= {f"../{file.name}": file for file in outside}
        places += [f"../{name}" for name in above]
    return next((found[place] for place in places if place in found), None)
