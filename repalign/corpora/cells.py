"""A cell of a table as the sentence of a language."""

from __future__ import annotations

from typing import Any

from repalign.corpora.scripts import is_blank
from repalign.errors import RepalignError


def is_missing(cell: Any) -> bool:
    """Whether a cell is empty: null, NaN, or a text that shows nothing."""
    return cell is None or cell != cell or (isinstance(cell, str) and is_blank(cell))


def cell_text(cell: Any, language: str, where: str) -> str:
    """The sentence in a cell, without white space around it.

    Raises:
        RepalignError: it has no text, or holds something else.
    """
    if is_missing(cell):
        raise RepalignError(f"{where} has no text for {language!r}; fill it or drop the row")
    if not isinstance(cell, str):
        raise RepalignError(f"{where} holds {str(cell)[:40]!r} for {language!r}, which is no text; quote it")
    return cell.strip()
