"""Faults planted into parallel text, by kind: what the detective is measured on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from repalign.corpora.languages import has_spaces
from repalign.errors import RepalignError
from repalign.suspects.numbers import NUMBER, numbers, unmatched

RUN = 3
"""Rows of a shift: each has the text of the next row, as if a line were lost and another repeated."""

KEPT = 0.5
"""Share of a truncated sentence that is left."""


class Fault(NamedTuple):
    """A row that was made wrong in one language.

    Attributes:
        language: in which.
        row: of the corpus, from 0.
        kind: one of `PLANTED`.
    """

    language: str
    row: int
    kind: str


Texts = Mapping[str, Sequence[str]]
Change = Callable[[Texts, str, str, int, np.random.Generator], "str | None"]
"""From (texts, pivot, language, row, generator) to the new text of the row; None where the fault cannot be planted."""


def next_row(texts: Texts, pivot: str, language: str, row: int, generator: np.random.Generator) -> str | None:
    """The text of the next row."""
    rows = texts[language]
    return rows[row + 1] if row + 1 < len(rows) and rows[row + 1] != rows[row] else None


def neighbour(
    texts: Texts, pivot: str, language: str, row: int, generator: np.random.Generator
) -> str | None:
    """The text of the row before or after."""
    rows, other = texts[language], row + int(generator.choice([-1, 1]))
    return rows[other] if 0 <= other < len(rows) and rows[other] != rows[row] else None


def truncated(
    texts: Texts, pivot: str, language: str, row: int, generator: np.random.Generator
) -> str | None:
    """The first half of the sentence, in whole words."""
    text = texts[language][row]
    parts = text.split() if has_spaces(language) else list(text)
    kept = parts[: max(1, round(KEPT * len(parts)))]
    return (" " if has_spaces(language) else "").join(kept) if len(parts) > 3 else None


def other_number(
    texts: Texts, pivot: str, language: str, row: int, generator: np.random.Generator
) -> str | None:
    """Every digit of the first number that both sides share is raised by 3, in the digits of its script."""
    text, known = texts[language][row], numbers(texts[pivot][row])
    for match in NUMBER.finditer(text):
        if numbers(match[0])[0] in known:
            changed = text[: match.start()] + "".join(map(_raised, match[0])) + text[match.end() :]
            return changed if all(unmatched(known, numbers(changed))) else None
    return None


def _raised(letter: str) -> str:
    return chr(ord(letter) + (3 if int(letter) < 7 else -7)) if letter.isdigit() else letter


def wrong_language(
    texts: Texts, pivot: str, language: str, row: int, generator: np.random.Generator
) -> str | None:
    """The right translation in another language, which may be the pivot."""
    others = [one for one in texts if one != language and texts[one][row] != texts[language][row]]
    return texts[others[generator.integers(len(others))]][row] if others else None


PLANTED: dict[str, Change] = {
    "shifted": next_row,
    "number": other_number,
    "wrong language": wrong_language,
    "truncated": truncated,
    "neighbour": neighbour,
}
"""The faults, by kind."""


def plant(texts: Texts, pivot: str, share: float, seed: int = 0) -> tuple[dict[str, list[str]], list[Fault]]:
    """Texts with a share of wrong rows in every language but the pivot, of all kinds alike, in random rows.

    No two faults of a language touch each other, other than the rows of one shift.

    Args:
        texts: language -> sentences.
        pivot: which is left as it is.
        share: of the rows of each language, above 0 and below .2.
        seed: of the choice of rows.

    Raises:
        RepalignError: a share out of range, or too few rows to plant every kind.
    """
    if not 0 < share < 0.2:
        raise RepalignError(f"the share of planted faults should be above 0 and below .2, not {share:g}")
    generator = np.random.default_rng(seed)
    changed = {language: list(rows) for language, rows in texts.items()}
    faults: list[Fault] = []
    for language in changed:
        if language != pivot:
            faults += _planted(texts, pivot, language, share, generator, changed[language])
    return changed, faults


def _planted(
    texts: Texts, pivot: str, language: str, share: float, generator: np.random.Generator, rows: list[str]
) -> list[Fault]:
    """The faults of one language; its `rows` are changed."""
    each = round(share * len(rows) / len(PLANTED))
    free = np.ones(len(rows) + 2 * RUN, dtype=bool)
    faults: list[Fault] = []
    for kind, change in PLANTED.items():
        left = each
        for start in generator.permutation(len(rows)).tolist():
            run = range(start, start + (min(RUN, left) if kind == "shifted" else 1))
            around = slice(max(0, run.start - 1), run.stop + 2)
            if not left:
                break
            if not free[around].all():
                continue
            new = [change(texts, pivot, language, row, generator) if row < len(rows) else None for row in run]
            if any(text is None for text in new):
                continue
            free[around] = False
            for row, text in zip(run, new, strict=True):
                rows[row] = str(text)
                faults.append(Fault(language, row, kind))
            left -= len(run)
        if left or not each:
            raise RepalignError(
                f"{len(rows)} rows of {language!r} are too few to plant {share:.0%} of faults of the kind {kind!r}; give more rows"
            )
    return faults
