"""Multiple choice in the formats of Belebele and Global-MMLU, worded as in EleutherAI's lm-evaluation-harness.

Both ask for a letter, in English and without examples: harness tasks `belebele_*` (Bandarkar et al. 2024, arXiv
2308.16884) and `global_mmlu_full_*` (Singh et al. 2024, arXiv 2412.03304). With letters, which are equally long, the
harness's `acc_norm` is always its `acc`.
"""

from __future__ import annotations

from collections.abc import Sequence

from repalign.errors import RepalignError
from repalign.evaluation.items import Item, Items
from repalign.evaluation.questions import ToItem, read_tables
from repalign.evaluation.rows import Row, text_of
from repalign.evaluation.sources import DataSet, find_tables

LETTERS = ("A", "B", "C", "D")
NUMBERS = ("1", "2", "3", "4")


def read_choices(
    data: str | None, dataset: DataSet, languages: Sequence[str] | None, to_item: ToItem
) -> Items:
    """Items from a folder, a file or the hub.

    Args:
        data, dataset, languages: see `repalign.evaluation.sources.find_tables`.
        to_item: `belebele_item` or `mmlu_item`.

    Raises:
        RepalignError: see `find_tables` and `repalign.evaluation.questions.read_tables`.
    """
    items = Items()
    for label, tables in find_tables(data, dataset, languages, items.notes).items():
        items += read_tables(label, tables, to_item, items.notes)
    return items


def belebele_item(row: Row, language: str, where: str) -> Item:
    """A question about a passage of FLORES, with four answers; its id is the passage's link and the question's number.

    Raises:
        RepalignError: a missing field, or a right answer that is not 1 to 4.
    """
    passage, question = text_of(row, "flores_passage", where), text_of(row, "question", where).strip()
    answers = [text_of(row, f"mc_answer{number}", where) for number in NUMBERS]
    options = "\n".join(f"{letter}: {answer}" for letter, answer in zip(LETTERS, answers, strict=True))
    right = _right(row, "correct_answer_num", NUMBERS, where)
    link = text_of(row, "link", where)
    key = f"{link}#{row.get('question_number', '')}"
    prompt = f"P: {passage}\nQ: {question}\n{options}\nAnswer:"
    return Item(key, language, prompt, "", (right,), choices=LETTERS, document=link)


def mmlu_item(row: Row, language: str, where: str) -> Item:
    """A question of knowledge with four answers; its kind is the subject, if the row has one.

    Raises:
        RepalignError: a missing field, or a right answer that is not A to D.
    """
    question = text_of(row, "question", where).strip()
    answers = [text_of(row, f"option_{letter.lower()}", where) for letter in LETTERS]
    options = "\n".join(f"{letter}. {answer}" for letter, answer in zip(LETTERS, answers, strict=True))
    right = _right(row, "answer", LETTERS, where)
    key, subject = (str(row.get(column) or "") for column in ("sample_id", "subject"))
    return Item(key, language, f"{question}\n{options}\nAnswer:", "", (right,), subject, choices=LETTERS)


def _right(row: Row, column: str, values: Sequence[str], where: str) -> str:
    value = str(row.get(column, "")).strip()
    if value not in values:
        raise RepalignError(
            f"{where}: {column!r} is {row.get(column)!r}; expected one of {', '.join(values)}"
        )
    return LETTERS[values.index(value)]
