"""The states of one language: from the store, or computed shard by shard."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from repalign.checkpoints import home
from repalign.errors import RepalignError
from repalign.models.tokenization import TokenRows
from repalign.signature import digest
from repalign.states.layer_states import LayerArray
from repalign.states.store import RowView, Shape, Store

if TYPE_CHECKING:
    from repalign.states.extraction import Extraction


@dataclass
class LanguageReading:
    """The states of one language: identical token sequences are computed once.

    Attributes:
        extraction: what is read, and how.
        language: its code.
        sentences: its text.
        tokens: one row a sentence.
        first: int64 [distinct], the first sentence of each distinct sequence of tokens.
        rows: int64 [sentence], which distinct sequence each sentence is.
    """

    extraction: Extraction
    language: str
    sentences: Sequence[str]
    tokens: TokenRows
    first: np.ndarray = field(init=False)
    rows: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        # Distinct sequences, short ones first: a shard holds sentences of like length.
        first: dict[bytes, int] = {}
        same = [first.setdefault(row.key, number) for number, row in enumerate(self.tokens)]
        order = sorted(first, key=lambda key: (len(key), key))
        self.first = np.array([first[key] for key in order])
        place = np.zeros(len(same), dtype=np.int64)
        place[self.first] = np.arange(len(self.first))
        self.rows = place[same]

    def in_memory(self, poolings: Sequence[str]) -> tuple[Shape, dict[str, LayerArray]]:
        states = self._compute(range(len(self.first)), poolings)
        return self.shape(), {p: RowView(array, self.rows) for p, array in zip(poolings, states, strict=True)}

    def in_store(self, poolings: Sequence[str]) -> tuple[Shape, dict[str, LayerArray]]:
        root = home() / "states"
        keys = {pooling: self._key(pooling) for pooling in poolings}
        found = {pooling: Store.find(root, key) for pooling, key in keys.items()}
        stores = {p: store or Store.create(root, keys[p], self.shape()) for p, store in found.items()}
        with ExitStack() as locks:
            for _, store in sorted(stores.items(), key=lambda item: item[1].folder):
                locks.enter_context(store.locked())
            missing = {pooling: set(store.missing(_warn)) for pooling, store in stores.items()}
            todo = sorted(set().union(*missing.values()))
            reference = next(iter(stores.values()))
            with self._bar([reference.span(shard) for shard in todo]) as bar:
                for shard in todo:
                    wanted = [pooling for pooling in poolings if shard in missing[pooling]]
                    states = self._compute(reference.span(shard), wanted)
                    for pooling, values in zip(wanted, states, strict=True):
                        stores[pooling].write(shard, values)
                    bar.update(self._count(reference.span(shard)))
        return reference.shape, {p: RowView(store.array(), self.rows) for p, store in stores.items()}

    def _key(self, pooling: str) -> dict[str, Any]:
        run = self.extraction
        return {
            "weights": run.weights.digest,
            "tokenizer": run.weights.tokenizer_digest,
            "language": self.language,
            "text": digest(self.sentences),
            "tokens": digest(row.key for row in self.tokens),
            "max_length": run._max_length,
            "side": run._side,
            "layers": list(run.layers) if run.layers is not None else "all",
            **run.reading(pooling),
        }

    def shape(self) -> Shape:
        engine = self.extraction.engine
        return Shape(engine.layers, engine.blocks, len(self.first), engine.dim)

    def _compute(self, span: range, poolings: Sequence[str]) -> np.ndarray:
        """float32 [pooling, layer, row, dim].

        Raises:
            RepalignError: a state that is not finite: names checkpoint, layer, language and sentence.
        """
        engine = self.extraction.engine
        states = engine.pool([self.tokens[row] for row in self.first[span]], poolings)
        if not np.isfinite(states).all():
            _, layer, row, _ = np.argwhere(~np.isfinite(states))[0]
            sentence = self.sentences[int(self.first[span[row]])]
            wider = (
                "float32"
                if engine.dtype != "float32"
                else "another checkpoint: these weights overflow in float32"
            )
            raise RepalignError(
                f"{self.extraction.checkpoint.name}: layer {engine.layers[layer]} of {self.language} is not finite in "
                f"{engine.dtype} for {sentence[:60]!r}; use --dtype {wider}"
            )
        return states

    def _count(self, span: range) -> int:
        return int(self.tokens.ids.lengths[self.first[span]].sum())

    def _bar(self, spans: Sequence[range]) -> tqdm:
        hidden = None if self.extraction.progress else True
        total = sum(self._count(span) for span in spans)
        name = f"{self.extraction.checkpoint.name} {self.language}"
        return tqdm(
            total=total,
            desc=name,
            unit="token",
            unit_scale=True,
            disable=hidden or (not spans or None),
            leave=False,
        )


def _warn(message: str) -> None:
    logging.getLogger("repalign").warning(message)
