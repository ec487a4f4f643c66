"""Made states whose translations share more meaning with every layer, and quick profiles of them."""

from __future__ import annotations

import dataclasses

import numpy as np

from repalign import LayerStates, profile

LANGUAGES = ("en", "zh", "ar")


N, D, LAYERS = 80, 16, 3


def made(
    seed: int = 0, strength: float = 1.0, checkpoint: str = "a", languages=LANGUAGES, **changes
) -> LayerStates:
    """States in which translations share more meaning with every layer; layer 0 shares none."""
    rng = np.random.default_rng(100)
    meaning = rng.normal(size=(N, D))
    lengths = {language: rng.integers(4, 30, size=N) for language in languages}
    texts = {language: [f"{language} {row}" for row in range(N)] for language in languages}
    ids = {language: [rng.integers(0, 300, size=k) for k in lengths[language]] for language in languages}
    own = np.random.default_rng(seed)
    arrays = {
        language: np.stack(
            [
                strength * layer * meaning + own.normal(size=(N, D)) + 2 * own.normal(size=D)
                for layer in range(LAYERS)
            ]
        ).astype(np.float32)
        for language in languages
    }
    states = LayerStates.from_arrays(arrays, checkpoint=checkpoint, texts=texts, token_counts=lengths)
    return dataclasses.replace(states, token_ids=ids, **changes)


def repeated(times: int, **changes) -> LayerStates:
    """Made states of documents in which every sentence says nearly the same, the documents in order."""
    states = made(**changes)
    noise = np.random.default_rng(1).normal(size=(LAYERS, N, D)).astype(np.float32) / 50
    arrays = {language: array[:, np.arange(N) // times] + noise for language, array in states.arrays.items()}
    return dataclasses.replace(states, arrays=arrays, documents=np.arange(N) // times)


def quiet(*states, **request):
    return profile(*states, draws=200, progress=False, **request)
