"""What is wrong with parallel text, in words: the most severe first, each with its language, rows, and what to do."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Literal, TypedDict, get_args

import numpy as np

from repalign.corpora.languages import script_of, short
from repalign.corpora.scripts import script_name
from repalign.corpora.shifts import Misalignment

logger = logging.getLogger(__name__)

Severity = Literal["misaligned", "wrong text", "note"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
MISALIGNED, WRONG_TEXT, NOTE = SEVERITIES
"""Severities: rows that are no translations of each other; text that is not in its language; what to know."""

MANY = 0.05
"""Share of a language's rows from which untranslated rows and other scripts are more than exceptions."""

SHOWN = 3
"""Rows, languages or places named in one line."""

MAX_LINES = 12
"""Lines of one severity."""

NOTES = {
    "duplicates": "repeat an earlier sentence",
    "near_duplicates": "differ from an earlier sentence only in case, punctuation, digits or white space",
    "copies": "are copies of the pivot's text",
    "wrong_script": "are mostly in another script",
    "odd_length": "are much longer or shorter than the pivot's",
}
"""What rows of one kind do, by the kind's name in the manifest."""


class Problem(TypedDict):
    """A finding; `rows` are numbers from 1."""

    severity: Severity
    kind: str
    language: str
    rows: list[int]
    message: str


def problems(
    languages: Mapping[str, Mapping[str, Any]],
    misaligned: Sequence[Misalignment],
    same: Mapping[tuple[str, str], list[int]],
    count: int,
    pivot: str,
) -> list[Problem]:
    """Every finding of `repalign.corpora.checks.check`, by severity.

    Args:
        languages: what was found in each, as in the manifest.
        misaligned: see `repalign.corpora.shifts`.
        same: numbers of the rows that two languages have in common.
        count: of rows.
        pivot: language that the others were compared with.
    """
    found = [_misaligned(one, count) for one in misaligned]
    found += [_same_text(*pair, rows, count) for pair, rows in same.items()]
    explained = {language for pair in same if pivot in pair for language in pair}
    for language, checked in languages.items():
        found += _other_script(language, checked["script"], count)
        found += [
            _of_rows(kind, language, checked[kind], count)
            for kind in NOTES
            if checked[kind] and not (kind == "copies" and language in explained)
        ]
    return sorted(found, key=lambda one: SEVERITIES.index(one["severity"]))


def verdict(found: Sequence[Problem]) -> list[str]:
    """Lines for people: each severe problem, then one line for each kind of note; "ok" first if none is severe."""
    by_severity = {name: [*group] for name, group in groupby(found, key=lambda one: one["severity"])}
    notes = by_severity.pop(NOTE, [])
    lines = [] if by_severity else ["ok"]
    for severity, severe in by_severity.items():
        lines += [_line(one) for one in severe[:MAX_LINES]]
        if len(severe) > MAX_LINES:
            lines.append(f"{severity}: {len(severe) - MAX_LINES} more")
    for kind in NOTES:
        if of_kind := [one for one in notes if one["kind"] == kind]:
            lines.append(f"note: {_note(kind, of_kind)}")
    return lines + [_line(one) for one in notes if one["kind"] not in NOTES]


def warning(corpus: str, found: Sequence[Problem]) -> str:
    """The most severe problem in one line, and how many there are; "" if there are notes only."""
    severe = [one for one in found if one["severity"] != NOTE]
    more = f"; {len(severe) - 1} more by `repalign data check`" * (len(severe) > 1)
    return f"corpus {corpus!r}: {_line(severe[0])}{more}" if severe else ""


def warn(corpus: str, found: Sequence[Problem]) -> None:
    """Log `warning`, if there is one."""
    if line := warning(corpus, found):
        logger.warning("%s", line)


def _line(one: Problem) -> str:
    return f"{one['severity']}: {one['language']}: {one['message']}"


def _problem(severity: Severity, kind: str, language: str, rows: Sequence[int], message: str) -> Problem:
    return {"severity": severity, "kind": kind, "language": language, "rows": [*rows], "message": message}


def _misaligned(one: Misalignment, count: int) -> Problem:
    message = {"shift": _shifted, "disorder": _disordered, "swaps": _swapped}[one.kind](one, count)
    return _problem(MISALIGNED, one.kind, one.language, one.rows, message)


def _shifted(one: Misalignment, count: int) -> str:
    first, last = one.rows[0], one.rows[-1]
    lines = f"{abs(one.offset)} line{'s' * (abs(one.offset) > 1)}"
    cause = (
        f"{one.language} lacks {lines} or {one.reference} has {lines} too many"
        if one.offset < 0
        else f"{one.language} has {lines} too many or {one.reference} lacks {lines}"
    )
    return (
        f"rows {first} to {last} translate rows {first - one.offset} to {last - one.offset} of {one.reference}: "
        f"{cause} near row {first}; correct the file"
    )


def _disordered(one: Misalignment, count: int) -> str:
    return (
        f"{len(one.rows)} of {count} rows fit no row of {one.reference} nearby ({_ranges(one.rows)}): other text or "
        f"another order of lines; bring both files into one order"
    )


def _swapped(one: Misalignment, count: int) -> str:
    pairs = [f"{row} with {row + 1}" for row in one.rows[:SHOWN]]
    more = ", ..." * (len(one.rows) > SHOWN)
    return (
        f"{len(one.rows)} rows fit {one.reference} better if swapped with the next ({', '.join(pairs)}{more}); "
        f"bring both files into one order"
    )


def _same_text(one: str, other: str, rows: Sequence[int], count: int) -> Problem:
    """Variants of one language may share most of their text, but not all of it."""
    variants = short(one) == short(other) and len(rows) < count
    message = f"{len(rows)} of {count} rows are those of {one}; replace the file if it was saved twice"
    return _problem(NOTE if variants else WRONG_TEXT, "same_text", other, rows, message)


def _other_script(language: str, system: str, count: int) -> Iterator[Problem]:
    expected = script_of(language)
    if expected and system != expected:
        message = (
            f"text is mostly {script_name(system)}, expected {script_name(expected)}; replace it, or name the language "
            f"{short(language)}_{system}"
        )
        yield _problem(WRONG_TEXT, "script", language, range(1, count + 1), message)


def _of_rows(kind: str, language: str, rows: Sequence[int], count: int) -> Problem:
    many = kind in ("copies", "wrong_script") and len(rows) > MANY * count
    message = f"{len(rows)} of {count} rows {NOTES[kind]} ({_ranges(rows)})"
    if many:
        message += "; translate or drop them"
    return _problem(WRONG_TEXT if many else NOTE, kind, language, rows, message)


def _note(kind: str, found: Sequence[Problem]) -> str:
    """All languages in one line, those with most rows first."""
    most = sorted(found, key=lambda one: -len(one["rows"]))
    named = [f"{one['language']} {len(one['rows'])} ({_ranges(one['rows'])})" for one in most[:SHOWN]]
    rest = len(most) - SHOWN
    more = f", and {rest} more language{'s' * (rest > 1)}" * (rest > 0)
    return f"rows that {NOTES[kind]}: {', '.join(named)}{more}"


def _ranges(rows: Sequence[int]) -> str:
    """The first rows, runs of neighbours as one: "row 4", "rows 3, 7-9, 12, ..."."""
    if not rows:
        return "no rows"
    runs = np.split(np.array(rows), np.flatnonzero(np.diff(rows) > 1) + 1)
    named = [f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs[:SHOWN]]
    return f"row{'s' * (len(rows) > 1)} {', '.join(named)}{', ...' * (len(runs) > SHOWN)}"
