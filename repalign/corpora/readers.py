"""Readers of parallel text: a folder of `<language>.txt`, TSV, JSONL, parquet, hub data sets in parquet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from repalign.corpora.languages import choose, is_code
from repalign.errors import RepalignError

ROW_KEYS = {"id", "idx", "index", "key", "source", "url", "domain", "topic"}
"""Columns that describe a row. `id` means Indonesian only if it is requested explicitly."""

SUFFIXES = {".tsv", ".jsonl", ".parquet"}


class Texts(NamedTuple):
    """What was read, not yet checked: the name of a corpus, and its sentences by language."""

    name: str
    sentences: Mapping[str, Sequence[str]]


def read_folder(folder: Path, languages: Sequence[str] | None = None) -> Texts:
    """A folder with one `<language>.txt` per language, one sentence per line.

    Raises:
        RepalignError: no such files; a language without a file; not UTF-8 (file and line); an empty line (file and
            line); files of different length (names and counts).
    """
    files = {path.stem: path for path in sorted(folder.glob("*.txt")) if is_code(path.stem)}
    if not files:
        raise RepalignError(f"no <language>.txt in {folder}; expected files such as en.txt and zh.txt")
    texts = {lang: read_lines(path) for lang, path in choose(files, languages, f"in {folder}").items()}
    counts = {f"{lang}.txt": len(rows) for lang, rows in texts.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise RepalignError(
            f"the files of {folder} differ in length: {listed} lines; line i of each must be a translation of line i of the others"
        )
    return Texts(folder.resolve().name, texts)


def read_file(path: Path, languages: Sequence[str] | None = None) -> Texts:
    """A TSV (with a header), JSONL or parquet file whose columns are language codes.

    Raises:
        RepalignError: an unknown kind of file; no language columns; an empty or missing cell (file and row).
    """
    if path.suffix == ".tsv":
        rows: Iterable[Mapping[str, Any]] = _tsv_rows(path)
    elif path.suffix == ".jsonl":
        rows = _jsonl_rows(path)
    elif path.suffix == ".parquet":
        rows = parquet_rows(path)
    else:
        raise RepalignError(f"{path}: unknown kind of corpus file; expected {', '.join(sorted(SUFFIXES))}")
    return from_rows(path.stem, rows, languages, str(path))


def read_hub(name: str, languages: Sequence[str] | None = None) -> Texts:
    """A hub data set stored as parquet: `owner/name[:config][:split]`, with language columns or a `translation` column.

    Raises:
        RepalignError: it cannot be loaded, or has no language columns.
    """
    repo, config, split = (name + "::").split(":")[:3]
    remedy = "expected owner/name[:config[:split]], in parquet"
    rows = hub_rows(repo, config, split or "test", f"the data set {name!r}", remedy)
    return from_rows(name, (row.get("translation", row) for row in rows), languages, name)


def hub_rows(repo: str, config: str, split: str, named: str, remedy: str) -> Any:
    """The rows of a data set on the hub, stored as parquet.

    Args:
        repo: owner/name.
        config: "" for the default configuration.
        split: e.g. "test".
        named: how an error message refers to the data set.
        remedy: what an error message advises.

    Raises:
        RepalignError: it cannot be loaded.
    """
    import datasets

    try:
        return datasets.load_dataset(repo, config or None, split=split)
    except (ValueError, OSError, RuntimeError) as error:
        raise RepalignError(f"cannot load {named}: {str(error).splitlines()[0]}; {remedy}") from error


def from_rows(
    name: str, rows: Iterable[Mapping[str, Any]], languages: Sequence[str] | None, where: str
) -> Texts:
    """Texts from rows that map language codes to sentences.

    Args:
        name: name of the corpus.
        rows: e.g. `{"id": 3, "en": "...", "zh": "..."}`; columns that are not language codes are ignored.
        languages: codes, in this order; by default all columns that are language codes.
        where: how error messages refer to the source, e.g. a path.

    Raises:
        RepalignError: no rows, no language columns, a language without a column, or a row without text.
    """
    rows = list(rows)
    if not rows:
        raise RepalignError(f"{where} has no rows")
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            raise RepalignError(
                f"{where}: row {number} is {type(row).__name__}; expected a sentence for each language code, such as "
                '{"en": ..., "zh": ...}'
            )
    columns = {
        key: key for key in rows[0] if is_code(key) and (key not in ROW_KEYS or key in (languages or ()))
    }
    if not columns:
        raise RepalignError(
            f"{where} has no language columns; expected codes such as en and zh, found {', '.join(rows[0])}"
        )
    texts: dict[str, list[str]] = {lang: [] for lang in choose(columns, languages, f"in {where}")}
    for number, row in enumerate(rows, start=1):
        for lang, column in texts.items():
            cell = row.get(lang)
            if not isinstance(cell, str) or not cell.strip():
                raise RepalignError(
                    f"{where}: row {number} has no text for {lang!r}; fill it or drop the row"
                )
            column.append(cell.strip())
    return Texts(name, texts)


def read_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 file, stripped.

    Raises:
        RepalignError: cannot be read, not UTF-8, or an empty line; the message gives file and line.
    """
    lines = []
    for number, raw in enumerate(_read(path).removesuffix(b"\n").split(b"\n"), start=1):
        try:
            line = raw.decode("utf-8").removeprefix("\ufeff").strip()
        except UnicodeDecodeError as error:
            raise RepalignError(
                f"{path}, line {number}: not UTF-8 (byte {error.start + 1} is 0x{raw[error.start]:02x}); "
                "convert the file, e.g. with iconv"
            ) from error
        if not line:
            raise RepalignError(f"{path}, line {number}: empty; drop that line from every language")
        if "\r" in line:
            raise RepalignError(
                f"{path}, line {number}: a carriage return within the line; convert the line ends, e.g. with dos2unix or mac2unix"
            )
        lines.append(line)
    return lines


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RepalignError(f"cannot read {path}: {error.strerror}") from error


def _tsv_rows(path: Path) -> Iterable[dict[str, str]]:
    lines = read_lines(path)
    header = lines[0].split("\t")
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split("\t")
        if len(cells) != len(header):
            raise RepalignError(
                f"{path}, line {number}: {len(cells)} columns, the header has {len(header)}; cells must not contain tabs"
            )
        yield dict(zip(header, cells, strict=True))


def _jsonl_rows(path: Path) -> Iterable[dict[str, Any]]:
    for number, line in enumerate(read_lines(path), start=1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise RepalignError(f"{path}, line {number}: not JSON ({error})") from error
        if not isinstance(row, dict):
            raise RepalignError(f"{path}, line {number}: expected an object, got {type(row).__name__}")
        yield row


def parquet_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a parquet file.

    Raises:
        RepalignError: it cannot be read.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.read_table(path).to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError) as error:  # ValueError: text that is not UTF-8
        reason = str(error).partition("\n")[0]
        raise RepalignError(f"{path} is not a readable parquet file: {reason}") from error
