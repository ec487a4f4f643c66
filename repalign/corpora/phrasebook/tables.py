"""Lexical tables: lemmas and their written forms in cells two or more spaces apart."""

from __future__ import annotations

import re


def table(text: str) -> dict[str, tuple[str, ...]]:
    """The inflected forms of each lemma, in the order of the columns.

    Args:
        text: one lemma per line, followed by its forms; two or more spaces separate the columns.
    """
    rows = (re.split(r"\s{2,}", line.strip()) for line in text.strip().splitlines())
    return {lemma: tuple(forms) for lemma, *forms in rows}


def words(text: str) -> dict[str, str]:
    """The single form of each lemma.

    Args:
        text: lemmas, each followed by its form, several pairs per line; two or more spaces or a line break
            separate the cells.
    """
    cells = re.split(r"\s{2,}|\n", text.strip())
    return dict(zip(cells[::2], cells[1::2], strict=True))
