"""The states of one language: from the store, or computed shard by shard."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from repalign.errors import RepalignError
from repalign.models.outline import Outline
from repalign.models.tokenization import TokenRows
from repalign.progress import Phase
from repalign.signature import digest
from repalign.states.layer_states import LayerArray
from repalign.states.spec import ReadingSpec
from repalign.states.storage import Storage, own_storage
from repalign.states.store import Shape, Store, name_of
from repalign.states.subject import Subject, evaluating
from repalign.states.views import RowView

logger = logging.getLogger(__name__)


@dataclass
class LanguageStates:
    """The states of one language: identical token sequences are computed once.

    Attributes:
        subject: the model.
        language: its code.
        sentences: its text.
        tokens: one row per sentence.
        storage: where its states are stored, if they are.
        first: int64 [distinct], the first sentence of each distinct sequence of tokens.
        rows: int64 [sentence], the index of each sentence's distinct sequence.
    """

    subject: Subject
    language: str
    sentences: Sequence[str]
    tokens: TokenRows
    storage: Storage = field(default_factory=own_storage)
    first: np.ndarray = field(init=False)
    rows: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        # Distinct sequences, short ones first: a shard holds sentences of similar length.
        first: dict[bytes, int] = {}
        firsts = [first.setdefault(row.key, number) for number, row in enumerate(self.tokens)]
        order = sorted(first, key=lambda key: (len(key), key))
        self.first = np.array([first[key] for key in order])
        position = np.zeros(len(firsts), dtype=np.int64)
        position[self.first] = np.arange(len(self.first))
        self.rows = position[firsts]

    def compute(
        self, specs: Sequence[ReadingSpec], phase: Phase | None = None
    ) -> tuple[Shape, Sequence[LayerArray]]:
        """The states by each spec's pooling, held in memory.

        Args:
            specs: that are read.
            phase: that counts tokens.
        """
        states = self.compute_rows(range(len(self.first)), specs, phase)
        return self.shape(), [RowView(array, self.rows) for array in states]

    def load_or_compute(
        self, specs: Sequence[ReadingSpec], phase: Phase | None = None
    ) -> tuple[Shape, Sequence[LayerArray]]:
        """Likewise, from the store; missing states are computed and stored. Loads the model only if necessary.

        Raises:
            RepalignError: states that are not finite, or a store that cannot be written.
        """
        stores = self.stores(specs)
        with ExitStack() as locks:
            for store in sorted(stores, key=lambda store: store.folder):
                locks.enter_context(store.locked())
            missing = [store.missing(logger.warning) for store in stores]
            shards = sorted(set().union(*missing))
            if phase is not None:
                phase.skip(self.count - sum(self.tokens_in(stores[0].span(shard)) for shard in shards))
            for shard in shards:
                run_shard(self, specs, stores, shard, phase)
            arrays = [RowView(store.array(), self.rows) for store in stores]
        return stores[0].shape, arrays

    def load(self, spec: ReadingSpec) -> LayerArray:
        """Likewise by one spec, from the store; nothing is computed, nor is the model loaded.

        Raises:
            RepalignError: states are missing, or were damaged; says what to run first.
        """
        store = self.find(spec)
        if store is not None:
            with store.locked():
                if not store.missing(logger.warning):
                    return RowView(store.array(), self.rows)
        raise RepalignError(
            f"states of {self.subject.name} in {self.language} are missing in {self.storage}; "
            "run `repalign extract` with the same options first"
        )

    def store_name(self, spec: ReadingSpec) -> str:
        """The name of the store of a spec, whether it exists or not."""
        return name_of(self.key(spec))

    def find(self, spec: ReadingSpec) -> Store | None:
        """The store of a spec, or None if nothing of it is written yet."""
        return Store.find(self.storage.folder, self.key(spec), self.storage.remote)

    def stores(self, specs: Sequence[ReadingSpec], outline: Outline | None = None) -> list[Store]:
        """The store of each spec; nothing is written.

        Args:
            specs: that are read.
            outline: of the model; without it, the model is loaded if one of the stores does not exist.
        """
        root, remote = self.storage.folder, self.storage.remote
        keys = [self.key(spec) for spec in specs]
        return [
            Store.find(root, key, remote) or Store.of(root, key, self.shape(outline), remote) for key in keys
        ]

    def key(self, spec: ReadingSpec) -> dict[str, Any]:
        """Everything that decides the states: a different key is a different store."""
        source, expected = spec.pooling.source, self.subject.in_model(self.language)
        return {
            "weights": self.subject.weights,
            "tokenizer": self.subject.tokenizer_digest,
            "language": self.language,
            "text": digest(self.sentences),
            "tokens": digest(row.key for row in self.tokens),  # covers the template's text as well
            "max_length": self.subject.max_length,
            "side": self.subject.stack,
            "layers": "all" if spec.layers is None else list(spec.layers),
            **self.subject.reading(spec),
            **({"pooling_source": source} if source else {}),
            **({"language_token": expected.code} if expected else {}),
            **({"stored": self.subject.store_dtype} if self.subject.store_dtype != "float32" else {}),
        }

    def shape(self, outline: Outline | None = None) -> Shape:
        """The shape of the states; loads the model unless its outline is given."""
        outline = outline or Outline.of(self.subject.engine)
        return Shape(outline.layers, outline.blocks, len(self.first), outline.dim)

    @property
    def count(self) -> int:
        """Tokens to read: those of all distinct sentences."""
        return self.tokens_in(range(len(self.first)))

    def tokens_in(self, span: range) -> int:
        """Tokens of some distinct sentences."""
        return int(self.tokens.ids.lengths[self.first[span]].sum())

    def compute_rows(self, span: range, specs: Sequence[ReadingSpec], phase: Phase | None) -> np.ndarray:
        """The states of some distinct sentences by each spec's pooling, float32 [spec, layer, row, dim].

        Raises:
            RepalignError: a state that is not finite: names checkpoint, layer, language and sentence.
        """
        engine = self.subject.engine
        with evaluating(engine.model):
            states = engine.pool(
                [self.tokens[row] for row in self.first[span]],
                [spec.pooling for spec in specs],
                phase.update if phase else None,
            )
        if not np.isfinite(states).all():
            _, layer, row, _ = np.argwhere(~np.isfinite(states))[0]
            sentence = self.sentences[int(self.first[span[row]])]
            remedy = (
                "float32"
                if engine.dtype != "float32"
                else "another checkpoint: these weights overflow in float32"
            )
            raise RepalignError(
                f"{self.subject.name}: layer {engine.layers[layer]} of {self.language} is not finite in "
                f"{engine.dtype} for {sentence[:60]!r}; use --dtype {remedy}"
            )
        return states


def run_shard(
    states: LanguageStates,
    specs: Sequence[ReadingSpec],
    stores: Sequence[Store],
    shard: int,
    phase: Phase | None = None,
) -> bool:
    """Compute one shard of a language and write it: the unit of work, whoever does it and in whichever order.

    Its bytes depend on its sentences alone, so that doing it twice leaves the same file. What another process wrote is
    neither computed nor written again.

    Args:
        states: the language.
        specs: that are read in one pass.
        stores: one for each spec.
        shard: number of the shard.
        phase: that counts tokens.

    Returns:
        Whether there was anything to compute.

    Raises:
        RepalignError: states that are not finite, or a store that cannot be written.
    """
    if all(store.is_written(shard) for store in stores):
        return False
    # By all specs, also if one is there: which poolings are computed together decides how the template is read.
    computed = states.compute_rows(stores[0].span(shard), specs, phase)
    for store, values in zip(stores, computed, strict=True):
        store.prepare()
        if not store.is_written(shard):
            store.write(shard, values)
    return True
