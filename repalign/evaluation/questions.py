"""Reading comprehension: questions about passages, in the formats of SQuAD, XQuAD, MLQA and TyDi QA."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from repalign.errors import RepalignError, unknown
from repalign.evaluation import labels
from repalign.evaluation.items import Item, Items
from repalign.evaluation.prompts import Prompts, prompt_of
from repalign.evaluation.rows import Row, checked, text_of
from repalign.evaluation.sources import DataSet, Table, find_tables

PLACEHOLDER = re.compile(r"\{(context|question)\}")

ToItem = Callable[[Row, str, str], Item | None]
"""(row, label of its language, how messages refer to the row) -> item; None for a question without an answer. The id of the
item is "" if the row has none."""


def read_questions(
    data: str | None, dataset: DataSet, languages: Sequence[str] | None, prompts: Prompts
) -> Items:
    """Items from a folder, a file or the hub.

    Args:
        data, dataset, languages: see `repalign.evaluation.sources.find_tables`.
        prompts: see `repalign.evaluation.prompts.read_prompts`; a question is worded in its own language. A language
            without a prompt is left out, with a note.

    Raises:
        RepalignError: see `find_tables` and `read_tables`; a requested language has no prompt.
    """
    items = Items()
    tables = find_tables(data, dataset, languages, items.notes)
    found = {label: prompt_of(label.rpartition(".")[2], prompts) for label in tables}
    worded = {label: prompt for label, prompt in found.items() if prompt}
    missing = [label for label in found if label not in worded]
    remedy = f"--prompts FILE.toml, with a section [{missing[0]}] of instruction and input" if missing else ""
    if missing and (languages or not worded):
        raise unknown("prompt for language", missing[0], prompts, f"give it by {remedy}")
    if missing:
        items.notes.append(
            f"left out: {', '.join(missing)}, without a wording of the prompt; add it by {remedy}"
        )
    for label, prompt in worded.items():
        items += read_tables(label, tables[label], partial(_item, prompt), items.notes)
    return items


def read_tables(label: str, tables: Sequence[Table], to_item: ToItem, notes: list[str]) -> list[Item]:
    """The items of one language, each once.

    Args:
        label: of the language.
        tables: several hold the same questions.
        to_item: see `ToItem`.
        notes: what was left out or counted once is added here.

    Raises:
        RepalignError: a damaged row; different questions with one id; tables that differ; no question with an answer.
    """
    (name, items), *others = [(table.name, _items(label, table, to_item, notes)) for table in tables]
    for other, same in others:
        if same != items:
            raise RepalignError(
                f"{label} is in {name} and in {other}, with different questions; keep one of them, or name it in --data"
            )
        notes.append(f"{label}: {name} and {other} hold the same questions, which are counted once")
    return list(items.values())


def _items(label: str, table: Table, to_item: ToItem, notes: list[str]) -> dict[str, Item]:
    """By id."""
    items: dict[str, Item] = {}
    unanswerable = repeated = unnamed = 0
    for number, row in enumerate(table.read(), start=1):
        where = f"{table.name}, question {row.get('id', number)}"
        labels.check(row, label, where)
        item = to_item(row, label, where)
        if item is not None and not item.id:
            unnamed += 1
            item = replace(item, id=str(number))
        if item is None:
            unanswerable += 1
        elif item.id not in items:
            items[item.id] = item
        elif items[item.id] == item:
            repeated += 1
        else:
            raise RepalignError(
                f"{table.name}: different questions have the id {item.id!r}; give each an id of its own"
            )
    for count, what in (
        (unanswerable, "questions without an answer are left out"),
        (repeated, "questions are there more than once and counted once"),
        (unnamed, "questions have no id and are paired with those of other languages by their place"),
    ):
        if count:
            notes.append(f"{label}: {count:,} {what}")
    if not items:
        raise RepalignError(f"{table.name} has no question with an answer")
    return items


def _item(prompt: Mapping[str, str], row: Row, label: str, where: str) -> Item | None:
    language, _, asked_in = label.partition(".")
    fields = {field: text_of(row, field, where).strip() for field in ("context", "question")}
    answers = () if row.get("is_impossible") else tuple(_answers(row, where))
    if not answers:
        return None
    text = PLACEHOLDER.sub(lambda match: fields[match[1]], prompt["input"])
    return Item(
        str(row.get("id", "")), language, prompt["instruction"], text, answers,
        asked_in=asked_in, document=fields["context"],
    )  # fmt: skip


def _answers(row: Row, where: str) -> list[str]:
    """The answers that are not blank, of `[{"text": ...}]`, `{"text": [...]}`, a list of texts, or one text."""
    if "answers" not in row:
        raise RepalignError(f"{where}: no field 'answers'; expected id, context, question, answers")
    texts: Any = row["answers"]
    if isinstance(texts, Mapping):
        texts = texts.get("text")
    texts = [texts] if isinstance(texts, str) else list(texts) if isinstance(texts, (list, tuple)) else texts
    if texts is None:
        return []
    if isinstance(texts, list):
        texts = [text.get("text") if isinstance(text, Mapping) else text for text in texts]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise RepalignError(f'{where}: an answer is not a text; expected answers such as [{{"text": "..."}}]')
    return [checked(text.strip(), where) for text in texts if text.strip()]
