"""Corpora by name or location."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from repalign.corpora.columns import Texts, from_rows
from repalign.corpora.document_files import documents_beside
from repalign.corpora.headerless import missing_header
from repalign.corpora.hub import hub_rows, is_hub_id
from repalign.corpora.language_choice import choose
from repalign.corpora.languages import is_code
from repalign.corpora.layouts import SPLITS, languages_in, table_in
from repalign.corpora.line_files import aligned_lines
from repalign.corpora.long_tables import from_tables, text_column
from repalign.corpora.tables import READERS, read_cells, read_rows, with_header
from repalign.corpora.text_files import TextFile, files_in, files_named, text_file
from repalign.errors import RepalignError, unknown
from repalign.privacy import folder_name

EMBEDDED = {
    "everyday": "260 varied sentences in ar el en hi tr vi zh, written for this project (CC0); for any pre-trained model",
    "phrasebook": "200 held-out sentences of a compositional grammar in the same languages; test set of the demo family",
}
PHRASEBOOK_SENTENCES = 200

FORMATS = (
    "a folder or zip of <language>.txt, of FLORES, of NTREX or of Moses pairs (News.en-zh.en); a table, "
    f"{' '.join(READERS)}, with language columns, a column translation, or a row for each sentence of each language; "
    "each also as .gz .xz .bz2 .zst; a data set on the hub (owner/name)"
)
"""What is read, for messages."""


def open_texts(spec: str, languages: Sequence[str] | None = None) -> Texts:
    """The texts of a corpus by name or location.

    Args:
        spec: the value of `--corpus`: a built-in name, a folder or archive, a file (see `FORMATS`), the beginning of the
            names of Moses files, or a hub data set in parquet (`owner/name[:config[:split]]`).
        languages: codes, in this order; by default all in the corpus. They also name the columns of a table without a
            header.

    Raises:
        RepalignError: no such corpus, a language it does not have, or text that is not parallel.
    """
    if spec == "everyday":
        return read_file(text_file(Path(__file__).parent / "data" / "everyday.tsv"), languages)
    if spec == "phrasebook":
        return _phrasebook(languages)
    if not spec.strip():
        raise RepalignError(f"no name of a corpus; --corpus takes {', '.join(EMBEDDED)}; or {FORMATS}")
    path = Path(spec).expanduser()
    try:
        if path.is_dir() or (path.is_file() and path.suffix.lower() == ".zip"):
            return read_folder(path, languages)
        if path.is_file():
            return read_file(text_file(path), languages)
        sides = languages_in(files_named(path), str(path))
    except OSError as error:  # a name of 300 characters, a folder that may not be entered
        raise RepalignError(f"cannot read {spec[:80]!r}: {error.strerror}; check the path") from error
    if sides:
        return _from_languages(path.name, choose(sides, languages, f"in {path}"), (), path)
    name = spec.partition(":")[0]
    if is_hub_id(name):
        return read_hub(spec, languages)
    if "/" in spec or path.suffix:
        missing = f"{spec} is neither file nor folder" if path.exists() else f"no file or folder {spec}"
        raise RepalignError(f"{missing}; --corpus takes {', '.join(EMBEDDED)}; or {FORMATS}")
    raise unknown("corpus", spec, EMBEDDED, f"or give {FORMATS}")


def read_folder(folder: Path, languages: Sequence[str] | None = None) -> Texts:
    """A folder or zip archive in one of the layouts of `repalign.corpora.layouts`.

    Raises:
        RepalignError: no layout fits; a language without a file; files that are damaged or not parallel.
    """
    name = re.sub(r"(\.txt|\.xml)?\.zip$", "", folder_name(folder.resolve()))
    return _from_files(files_in(folder), name, languages, folder)


def _from_files(files: Sequence[TextFile], name: str, languages: Sequence[str] | None, folder: Path) -> Texts:
    where = str(folder)
    found = languages_in(files, where)
    if len(found) == 1 and _holds_several(only := next(iter(found.values()))):
        return read_file(only, languages)
    if found:
        return _from_languages(name, choose(found, languages, f"in {where}"), files, folder)
    if table := table_in(files, where):
        rows = [row for file in table for row in read_rows(file)]
        return from_rows(name, rows, languages, where)
    inside = ", ".join(sorted(file.name for file in files)[:8]) or "nothing"
    raise RepalignError(f"no parallel text in {where}, which holds {inside}; expected {FORMATS}")


def _holds_several(file: TextFile) -> bool:
    """Whether a file named by a code holds several languages: manythings.org's fra.txt, or en-de.tsv, a pair."""
    if file.suffix not in READERS:
        return _has_tabs(file)
    _, first = next(read_rows(file), ("", {}))
    return file.stem not in first and text_column(list(first)) is None


