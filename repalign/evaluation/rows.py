"""Rows of questions from a file: SQuAD's JSON, plain JSON, JSONL or parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from repalign.corpora.readers import parquet_rows
from repalign.errors import RepalignError

Row = Mapping[str, Any]
"""Column -> value."""

SUFFIXES = {".json", ".jsonl", ".parquet"}


def read_rows(path: Path) -> list[Row]:
    """The rows of a file; SQuAD's JSON gives one row per question, with the `context` of its paragraph.

    Raises:
        RepalignError: it cannot be read, is not UTF-8 or not JSON (with its line), or does not hold rows.
    """
    if path.suffix == ".parquet":
        return list(parquet_rows(path))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RepalignError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RepalignError(
            f"{path}: not UTF-8 (byte {error.start + 1}); convert the file, e.g. with iconv"
        ) from error
    rows = list(_json_lines(text, path) if path.suffix == ".jsonl" else _json_rows(text, path))
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise RepalignError(
                f"{path}, row {number}: {type(row).__name__}; expected an object with the fields of one question"
            )
    return rows


def _json_lines(text: str, path: Path) -> Iterator[Any]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _parsed(line, path, number)


def _json_rows(text: str, path: Path) -> Iterator[Any]:
    whole = _parsed(text, path)
    entries = whole.get("data") if isinstance(whole, dict) else whole
    if not isinstance(entries, list):
        raise RepalignError(
            f"{path} is not in SQuAD's format: 'data' is missing; expected {{\"data\": [...]}} or rows"
        )
    for entry in entries:
        yield from _squad_rows(entry, path) if isinstance(entry, dict) and "paragraphs" in entry else [entry]


def _squad_rows(article: Row, path: Path) -> Iterator[Row]:
    try:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                yield {**question, "context": paragraph["context"]}
    except (KeyError, TypeError) as error:
        raise RepalignError(
            f"{path} is not in SQuAD's format: a paragraph lacks 'qas' or 'context' ({type(error).__name__}: {error})"
        ) from error


def _parsed(text: str, path: Path, line: int | None = None) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        hint = (
            "; if every line is an object, name it .jsonl"
            if error.msg == "Extra data" and line is None
            else ""
        )
        raise RepalignError(f"{path}, line {line or error.lineno}: not JSON ({error.msg}){hint}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
        raise RepalignError(f"{path}, line {line or 1}: not JSON ({error})") from error


def text_of(row: Row, column: str, where: str) -> str:
    """The text in a column.

    Args:
        where: how messages refer to the row.

    Raises:
        RepalignError: no such column, or its value is not text.
    """
    if column not in row:
        raise RepalignError(f"{where}: no field {column!r}; found {', '.join(map(str, row))}")
    value = row[column]
    if not isinstance(value, str):
        raise RepalignError(f"{where}: {column!r} is not a text but {type(value).__name__}")
    return checked(value, where)


def checked(text: str, where: str) -> str:
    """The same text.

    Raises:
        RepalignError: it holds half of a surrogate pair, which no tokenizer and no file can take.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RepalignError(
            f"{where}: half of a surrogate pair ({text[error.start]!r}), which is no character; convert the text again"
        ) from error
    return text
