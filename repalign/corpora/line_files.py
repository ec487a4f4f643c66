"""Parallel files of lines: line i of each is a translation of line i of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from repalign.corpora.scripts import is_blank
from repalign.corpora.text_files import TextFile
from repalign.errors import RepalignError

SHOWN = 8
"""Line numbers that a message lists."""

FEWEST, DECISIVE = 12, 0.2
"""Lines between empty ones, and difference of correlations, that distinguish surplus lines from missing translations."""


def aligned_lines(files: Mapping[str, TextFile], where: str) -> dict[str, list[str]]:
    """The lines of each language, without white space around them. Empty lines at the end of files do not count.

    Raises:
        RepalignError: files of different length, or a line without text; says what to do, which is not the same in all
            cases: a row that lacks a translation is dropped everywhere, a surplus empty line only in its own file.
    """
    lines = {language: [line.strip() for line in file.lines()] for language, file in files.items()}
    ended = {language: _without_end(rows) for language, rows in lines.items()}
    lines = ended if len({len(rows) for rows in ended.values()}) == 1 else lines
    blanks = {
        language: [number for number, line in enumerate(rows, start=1) if is_blank(line)]
        for language, rows in lines.items()
    }
    for language, rows in lines.items():
        if len(blanks[language]) == len(rows):
            raise RepalignError(f"{files[language].where} holds no text; expected one sentence per line")
    names = {language: file.name.rpartition("/")[2] for language, file in files.items()}
    if len({len(rows) for rows in lines.values()}) > 1:
        raise RepalignError(_unequal(where, names, lines, blanks))
    if any(blanks.values()):
        raise RepalignError(_without_text(where, names, lines, blanks))
    return lines


def _without_end(rows: Sequence[str]) -> list[str]:
    """Without empty lines at the end."""
    end = next((place for place in range(len(rows), 0, -1) if not is_blank(rows[place - 1])), 0)
    return list(rows[:end])


Lines = Mapping[str, Sequence[str]]
Numbers = Mapping[str, Sequence[int]]


def _unequal(where: str, names: Mapping[str, str], lines: Lines, blanks: Numbers) -> str:
    text = {language: len(rows) - len(blanks[language]) for language, rows in lines.items()}
    if len(set(text.values())) == 1:
        surplus = [
            f"{names[language]} has {len(rows)} lines, {len(blanks[language])} of them empty ({_listed(blanks[language])})"
            for language, rows in lines.items()
            if blanks[language]
        ]
        return (
            f"{where}: {'; '.join(surplus)}; without these every file has {next(iter(text.values()))}: delete the empty "
            "lines from the files named, and only there"
        )
    counts = ", ".join(
        f"{names[language]} has {len(rows)}"
        + (f" ({len(blanks[language])} empty)" if blanks[language] else "")
        for language, rows in lines.items()
    )
    return f"the files of {where} differ in length: {counts} lines; line i of each must be a translation of line i of the others"


def _without_text(where: str, names: Mapping[str, str], lines: Lines, blanks: Numbers) -> str:
    found = ", ".join(f"{names[language]}, line {_listed(rows)}" for language, rows in blanks.items() if rows)
    rows = sorted({row for numbers in blanks.values() for row in numbers})
    missing = f"drop line {_listed(rows)} from every file"
    surplus = "delete each empty line from its own file only"
    as_many = len({len(numbers) for numbers in blanks.values()}) == 1
    if not as_many or all(list(numbers) == rows for numbers in blanks.values()):
        return f"{where}: no text in {found}; {missing}"
    gain = _agreement(lines, blanks, rows, own=True) - _agreement(lines, blanks, rows, own=False)
    if abs(gain) < DECISIVE or np.isnan(gain):
        return f"{where}: no text in {found}; if translations are missing there, {missing}; if the lines are surplus, {surplus}"
    reason = "by the lengths of the lines between them "
    return f"{where}: no text in {found}; {reason}" + (
        f"these are surplus: {surplus}" if gain > 0 else f"translations are missing there: {missing}"
    )


def _agreement(lines: Lines, blanks: Numbers, rows: Sequence[int], own: bool) -> float:
    """Mean correlation of log lengths with the first language, from the first to the last row without text.

    Args:
        own: whether each language loses its own empty lines; otherwise all lose all of `rows`.
    """
    lengths = []
    for language, texts in lines.items():
        dropped = set(blanks[language] if own else rows)
        kept = [len(texts[row - 1]) for row in range(rows[0], rows[-1] + 1) if row not in dropped]
        lengths.append(np.log1p(kept))
    if len(lengths[0]) < FEWEST:
        return np.nan
    return float(np.corrcoef(lengths)[0, 1:].mean())


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:SHOWN]))
    return f"{shown}, ... ({len(numbers)} in all)" if len(numbers) > SHOWN else shown
