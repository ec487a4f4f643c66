"""Validation of requests: pairs of languages, and checkpoints that can be paired."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

from repalign.corpora.language_choice import find_language
from repalign.errors import RepalignError, unknown
from repalign.states.layer_states import LayerStates

logger = logging.getLogger(__name__)


def language_pairs(
    states: LayerStates,
    pivot: str,
    targets: str | Sequence[str] | None,
    pairs: str | Iterable[tuple[str, str]],
) -> list[tuple[str, str]]:
    """The pairs to score: every target with the pivot, all pairs, or those listed.

    Raises:
        RepalignError: a language that the states do not hold, or no pair at all.
    """
    targets = [targets] if isinstance(targets, str) else targets
    pivot = find_pivot(states, pivot) if pairs == "pivot" else pivot
    others = [language for language in states.languages if language != pivot]
    languages = others if targets is None else [_held(states, language) for language in targets]
    if pairs == "pivot":
        chosen = [(pivot, language) for language in languages if language != pivot]
    elif pairs == "all":
        chosen = list(combinations(list(states.languages) if targets is None else languages, 2))
    elif isinstance(pairs, str):
        raise unknown("kind of pairs", pairs, ["pivot", "all"])
    else:
        chosen = [(_held(states, one), _held(states, other)) for one, other in pairs]
    if not chosen:
        raise RepalignError(
            f"no pair of languages: {states.checkpoint} holds {', '.join(states.languages)}; give two or more"
        )
    return chosen


def find_pivot(states: LayerStates, pivot: str) -> str:
    """The language of some states that a pivot means, in whatever spelling.

    Raises:
        RepalignError: they do not hold it.
    """
    return find_language(pivot, states.languages, f"in the states of {states.checkpoint}; give another pivot")


def _held(states: LayerStates, language: str) -> str:
    return find_language(
        language, states.languages, f"in the states of {states.checkpoint}, which hold no others"
    )


def same_sentences(a: LayerStates, b: LayerStates, layers: bool = True) -> None:
    """Refuse to pair checkpoints that were read on different sentences, or (if `layers`) have different layers.

    Raises:
        RepalignError: the sentences or layers differ.
    """
    both = f"{a.checkpoint} and {b.checkpoint}"
    if a.n_sentences != b.n_sentences or not np.array_equal(a.groups, b.groups):
        raise RepalignError(
            f"{both} hold different sentences ({a.n_sentences} and {b.n_sentences}); extract both on the same "
            "corpus, with the same limit, so that they can be compared sentence by sentence"
        )
    documents = [np.array([]) if one.documents is None else one.documents for one in (a, b)]
    if not np.array_equal(documents[0], documents[1]):
        raise RepalignError(
            f"{both} hold sentences of different documents; extract both on the same corpus, with the same documents"
        )
    for language in set(a.texts) & set(b.texts):
        differ = [
            row
            for row, pair in enumerate(zip(a.texts[language], b.texts[language], strict=True))
            if len({*pair}) > 1
        ]
        if differ:
            raise RepalignError(
                f"{both} hold different sentences: {len(differ)} differ in {language!r}, the first is row "
                f"{differ[0]}; extract both on the same corpus"
            )
    if layers and a.layers != b.layers:
        raise RepalignError(
            f"{both} have different layers ({a.layers[0]}..{a.layers[-1]} and "
            f"{b.layers[0]}..{b.layers[-1]}); name shared ones with layers=, "
            "or profile both in one table and draw them over depth"
        )


def is_compared(first: LayerStates, last: LayerStates, count: int, compare: bool) -> bool:
    """Whether the difference of the last checkpoint from the first is scored, too.

    Args:
        first, last: of the checkpoints.
        count: of the checkpoints.
        compare: whether they are the two of a comparison; else there is a difference from three checkpoints on.
    """
    if compare or count < 3:
        return compare
    is_streamed = first.streamed or last.streamed
    if is_streamed or first.layers != last.layers:
        why = "states are streamed" if is_streamed else "their layers differ"
        logger.info("no paired difference of %s and %s: %s", first.checkpoint, last.checkpoint, why)
        return False
    return True
