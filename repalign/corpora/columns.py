"""From rows of a table to the sentences of each language: wide tables, long ones, and the hub's `translation`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from repalign.corpora.cells import cell_text, is_missing
from repalign.corpora.documents import document_cells, document_column
from repalign.corpora.language_choice import choose
from repalign.corpora.languages import named
from repalign.corpora.long_tables import from_long, language_column, text_column
from repalign.corpora.tables import Row, check_columns
from repalign.errors import RepalignError

logger = logging.getLogger(__name__)

ROW_KEYS = {"id", "idx", "index", "key", "source", "url", "domain", "topic"}
"""Columns that describe a row. `id` means Indonesian only if it is requested explicitly."""

PREFIX = "sentence_"
"""Before the codes in the columns of FLORES on the hub."""

SHOWN = 12
"""Names of columns that a message lists."""

REPEATS = 10
"""A column that holds each of its texts more often than this, on average, holds labels and no sentences."""


class Texts(NamedTuple):
    """What was read, not yet checked: the name of a corpus, its sentences by language, and the document of each row."""

    name: str
    sentences: Mapping[str, Sequence[str]]
    documents: Sequence[object] | None = None


def from_rows(name: str, rows: Sequence[Row], languages: Sequence[str] | None, where: str) -> Texts:
    """Texts from the rows of a table.

    Its columns are languages; or it has one column `translation` of sentences by language; or it is long: a column of
    languages, one of text, and one of ids by which sentences of different languages belong together. A further column may
    name the document of each row (see `repalign.corpora.documents`).

    Args:
        name: name of the corpus.
        rows: position for messages, and cells by column.
        languages: codes, or names of columns, in this order; by default all columns that are named by a code and hold
            text. Columns that are left out are logged.
        where: how error messages refer to the source, e.g. a path.

    Raises:
        RepalignError: no rows, no language columns, a language without a column, or a row without text.
    """
    if not rows:
        raise RepalignError(f"{where} has no rows")
    for position, row in rows:
        if not isinstance(row, Mapping):
            raise RepalignError(
                f"{where}: {position} is {type(row).__name__}; expected a sentence for each language code, such as "
                '{"en": ..., "zh": ...}'
            )
    given = list(dict.fromkeys(column for _, row in rows for column in row))
    check_columns(len(given), where)
    document = document_column(column for column in given if column not in (languages or ()))
    documents = document_cells((row for _, row in rows), document)
    if documents is not None:
        logger.info("%s: column %s names the documents", where, document)
    rows = [(position, sides(row, f"{where}: {position}")) for position, row in rows]
    names = list(dict.fromkeys(column for _, row in rows for column in row))
    if (column := language_column(names, rows)) and (text := text_column(names)):
        return Texts(name, *from_long(rows, column, text, languages, where))
    columns = _language_columns(names, rows, languages or (), where)
    if not columns:
        raise RepalignError(
            f"{where} has no language columns; expected codes such as en and zh, found {_listed(names)}; --langs names "
            "other columns"
        )
    chosen = choose(columns, languages, f"in {where}")
    used = {*columns.values(), document}
    if not languages and (left_out := [column for column in names if column not in used]):
        logger.info("%s: columns that are no languages are left out: %s", where, _listed(left_out))
    sentences = {language: _column(rows, column, language, where) for language, column in chosen.items()}
    return Texts(name, sentences, documents)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(str(name) or "(no name)" for name in names[:SHOWN]) + (
        f", ... ({len(names)} in all)" if len(names) > SHOWN else ""
    )


def sides(row: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """The sentences by language of a row of the hub: {"translation": {"en": ..., "zh": ...}}, or the row itself.

    Raises:
        RepalignError: several translations into one language.
    """
    translation = row.get("translation")
    if not isinstance(translation, Mapping):
        return row
    languages, texts = translation.get("language"), translation.get("translation")
    if not isinstance(languages, list) or not isinstance(texts, list):
        return translation
    if len(set(languages)) != len(texts):  # as datasets' TranslationVariableLanguages allows
        raise RepalignError(
            f"{where} has {len(texts)} translations into {len(set(languages))} languages; keep one of each"
        )
    return dict(zip(languages, texts, strict=True))


def language_of(column: str) -> str | None:
    """The code of the language that a column is named by; None for any other name.

    >>> [language_of(column) for column in ("zh", "sentence_eng_Latn", "English", "doc", "score")]
    ['zh', 'eng_Latn', 'en', None, None]
    """
    return named(column.removeprefix(PREFIX))


def _language_columns(
    names: Sequence[str], rows: Sequence[Row], asked: Sequence[str], where: str
) -> dict[str, str]:
    """Code -> column.

    Raises:
        RepalignError: two columns of one language.
    """
    found: dict[str, str] = {}
    for column in names:
        code = language_of(column)
        if code is None or not (code in asked or _holds_sentences(column, rows)):
            continue
        if code in found:
            raise RepalignError(
                f"{where} has two columns for {code!r}: {found[code]} and {column}; --langs names one of them"
            )
        found[code] = column
    return {column: column for column in asked if column in names} | found


def _holds_sentences(column: str, rows: Sequence[Row]) -> bool:
    """Whether most cells have letters, and differ: ids, numbers and labels under the name of a code are no language."""
    given = [cell for _, row in rows if not is_missing(cell := row.get(column))]
    texts = [cell for cell in given if isinstance(cell, str) and any(map(str.isalpha, cell))]
    is_text = 2 * len(texts) >= len(given) and len(set(texts)) * REPEATS >= len(texts)
    return column not in ROW_KEYS and is_text


def _column(rows: Sequence[Row], column: str, language: str, where: str) -> list[str]:
    return [cell_text(row.get(column), language, f"{where}: {position}") for position, row in rows]
