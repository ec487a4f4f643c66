"""Phrases: the output of a language module, before capitals, spaces and punctuation."""

from __future__ import annotations

Phrase = tuple[str, str]
"""The role of a phrase in its sentence, and the phrase as written."""


def moved(phrases: list[Phrase], role: str, before: str) -> list[Phrase]:
    """The phrases in a new order, for languages that place the question word before the verb.

    Args:
        phrases: the phrases of a sentence in order.
        role: role of the phrase to move.
        before: role of the phrase to put it before.
    """
    kept = [phrase for phrase in phrases if phrase[0] != role]
    index = [other for other, _ in kept].index(before)
    return [*kept[:index], *(phrase for phrase in phrases if phrase[0] == role), *kept[index:]]
