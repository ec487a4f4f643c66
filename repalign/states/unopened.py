"""States that are in the store already: opened language by language when they are read, for those who only score them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from repalign.checkpoints import CheckpointLike
from repalign.corpora import CorpusLike, as_corpus
from repalign.errors import RepalignError
from repalign.states.extraction import passes
from repalign.states.layer_states import LayerArray, LayerStates
from repalign.states.spec import Machine, ReadingSpec
from repalign.states.storage import Storage
from repalign.states.store import Store
from repalign.states.subject import open_subject

OPEN = 32
"""Languages of a checkpoint that are memory-mapped at once: as many as 16 pairs can have."""


@dataclass(frozen=True)
class UnopenedArray:
    """States of a language, whose store is opened, and its checksums compared, when a layer is read.

    Attributes:
        shape: layers, sentences and dims.
        name: see `repalign.states.views.store_name`.
        store: that holds them; None if nothing is written yet.
        opened: returns the states; remembers the latest languages.
    """

    shape: tuple[int, int, int]
    name: str
    store: Store | None
    opened: Callable[[], LayerArray]

    def __getitem__(self, position: int) -> np.ndarray:
        return self.opened()[position]


def unopened_states(
    checkpoint: CheckpointLike,
    corpus: CorpusLike,
    spec: ReadingSpec,
    machine: Machine,
    storage: Storage,
) -> LayerStates:
    """The states of a checkpoint that are in the store; nothing is computed, and the model is never loaded.

    Args:
        checkpoint, corpus: see `repalign.extract`.
        spec, machine: with which they were read.
        storage: where they are stored.

    Raises:
        RepalignError: none of them is in the store; says what to run first. Reading a language of which some are missing
            raises it, too.
    """
    subject = open_subject(checkpoint, spec, machine)
    (one,) = passes(subject, as_corpus(corpus), [spec], machine.progress, storage)
    languages = one.languages()
    stores = {language: states.find(spec) for language, states in languages.items()}
    shape = next((found.shape for found in stores.values() if found), None)
    if shape is None:
        raise RepalignError(
            f"{storage} holds no states of {subject.name} that are read like this; run `repalign extract` with the same "
            "options first"
        )
    opened = lru_cache(maxsize=OPEN)(lambda language: languages[language].load(spec))
    arrays = {
        language: UnopenedArray(
            (len(shape.layers), len(states.rows), shape.dim),
            states.store_name(spec),
            stores[language],
            partial(opened, language),
        )
        for language, states in languages.items()
    }
    return one.layer_states(spec, shape, arrays)


def stores_of(states: LayerStates) -> dict[str, Store | None]:
    """The stores of unopened states by language; None where nothing is written yet."""
    return {
        language: array.store for language, array in states.arrays.items() if isinstance(array, UnopenedArray)
    }
