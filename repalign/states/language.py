"""The states of one language: from the store, or computed shard by shard."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from repalign.errors import RepalignError
from repalign.models.tokenization import TokenRows
from repalign.progress import Phase
from repalign.signature import digest
from repalign.states.layer_states import LayerArray
from repalign.states.spec import ReadingSpec
from repalign.states.storage import Storage, own_storage
from repalign.states.store import Shape, Store
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
        states = self._compute(range(len(self.first)), specs, phase)
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
            missing = [set(store.missing(logger.warning)) for store in stores]
            spans = {shard: stores[0].span(shard) for shard in sorted(set().union(*missing))}
            if phase is not None:
                phase.skip(self.count - sum(map(self._count, spans.values())))
            for shard, span in spans.items():
                incomplete = [number for number in range(len(specs)) if shard in missing[number]]
                states = self._compute(span, [specs[number] for number in incomplete], phase)
                for number, values in zip(incomplete, states, strict=True):
                    stores[number].write(shard, values)
            arrays = [RowView(store.array(), self.rows) for store in stores]
        return stores[0].shape, arrays

    def stores(self, specs: Sequence[ReadingSpec]) -> list[Store]:
        """The store of each spec; nothing is written. Loads the model if one of them does not exist yet."""
        root, remote = self.storage.folder, self.storage.remote
        keys = [self.key(spec) for spec in specs]
        return [Store.find(root, key, remote) or Store.of(root, key, self.shape(), remote) for key in keys]

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

    def shape(self) -> Shape:
        """Loads the model."""
        engine = self.subject.engine
        return Shape(engine.layers, engine.n_blocks, len(self.first), engine.dim)

    @property
    def count(self) -> int:
        """Tokens to read: those of all distinct sentences."""
        return self._count(range(len(self.first)))

    def _compute(self, span: range, specs: Sequence[ReadingSpec], phase: Phase | None) -> np.ndarray:
        """float32 [spec, layer, row, dim].

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

    def _count(self, span: range) -> int:
        return int(self.tokens.ids.lengths[self.first[span]].sum())
