"""Item: one question with its right answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from repalign.signature import digest


@dataclass(frozen=True)
class Item:
    """One question, asked and to be answered in one language (a translation: in the language it is into).

    Attributes:
        id: the same for the same question in every language.
        language: of the answer.
        instruction, input: what the prompt is made of (see `repalign.models.templates`).
        references: right answers, the first one leading.
        kind: of question, where a task has several.
        sentence: the sentence of `language` that the item is about, where it is about one: by it an item finds
            its alignment.
    """

    id: str
    language: str
    instruction: str
    input: str
    references: tuple[str, ...]
    kind: str = ""
    sentence: str = ""


def by_language(items: Iterable[Item]) -> dict[str, list[Item]]:
    """The items of each language, in their order."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(item.language, []).append(item)
    return groups


def sampled(items: Sequence[Item], limit: int | None, seed: int = 0) -> list[Item]:
    """At most `limit` items a language, sampled by their ids: the same questions in every language."""
    if limit is None:
        return list(items)
    kept: set[tuple[str, str]] = set()
    for language, own in by_language(items).items():
        order = sorted(own, key=lambda item: digest([str(seed), item.id]))
        kept.update((language, item.id) for item in order[:limit])
    return [item for item in items if (item.language, item.id) in kept]


def items_digest(items: Iterable[Item]) -> str:
    """SHA-256 over everything that is asked and expected."""
    return digest(
        part
        for item in items
        for part in (item.id, item.language, item.instruction, item.input, *item.references)
    )
