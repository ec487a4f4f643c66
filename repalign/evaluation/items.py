"""Item: one question with its reference answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from repalign.signature import digest


@dataclass(frozen=True)
class Item:
    """One question in one language.

    Attributes:
        id: the same for the same question in every language.
        language: in which the answer is expected: of the passage, if there is one; for a translation, the target.
        instruction, input: parts of the prompt (see `repalign.models.templates`).
        references: correct answers; the first is the main one.
        kind: of question, if a task has several kinds.
        sentence: the sentence of `language` that the item is about, if any; links the item to its alignment.
        source: language of `input`, of which the item asks for a translation; "" if it asks for something else.
        asked_in: language of the question if it is another than `language`, as in MLQA's cross-lingual test (G-XLT).
        choices: possible answers, if the task is to choose one.
        document: paragraph, document or sentence that other items of the language may be about, too; empty if unknown.
            Such items are not independent and are resampled together.
    """

    id: str
    language: str
    instruction: str
    input: str
    references: tuple[str, ...]
    kind: str = ""
    sentence: str = ""
    source: str = ""
    asked_in: str = ""
    choices: tuple[str, ...] = ()
    document: str = ""

    @property
    def label(self) -> str:
        """What tables call its language: "zh"; "zh.en" for a passage in Chinese and a question in English."""
        return f"{self.language}.{self.asked_in}" if self.asked_in else self.language


class Items(list[Item]):
    """Items of a task.

    Attributes:
        notes: one line for everything that was left out, or counted once, when they were read.
    """

    def __init__(self, items: Iterable[Item] = (), notes: Iterable[str] = ()) -> None:
        super().__init__(items)
        self.notes = list(notes)


def by_language(items: Iterable[Item]) -> dict[str, list[Item]]:
    """The items grouped by the label of their language, in order."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(item.label, []).append(item)
    return groups


def sampled(items: Sequence[Item], limit: int | None, seed: int = 0) -> list[Item]:
    """At most `limit` items per language, sampled by their ids so that every language gets the same questions."""
    if limit is None:
        return list(items)
    chosen: set[tuple[str, str]] = set()
    for language, candidates in by_language(items).items():
        order = sorted(candidates, key=lambda item: digest([str(seed), item.id]))
        chosen.update((language, item.id) for item in order[:limit])
    return [item for item in items if (item.label, item.id) in chosen]


def items_digest(items: Iterable[Item]) -> str:
    """SHA-256 over all questions and references, as hex."""
    return digest(
        part
        for item in items
        for part in (item.id, item.label, item.instruction, item.input, *item.references, *item.choices)
    )
