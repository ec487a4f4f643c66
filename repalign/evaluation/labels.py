"""In which language questions are: by the name of their file or folder, a column, or the beginning of their ids.

A label is the language of the passage, or that of the passage and that of the question, as in MLQA: "zh", "zh.en".
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from repalign.corpora.language_choice import match_language
from repalign.corpora.languages import is_code, named
from repalign.errors import RepalignError
from repalign.evaluation.rows import Row

WORD = re.compile(r"(?<![A-Za-z0-9])([a-z]{2,3}([_-]([A-Z][a-z]{3}|[A-Z]{2}))*|[A-Za-z]{4,})(?![A-Za-z0-9])")
"""Parts of a file's name that may be a language: zh, zho_Hans, pt-BR, arabic."""

COLUMNS = ("language", "lang", "dialect")
"""Columns that name the language of a row; the last is Belebele's."""


def in_path(path: str) -> str | None:
    """The label in the name of a file, or of the nearest folder that names one; None if there is none.

    >>> [in_path(path) for path in ("xquad.zh.json", "test/test-context-en-question-zh.json", "mlqa.ar.ar/test.parquet")]
    ['zh', 'en.zh', 'ar']
    >>> [in_path(path) for path in ("zho_Hant/test.parquet", "tydiqa-goldp-dev-arabic.json", "my-data/questions.jsonl")]
    ['zho_Hant', 'ar', None]
    """
    file, *folders = Path(path).with_suffix("").parts[::-1]
    in_words = [[match[0] for match in WORD.finditer(file)], *(folder.split(".") for folder in folders)]
    for words in in_words:
        codes = list(dict.fromkeys(code for word in words if (code := named(word))))
        if len(codes) in (1, 2):
            return ".".join(codes)
    return None


def in_row(row: Row) -> str | None:
    """The language in a row's column, by code or English name, or in its id ("arabic-..."); None if neither names one."""
    in_id, dash, _ = str(row.get("id", "")).partition("-")
    return _in_column(row) or (named(in_id) if dash and not is_code(in_id) else None)


def check(row: Row, label: str, where: str) -> None:
    """A row's own column must not contradict the label.

    Args:
        where: how the message refers to the row.

    Raises:
        RepalignError: it names another language.
    """
    language, stated = label.partition(".")[0], _in_column(row)
    if stated and not _same(stated, language):
        raise RepalignError(f"{where}: the row is in {stated!r}, but was found among those in {language!r}")


def _in_column(row: Row) -> str | None:
    cells = (row.get(column) for column in COLUMNS)
    return next((code for cell in cells if isinstance(cell, str) and (code := named(cell))), None)


@lru_cache(maxsize=4096)
def _same(one: str, other: str) -> bool:
    return bool(match_language(one, [other]) or match_language(other, [one]))
