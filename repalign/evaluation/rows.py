"""Rows of questions from a file: SQuAD's JSON, or a table with one row per question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from repalign.corpora.tables import read_rows as table_rows
from repalign.corpora.text_files import TextFile
from repalign.errors import RepalignError

Row = Mapping[str, Any]
"""Column -> value."""

SUFFIXES = {".json", ".jsonl", ".csv", ".parquet"}


def read_rows(file: TextFile) -> list[Row]:
    """The rows of a file; SQuAD's JSON gives one row per question, with the `context` of its paragraph.

    Raises:
        RepalignError: it cannot be read, or does not hold rows; names file and row.
    """
    rows: list[Row] = []
    for position, row in table_rows(file):
        rows += _squad_rows(row, f"{file.where}, {position}") if "paragraphs" in row else [row]
    return rows


def _squad_rows(article: Row, where: str) -> Iterator[Row]:
    try:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                yield {**question, "context": paragraph["context"]}
    except (KeyError, TypeError) as error:
        raise RepalignError(
            f"{where} is not in SQuAD's format: a paragraph lacks 'qas' or 'context' ({type(error).__name__}: {error})"
        ) from error


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
