"""Phrases: what a language module makes of a meaning, before capitals, spaces and punctuation."""

from __future__ import annotations

Phrase = tuple[str, str]
"""The role of a phrase in its sentence, and the phrase as written."""


def moved(phrases: list[Phrase], role: str, before: str) -> list[Phrase]:
    """Move the phrase of one role, as languages do that ask right before the verb.

    Args:
        phrases: The phrases of a sentence in order.
        role: The role of the phrase to move.
        before: The role of the phrase to put it before.

    Returns:
        The phrases in their new order.
    """
    kept = [phrase for phrase in phrases if phrase[0] != role]
    index = [other for other, _ in kept].index(before)
    return [*kept[:index], *(phrase for phrase in phrases if phrase[0] == role), *kept[index:]]
