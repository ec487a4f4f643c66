"""Long tables, with a row for each sentence of each language, and tables of one language: joined by the ids of sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from repalign.corpora.cells import cell_text, is_missing
from repalign.corpora.documents import document_column
from repalign.corpora.language_choice import choose
from repalign.corpora.languages import find, named
from repalign.corpora.tables import Row, check_columns
from repalign.errors import RepalignError

LANGUAGE_COLUMNS = ("iso_639_3", "language", "lang", "lang_code", "language_code", "locale")
SCRIPT_COLUMN, VARIANT_COLUMN = "iso_15924", "glottocode"
TEXT_COLUMNS = ("text", "sentence")
ID_COLUMNS = ("id", "sentence_id", "sent_id", "index", "idx", "key")
"""Names of columns in FLORES+ and other long tables."""


class Cell(NamedTuple):
    """Of one row: the id of its sentence, the position for messages, the sentence, and its document."""

    key: Any
    position: str
    text: Any
    document: Any


Joined = tuple[dict[str, list[str]], "list[Any] | None"]
"""The sentences of each language, and the document of each row, if it is known."""


def language_column(names: Sequence[str], rows: Sequence[Row]) -> str | None:
    """The column that names the language of each row, if there is one."""
    for column in LANGUAGE_COLUMNS:
        cells = [row.get(column) for _, row in rows] if column in names else [None]
        if all(isinstance(cell, str) and (named(cell) or find(cell)) for cell in cells):
            return column
    return None


def text_column(names: Sequence[str]) -> str | None:
    """The column of text, if there is one."""
    return next((column for column in TEXT_COLUMNS if column in names), None)


def from_long(
    rows: Sequence[Row], language: str, text: str, languages: Sequence[str] | None, where: str
) -> Joined:
    """The sentences of each language of a long table, and their documents.

    Args:
        rows: its rows.
        language, text: its columns.
        languages: codes, in this order; by default all.
        where: how messages refer to it.

    Raises:
        RepalignError: no column of ids, a language that it lacks, or a sentence that not all languages have.
    """
    codes = _codes(rows, language)
    check_columns(len(set(codes)), where)
    key = _id_column(rows)
    if key is None:
        raise RepalignError(
            f"{where} has a row for each sentence of each language, but no id by which they belong together; add a column id"
        )
    document = document_column(column for _, row in rows for column in row)
    cells: dict[str, list[Cell]] = {}
    for code, (position, row) in zip(codes, rows, strict=True):
        cells.setdefault(code, []).append(
            Cell(row.get(key), position, row.get(text), row.get(document) if document else None)
        )
    return _joined(choose(cells, languages, f"in {where}"), key, where)


def from_tables(tables: Mapping[str, Sequence[Row]], where: str) -> Joined:
    """The sentences of tables of one language each, and their documents, by their ids; without ids, in their order.

    Raises:
        RepalignError: a table without text, or a sentence that not all languages have.
    """
    cells: dict[str, list[Cell]] = {}
    ids = {language: _id_column(rows) for language, rows in tables.items()}
    key = next(iter(ids.values()), None) if len(set(ids.values())) == 1 else None
    for language, rows in tables.items():
        names = list(dict.fromkeys(column for _, row in rows for column in row))
        text = language if language in names else text_column(names)
        if text is None:
            raise RepalignError(
                f"{where}: the table of {language!r} has no column {' or '.join(TEXT_COLUMNS)}; found {', '.join(names)}"
            )
        document = document_column(names)
        cells[language] = [
            Cell(
                row.get(key) if key else number,
                f"{language}, {position}",
                row.get(text),
                row.get(document) if document else None,
            )
            for number, (position, row) in enumerate(rows, start=1)
        ]
    return _joined(cells, key or "row", where)


def _id_column(rows: Sequence[Row]) -> str | None:
    return next((column for column in ID_COLUMNS if any(column in row for _, row in rows)), None)


def _codes(rows: Sequence[Row], language: str) -> list[str]:
    """The code of each row: with its script, and its variant where there are several, as Catalan's in FLORES+."""
    names = {row[language]: named(row[language]) or row[language] for _, row in rows}
    codes = [
        f"{row[language]}_{row[SCRIPT_COLUMN]}" if row.get(SCRIPT_COLUMN) else names[row[language]]
        for _, row in rows
    ]
    variants: dict[str, set[Any]] = {}
    for code, (_, row) in zip(codes, rows, strict=True):
        variants.setdefault(code, set()).add(row.get(VARIANT_COLUMN))
    return [
        f"{code}_{row.get(VARIANT_COLUMN)}" if len(variants[code]) > 1 else code
        for code, (_, row) in zip(codes, rows, strict=True)
    ]


def _joined(cells: Mapping[str, Sequence[Cell]], key: str, where: str) -> Joined:
    """In the order of the first language; the document of a sentence is the first that is named."""
    texts: dict[str, dict[Any, str]] = {}
    documents: dict[Any, Any] = {}
    for language, rows in cells.items():
        texts[language] = {}
        for number, position, cell, document in rows:
            if number in texts[language]:
                raise RepalignError(
                    f"{where}: {position}: {key} {number!r} occurs twice for {language!r}; remove one of them"
                )
            texts[language][number] = cell_text(cell, language, f"{where}: {position}")
            if not is_missing(document):
                documents.setdefault(number, document)
    first, *others = texts
    for language in others:
        for one, other in ((first, language), (language, first)):
            missing = [number for number in texts[one] if number not in texts[other]]
            if missing:
                raise RepalignError(
                    f"{where} is not parallel: {len(missing)} sentences of {one!r}, such as {key} {missing[0]!r}, are "
                    f"missing for {other!r}; add or drop them"
                )
    sentences = {language: [by_id[number] for number in texts[first]] for language, by_id in texts.items()}
    return sentences, [documents.get(number) for number in texts[first]] if documents else None
