"""Rows of tables and lines of text, as the files of a source hold them."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from repalign import RepalignError
from repalign.corpora.columns import language_of, sides
from repalign.corpora.language_choice import find_language, matching
from repalign.corpora.scripts import is_blank
from repalign.corpora.tables import READERS, Row, read_cells, read_rows, with_header
from repalign.corpora.text_files import text_file
from repalign.errors import unknown

MARKUP = {".htm", ".html", ".sgm", ".sgml", ".xlf", ".xliff", ".xml"}
MARKED_UP = re.compile(r"\s*<(\?xml|!doctype|html|tmx|xliff)\b", re.IGNORECASE)
"""How files of markup begin, whatever their names."""


class Columns(NamedTuple):
    """Texts of some languages.

    Attributes:
        texts: a list for each language; entries with the same index belong together.
        where: index -> its place in a file, for messages.
    """

    texts: list[list[str]]
    where: Callable[[int], str]


def table_rows(path: Path, columns: str = "") -> list[Row]:
    """The rows of a TSV, CSV, JSON, JSONL, parquet or TMX file, with their positions.

    Args:
        columns: names for the columns of a TSV or CSV without a header, separated by commas, such as "en,zh".

    Raises:
        RepalignError: another kind of file, one that is damaged, or one without rows.
    """
    file = text_file(path)
    if columns:
        header = [name.strip() for name in columns.split(",")]
        rows = list(with_header(file, [(0, header), *read_cells(file)]))
    elif file.suffix in READERS:
        rows = list(read_rows(file))
    else:
        raise RepalignError(
            f"{file.where}: expected a table ({', '.join(READERS)}, also compressed), got {file.suffix or 'no suffix'}; "
            "pairs may also be two files of lines whose path has {language}, or lines of two sentences with a tab "
            "between them if sources.NAME.columns names their languages"
        )
    if not rows:
        raise RepalignError(f"{file.where} has no rows")
    return rows


def sentences(path: Path) -> Columns:
    """The lines of plain text that are not blank.

    Raises:
        RepalignError: see `text_lines`.
    """
    lines, numbers = [], array("L")
    for number, line in enumerate(text_lines(path), start=1):
        if not is_blank(line):
            lines.append(line)
            numbers.append(number)
    return Columns([lines], lambda index: f"{path}, line {numbers[index]}")


def text_lines(path: Path) -> list[str]:
    r"""The lines of plain text, as many as `wc -l` counts (and one more if the last has no line end).

    Raises:
        RepalignError: a table or markup, which is no text to learn; a file that holds no text or is not UTF-8.
    """
    file = text_file(path)
    lines = list(file.lines())
    first = next((line for line in lines if not is_blank(line)), "")
    is_markup = file.suffix in MARKUP or MARKED_UP.match(first)
    if is_markup or file.suffix in READERS:
        raise RepalignError(
            f"{file.where} is {'markup' if is_markup else 'a table'}; expected plain text, one sentence per line (.txt or "
            'Moses, also compressed). Tables are read by kind = "pairs", "repeat" and "instructions"'
        )
    if not first:
        raise RepalignError(f"{file.where} holds no text; expected one sentence per line")
    return lines


def language_columns(rows: Iterable[Row], languages: Sequence[str], where: str) -> Columns:
    """The texts of some languages in a table.

    A column belongs to a language if its name is a code that means it; they may also lie in one column `translation`,
    as on the hub. A cell that is missing is an empty text.

    Args:
        languages: codes.
        where: how messages refer to the table.

    Raises:
        RepalignError: no column for a language, or several; a cell that is no text.
    """
    texts: list[list[str]] = [[] for _ in languages]
    positions: list[str] = []
    columns: dict[tuple[str, ...], dict[str, str]] = {}
    for position, row in rows:
        row = sides(row, f"{where}, {position}")
        if (names := tuple(row)) not in columns:
            columns[names] = _columns(names, languages, where)
        for language, column in zip(languages, texts, strict=True):
            column.append(field_text(row, columns[names].get(language, language), f"{where}, {position}"))
        positions.append(position)
    names = sorted({name for names in columns for name in names})
    for language in languages:
        if not any(language in found for found in columns.values()):
            raise unknown("language", language, names, f"as a column of {where}")
    return Columns(texts, lambda index: f"{where}, {positions[index]}")


def _columns(names: Sequence[str], languages: Sequence[str], where: str) -> dict[str, str]:
    """Language -> the column that it is in, for those that have one."""
    columns: dict[str, list[str]] = {}
    for name in names:
        if code := language_of(name):
            columns.setdefault(code, []).append(name)
    found = {}
    for language in languages:
        if language in names:
            found[language] = language
        elif matching(language, list(columns)):
            found[language], *others = columns[find_language(language, columns, f"in {where}")]
            if others:
                raise RepalignError(
                    f"{where} has several columns for {language!r}: {found[language]}, {', '.join(others)}"
                )
    return found


def field_text(row: Mapping[str, Any], field: str, where: str) -> str:
    """The text of a field; "" if it is missing or null.

    Raises:
        RepalignError: it holds something else.
    """
    value = row.get(field)
    if value is None or isinstance(value, str):
        return value or ""
    raise RepalignError(
        f"{where}: {field!r} should be text, got {str(value)[:40]}; write it as text, or as null if there is none"
    )
