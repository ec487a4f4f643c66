"""The answers of the runs of `pretrained.py`, scored for keeping: no text remains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import repalign.evaluation.translation  # noqa: F401  (registers its scorers)
from repalign import RepalignError
from repalign.evaluation.answer_language import answer_languages, lingua_code
from repalign.evaluation.consistency import matched_references
from repalign.evaluation.items import Item
from repalign.evaluation.scorers import SCORERS
from repalign.models.generation import Answer
from repalign.signature import digest

from .plan import LANGUAGES

ANSWERS = "answers.parquet"
SCORERS_OF = {"xquad": ("f1", "exact", "contains"), "translation": ("chrf", "bleu")}
"""Task -> scorers whose statistics are kept, from which their scores and intervals follow."""


def answer_rows(task: str, group: str, items: Sequence[Item], answers: Sequence[Answer]) -> pd.DataFrame:
    """The scores of the answers in one language or direction, one row per answer, in the order of the items' ids.

    Columns: task, group (language or direction), item, document (a digest), expected (language), answered_in and
    reference_in (detected languages of answer and reference, NA if none is), tokens, ended, prompt_cut; one per scorer with
    its statistics (see `repalign.evaluation.scorers.Measured`); and of reading comprehension `matched`: numbers of the rows
    whose reference the answer is most similar to (see `repalign.evaluation.consistency`).

    Args:
        task, group: of the answers.
        items: of the group.
        answers: in the order of the items.
    """
    pairs = sorted(zip(items, answers, strict=True), key=lambda pair: pair[0].id)
    items, answers = zip(*pairs, strict=True)
    texts, expected = [answer.text for answer in answers], items[0].language
    references = [item.references[0] for item in items]
    known = lingua_code(expected) is not None
    columns: dict[str, Any] = {
        "task": task,
        "group": group,
        "item": [item.id for item in items],
        "document": [digest([item.document])[:8] if item.document else "" for item in items],
        "expected": expected,
        "answered_in": answer_languages(texts, expected, LANGUAGES) if known else None,
        "reference_in": answer_languages(references, expected, LANGUAGES) if known else None,
        "tokens": np.array([answer.tokens for answer in answers], np.int32),
        "ended": [answer.ended for answer in answers],
        "prompt_cut": np.array([answer.prompt_cut for answer in answers], np.int32),
    }
    for scorer in SCORERS_OF[task]:
        columns[scorer] = list(SCORERS[scorer].measure(items, texts).statistics.astype(np.float32))
    if task == "xquad":
        columns["matched"] = [
            np.flatnonzero(row).astype(np.int16) for row in matched_references(texts, items)
        ]
    return pd.DataFrame(columns).astype({"answered_in": "string", "reference_in": "string"})


def saved_answers(path: Path, saved: Mapping[str, Any], group: str, items: Sequence[Item]) -> list[Answer]:
    """The answers to some items.

    Raises:
        RepalignError: there are more or fewer answers than questions.
    """
    answers = [Answer(**one) for one in saved["answers"].get(group, [])]
    if len(answers) != len(items):
        raise RepalignError(
            f"{path} answers {len(answers)} questions in {group}, not {len(items)}; give the same numbers as to the stage answer"
        )
    return answers
