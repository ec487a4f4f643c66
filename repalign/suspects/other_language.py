"""Texts in another language than their column's: by their script, as copies of the pivot, and by their states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from repalign.corpora.checks import normalise
from repalign.corpora.scripts import share_in_script
from repalign.states.layer_states import LayerStates

MOSTLY = 0.1
"""Share of letters in the language's script below which a text is not in it: names in Latin letters, which take more letters than
Chinese characters, are often more than half."""


MOST = 0.75
"""Share of the layers at which a text is nearer to another language, if it is in that."""


def in_another_script(language: str, rows: Sequence[str], pivot: Sequence[str]) -> np.ndarray:
    """Whether nearly no letter is of the language's script, or the text is the pivot's: bool [row]."""
    return np.array(
        [
            share_in_script(text, language) < MOSTLY or normalise(text) == normalise(original)
            for text, original in zip(rows, pivot, strict=True)
        ]
    )


def nearer_to_another(states: LayerStates) -> dict[str, np.ndarray]:
    """Whether the state is nearer to the mean of another language than to that of its own, by language: bool [row].

    At three quarters of the layers at least: a sentence of names is near another language at some.
    """
    counts = {language: np.zeros(states.n_sentences, dtype=np.int64) for language in states.languages}
    for layer in states.layers:
        read = {language: states.layer(language, layer).astype(np.float64) for language in states.languages}
        for language, flags in _nearer(read).items():
            counts[language] += flags
    return {language: count >= MOST * len(states.layers) for language, count in counts.items()}


def _nearer(read: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    means = np.array([of_language.mean(axis=0) for of_language in read.values()])
    half = (means**2).sum(axis=1) / 2
    flags = {}
    for place, (language, rows) in enumerate(read.items()):
        closeness = rows @ means.T - half
        flags[language] = closeness.max(axis=1) > closeness[:, place]
    return flags
