"""Examples of questions and answers, for the page of an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from repalign.figures.names import shortened, visible
from repalign.report.findings.words import called

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES_PER_LANGUAGE = 6
"""Questions shown per language, evenly spaced from the first to the last."""

MAX_LANGUAGES = 40
"""Languages of which examples are shown."""

LONGEST_EXAMPLE = 300
"""Columns shown of a question or an answer; a Chinese character takes two."""

WRONG, RIGHT = 0.0, 100.0
"""Points of an answer by a scorer that knows no more than these."""


class Answer(TypedDict):
    """An answer: its text, and whether it is right, or its points as text if they are graded; None if it was not scored."""

    text: str
    right: bool | str | None


class Example(TypedDict):
    """A question with the answers of all checkpoints."""

    question: str
    reference: str
    answers: list[Answer]


class OfLanguage(TypedDict):
    """The examples of a language."""

    code: str
    name: str
    questions: list[Example]


def examples(table: pd.DataFrame, scorer: str) -> dict[str, Any]:
    """Checkpoints, and by language some questions with their answers.

    Args:
        table: `answers`.
        scorer: whose score of each answer, a column of the table, says whether it is right.
    """
    names = list(dict.fromkeys(table["checkpoint"]))
    languages = list(table.groupby("language", sort=False))[:MAX_LANGUAGES]
    scores = table.get(scorer)
    graded = scores is not None and not scores.dropna().isin([WRONG, RIGHT]).all()
    shown = [_language(str(code), rows, names, scorer, graded) for code, rows in languages]
    return {"checkpoints": names, "languages": shown, "note": _note(table)}


def _language(code: str, rows: pd.DataFrame, names: list[str], scorer: str, graded: bool) -> OfLanguage:
    questions = rows[rows["checkpoint"] == names[0]]
    spaced = np.linspace(0, max(len(questions) - 1, 0), EXAMPLES_PER_LANGUAGE).astype(int)
    keyed = rows.drop_duplicates(["checkpoint", "item"]).set_index(["checkpoint", "item"])
    chosen = questions.iloc[np.unique(spaced)[: len(questions)]]
    shown = [
        Example(
            question=_short(f"{row.instruction}\n{row.input}".strip()),
            reference=_short(row.reference),
            answers=[_answer(keyed, (name, row.item), scorer, graded) for name in names],
        )
        for row in chosen.itertuples()
    ]
    return OfLanguage(code=code, name=called(code), questions=shown)


def _answer(keyed: pd.DataFrame, key: tuple[str, str], scorer: str, graded: bool) -> Answer:
    if key not in keyed.index:
        return Answer(text="", right=None)
    row = keyed.loc[key]
    score = row.get(scorer, np.nan)
    right = None if np.isnan(score) else f"{score:.0f}" if graded else bool(score == RIGHT)
    return Answer(text=_short(row["answer"]), right=right)


def _short(text: str) -> str:
    return shortened(visible(text), LONGEST_EXAMPLE)


def _note(table: pd.DataFrame) -> str:
    languages = table["language"].nunique()
    some = f", of {MAX_LANGUAGES} of {languages} languages" if languages > MAX_LANGUAGES else ""
    return (
        f"{EXAMPLES_PER_LANGUAGE} questions per language{some}, evenly spaced from the first to the last; long texts are "
        "cut in the middle; the results folder has all of them."
    )