def _has_tabs(file: TextFile) -> bool:
    """Whether a text file is a table, with tabs between its columns."""
    return file.suffix == ".txt" and "\t" in next((line for line in file.lines() if line.strip()), "")


def _from_languages(
    name: str, files: Mapping[str, TextFile], others: Sequence[TextFile], folder: Path
) -> Texts:
    """
    Args:
        name: of the corpus.
        files: language -> its file.
        others: all files of the folder, in which that of the documents may be.
        folder: or archive, or the beginning of the names of Moses files.
    """
    if any(file.suffix in READERS for file in files.values()):
        tables = {language: list(read_rows(file)) for language, file in files.items()}
        return Texts(name, *from_tables(tables, str(folder)))
    lines = aligned_lines(files, str(folder))
    sentences = len(next(iter(lines.values())))
    return Texts(name, lines, documents_beside(files, others, folder, sentences))


def read_file(file: TextFile, languages: Sequence[str] | None = None) -> Texts:
    """One file with several languages: a table, or TMX.

    Raises:
        RepalignError: an unknown kind of file; no language columns; an empty or missing cell (file and row).
    """
    if file.suffix in (".tsv", ".csv") or _has_tabs(file):
        cells = list(read_cells(file))
        header = missing_header(file, cells, languages)
        if header or file.suffix != ".txt":
            rows = list(with_header(file, [(0, header), *cells] if header else cells))
            return from_rows(file.stem, rows, languages, file.where)
    if is_code(file.suffix[1:]) or (is_code(file.stem) and file.suffix[1:] in {"txt", *SPLITS}):
        raise RepalignError(
            f"{file.where} holds one language; give the folder of all, or {Path(file.where).with_suffix('')} for Moses files"
        )
    if file.suffix not in READERS:
        raise RepalignError(f"{file.where}: unknown kind of corpus; expected {FORMATS}")
    return from_rows(file.stem, list(read_rows(file)), languages, file.where)


def read_hub(name: str, languages: Sequence[str] | None = None) -> Texts:
    """A hub data set stored as parquet: `owner/name[:config[:split]]`; see `repalign.corpora.columns.from_rows`.

    Raises:
        RepalignError: it cannot be loaded, or has no language columns.
    """
    repo, config, split = (name + "::").split(":")[:3]
    remedy = "expected owner/name[:config[:split]], in parquet"
    rows = hub_rows(repo, config, split or "test", f"the data set {name!r}", remedy)
    return from_rows(
        name, [(f"row {number}", row) for number, row in enumerate(rows, start=1)], languages, name
    )


def _phrasebook(languages: Sequence[str] | None) -> Texts:
    from repalign.corpora.phrasebook import LANGUAGES, meanings, realise

    chosen = choose({language: language for language in LANGUAGES}, languages, "in the phrasebook")
    held_out = meanings("held-out")[:PHRASEBOOK_SENTENCES]
    return Texts("phrasebook", {code: [realise(m, lang) for m in held_out] for code, lang in chosen.items()})
