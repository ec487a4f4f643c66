"""LayerStates: one vector per sentence, layer and language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from repalign.errors import RepalignError, unknown
from repalign.signature import Signature


class LayerArray(Protocol):
    """Pooled states of one language: `array[position]` is float32 [sentence, dim], one layer."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, position: int, /) -> Any: ...


@dataclass(frozen=True)
class LayerStates:
    """The pooled hidden states of one checkpoint on one parallel corpus.

    Row i of every language is a translation of row i of every other. The arrays are read lazily (memory-mapped
    on disk) or plain numpy arrays [layer, sentence, dim].

    Attributes:
        signature: what decides the numbers.
        arrays: language -> layers x sentences x dims.
        layers: layer numbers, e.g. 0..L; 0 is the input of block 1, l the output of block l before the final norm.
        blocks: number of blocks L of the model (depth = layer / L).
        texts: language -> sentences.
        tokens: language -> int [sentence], number of tokens pooled.
        groups: int [sentence]; sentences with the same number are duplicates in some language and are resampled
            and scored together.
        token_ids: language -> one int array a sentence (without special tokens), for lexical controls; may be empty.
        about: data checks (duplicates, truncation, fertility, ...), shown in every report.
        streamed: languages are computed when asked for, two at a time: better scored pair by pair than layer by layer.
    """

    signature: Signature
    arrays: Mapping[str, LayerArray]
    layers: tuple[int, ...]
    blocks: int
    texts: Mapping[str, Sequence[str]]
    tokens: Mapping[str, np.ndarray]
    groups: np.ndarray
    token_ids: Mapping[str, Sequence[np.ndarray]] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    streamed: bool = False

    def __post_init__(self) -> None:
        shapes = {language: tuple(array.shape) for language, array in self.arrays.items()}
        expected = (len(self.layers), len(self.groups))
        for language, shape in shapes.items():
            if len(shape) != 3 or shape[:2] != expected:
                raise RepalignError(
                    f"states of {language!r} have shape {shape}; expected {expected[0]} layers x {expected[1]} sentences x dims"
                )

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, np.ndarray],
        *,
        checkpoint: str = "arrays",
        corpus: str = "arrays",
        texts: Mapping[str, Sequence[str]] | None = None,
        tokens: Mapping[str, np.ndarray] | None = None,
        groups: np.ndarray | None = None,
        layers: Sequence[int] | None = None,
        blocks: int | None = None,
    ) -> LayerStates:
        """States that one has already, e.g. in a notebook.

        Args:
            arrays: language -> float [layer, sentence, dim].
        """
        if not arrays:
            raise RepalignError("no states: give at least one language")
        count, sentences = next(iter(arrays.values())).shape[:2]
        layers = tuple(range(count) if layers is None else layers)
        return cls(
            signature=Signature(checkpoint, "-", corpus, "-"),
            arrays=arrays,
            layers=layers,
            blocks=layers[-1] if blocks is None else blocks,
            texts=texts or {language: [""] * sentences for language in arrays},
            tokens=tokens or {language: np.ones(sentences, dtype=np.int64) for language in arrays},
            groups=np.arange(sentences) if groups is None else groups,
        )

    @property
    def checkpoint(self) -> str:
        return self.signature.checkpoint

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.arrays)

    @property
    def sentences(self) -> int:
        return len(self.groups)

    def depth(self, layer: int) -> float:
        """Relative depth in [0, 1]: models of any number of blocks share this axis."""
        return layer / self.blocks if self.blocks else 0.0

    def layer(self, language: str, layer: int) -> np.ndarray:
        """One layer of one language: float32 [sentence, dim].

        Raises:
            RepalignError: no such language or layer here.
        """
        if language not in self.arrays:
            raise unknown("language", language, self.arrays, "these states hold no other")
        if layer not in self.layers:
            raise RepalignError(f"no layer {layer} here; layers are {self.layers[0]}..{self.layers[-1]}")
        return np.asarray(self.arrays[language][self.layers.index(layer)])
