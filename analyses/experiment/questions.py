"""The questions that the runs of `pretrained.py` answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from repalign import RepalignError
from repalign.evaluation.defaults import read_items
from repalign.evaluation.items import Item

from .plan import BASE, Plan, spread


def questions(plan: Plan, task: str) -> dict[str, list[Item]]:
    """The items of a task: those of XQuAD by language, those of translation by direction, as "en-zh".

    They are the same in all languages and directions, and spread over documents or paragraphs.

    Raises:
        RepalignError: English is not among the languages of the answers, or no other language is.
    """
    base, languages = [plan.checkpoint(BASE)], plan.answer_languages
    if "en" not in languages or len(languages) < 2:
        raise RepalignError(f"answers are in en and other languages; got {', '.join(languages)}")
    if task == "xquad":
        items = (
            read_items(task, base, data=plan.data / "xquad", languages=languages) if plan.questions else []
        )
        first = [item for item in items if item.language == languages[0]]
        chosen = {first[row].id for row in spread([item.document for item in first], plan.questions)}
        return _grouped([item for item in items if item.id in chosen], lambda item: item.language)
    chosen = {str(row + 1) for row in plan.rows(plan.translations)} if plan.translations else set()
    others = [language for language in languages if language != "en"]
    directions = [("en", others), *((language, ["en"]) for language in others)]
    read = partial(read_items, task, base, data=plan.data / "ntrex")
    return _grouped(
        [
            item
            for source, to in directions
            if chosen
            for item in read(source=source, languages=to)
            if item.id in chosen
        ],
        lambda item: f"{item.source}-{item.language}",
    )


def _grouped(items: Iterable[Item], key: Callable[[Item], str]) -> dict[str, list[Item]]:
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
