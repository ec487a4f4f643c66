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
        language: in which the answer is expected (for a translation, the target language).
        instruction, input: parts of the prompt (see `repalign.models.templates`).
        references: correct answers; the first is the main one.
        kind: of question, if a task has several kinds.
        sentence: the sentence of `language` that the item is about, if any; links the item to its alignment.
        source: language of `input`, of which the item asks for a translation; "" if it asks for something else.
    """

    id: str
    language: str
    instruction: str
    input: str
    references: tuple[str, ...]
    kind: str = ""
    sentence: str = ""
    source: str = ""


def by_language(items: Iterable[Item]) -> dict[str, list[Item]]:
    """The items grouped by language, in order."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(item.language, []).append(item)
    return groups


def sampled(items: Sequence[Item], limit: int | None, seed: int = 0) -> list[Item]:
    """At most `limit` items per language, sampled by their ids so that every language gets the same questions."""
    if limit is None:
        return list(items)
    chosen: set[tuple[str, str]] = set()
    for language, candidates in by_language(items).items():
        order = sorted(candidates, key=lambda item: digest([str(seed), item.id]))
        chosen.update((language, item.id) for item in order[:limit])
    return [item for item in items if (item.language, item.id) in chosen]


def items_digest(items: Iterable[Item]) -> str:
    """SHA-256 over all questions and references, as hex."""
    return digest(
        part
        for item in items
        for part in (item.id, item.language, item.instruction, item.input, *item.references)
    )
