"""LayerStates: one vector per sentence, layer and language."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Protocol

import numpy as np

from repalign.corpora.language_choice import find_language
from repalign.errors import RepalignError
from repalign.results.summary import AS_TEXT
from repalign.signature import Signature


class LayerArray(Protocol):
    """Pooled states of one language: `array[position]` is float32 [sentence, dim], one layer."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, position: int, /) -> Any: ...


@dataclass(frozen=True, repr=False)
class LayerStates:
    """The pooled hidden states of one checkpoint on one parallel corpus.

    Row i of every language is a translation of row i of every other. The arrays are read lazily (memory-mapped
    on disk) or plain numpy arrays [layer, sentence, dim].

    Attributes:
        signature: what decides the numbers.
        arrays: language -> layers x sentences x dims.
        layers: layer numbers, e.g. 0..L; 0 is the input of block 1, l the output of block l before the final norm.
        n_blocks: number of blocks L of the model (depth = layer / L).
        texts: language -> sentences.
        token_counts: language -> int [sentence], number of tokens pooled.
        groups: int [sentence]; sentences with the same number are duplicates in some language and are resampled
            and scored together.
        token_ids: language -> one int array per sentence (without special tokens), for lexical controls; may be empty.
        metadata: data checks (problems, duplicates, truncation, fertility, ...) of the whole corpus, shown in every report.
        documents: int [sentence], equal for sentences of one document, which are resampled, shuffled and held out
            together; None if unknown.
        streamed: whether languages are computed on demand, two at a time: score pair by pair, not layer by layer.
    """

    signature: Signature
    arrays: Mapping[str, LayerArray]
    layers: tuple[int, ...]
    n_blocks: int
    texts: Mapping[str, Sequence[str]]
    token_counts: Mapping[str, np.ndarray]
    groups: np.ndarray
    token_ids: Mapping[str, Sequence[np.ndarray]] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    documents: np.ndarray | None = None
    streamed: bool = False

    def __post_init__(self) -> None:
        shapes = {language: tuple(array.shape) for language, array in self.arrays.items()}
        expected = (len(self.layers), len(self.groups))
        for language, shape in shapes.items():
            if len(shape) != 3 or shape[:2] != expected:
                raise RepalignError(
                    f"states of {language!r} have shape {shape}; expected {expected[0]} layers x {expected[1]} sentences x dims"
                )
        if self.documents is not None and np.shape(self.documents) != np.shape(self.groups):
            raise RepalignError(
                f"documents have shape {np.shape(self.documents)}; expected one for each of {len(self.groups)} sentences"
            )

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, np.ndarray],
        *,
        checkpoint: str = "arrays",
        corpus: str = "arrays",
        texts: Mapping[str, Sequence[str]] | None = None,
        token_counts: Mapping[str, np.ndarray] | None = None,
        groups: np.ndarray | None = None,
        documents: Sequence[Any] | np.ndarray | None = None,
        layers: Sequence[int] | None = None,
        n_blocks: int | None = None,
    ) -> LayerStates:
        """States from arrays you already have, e.g. in a notebook.

        Args:
            arrays: language -> float [layer, sentence, dim].
            checkpoint, corpus: names, as shown in tables and reports.
            texts: language -> sentences; by default empty.
            token_counts: language -> int [sentence], for length controls; by default 1 each.
            groups: int [sentence], equal for duplicates; by default all differ.
            documents: the document of each sentence, numbers or names; by default unknown.
            layers: layer numbers; by default 0, 1, ...
            n_blocks: of the model; by default the last layer's number.

        Raises:
            RepalignError: no language, an array that is not [layer, sentence, dim], or arrays that do not fit together.
        """
        if not arrays:
            raise RepalignError("no states: give at least one language")
        first = np.shape(next(iter(arrays.values())))
        if len(first) != 3:
            raise RepalignError(f"states are arrays [layer, sentence, dim]; got shape {first}")
        n_layers, n_sentences = first[:2]
        layers = tuple(range(n_layers) if layers is None else layers)
        return cls(
            signature=Signature(checkpoint, "-", corpus, "-"),
            arrays=arrays,
            layers=layers,
            n_blocks=layers[-1] if n_blocks is None else n_blocks,
            texts=texts or {language: [""] * n_sentences for language in arrays},
            token_counts=token_counts
            or {language: np.ones(n_sentences, dtype=np.int64) for language in arrays},
            groups=np.arange(n_sentences) if groups is None else groups,
            documents=None if documents is None else numbered(documents),
        )

    @property
    def checkpoint(self) -> str:
        return self.signature.checkpoint

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.arrays)

    @property
    def n_sentences(self) -> int:
        return len(self.groups)

    @property
    def dim(self) -> int:
        return next(iter(self.arrays.values())).shape[2]

    @property
    def sentences(self) -> int:
        """Deprecated: `n_sentences`."""
        warnings.warn("LayerStates.sentences is now n_sentences", DeprecationWarning, stacklevel=2)
        return self.n_sentences

    @property
    def tokens(self) -> Mapping[str, np.ndarray]:
        """Deprecated: `token_counts`."""
        warnings.warn("LayerStates.tokens is now token_counts", DeprecationWarning, stacklevel=2)
        return self.token_counts

    def __repr__(self) -> str:
        return (
            f"LayerStates({self.checkpoint}, {self.signature.corpus}: {self.n_sentences} sentences x "
            f"{len(self.arrays)} languages, layers {self.layers[0]}..{self.layers[-1]}, dim {self.dim})"
        )

    def _repr_html_(self) -> str:
        """For notebooks."""
        rows = "".join(
            f"<tr><td>{escape(language[:100])}</td><td>{np.mean(self.token_counts[language]):.1f}</td>"
            f"<td>{escape(str(next(iter(self.texts.get(language, ())), ''))[:100])}</td></tr>"
            for language in self.languages[:20]
        )
        more = f"<p>and {len(self.languages) - 20} more languages</p>" if len(self.languages) > 20 else ""
        return (
            f"<p><b>{escape(repr(self)[:500])}</b><br>{escape(str(self.signature)[:500])}</p>"
            f'<table class="{AS_TEXT}">'
            f"<tr><th>language</th><th>tokens per sentence</th><th>first sentence</th></tr>{rows}</table>{more}"
        )

    def __getitem__(self, language: str) -> np.ndarray:
        """All layers of one language: float32 [layer, sentence, dim].

        Raises:
            RepalignError: no such language.
        """
        return np.stack([self.layer(language, layer) for layer in self.layers])

    def depth(self, layer: int) -> float:
        """Relative depth in [0, 1], comparable between models with different numbers of blocks."""
        return layer / self.n_blocks if self.n_blocks else 0.0

    @property
    def distinct(self) -> np.ndarray:
        """The first sentence of each group of duplicates, ascending: int64 [group]."""
        return np.sort(np.unique(np.asarray(self.groups), return_index=True)[1])

    def clusters(self, rows: np.ndarray) -> np.ndarray | None:
        """The documents of some sentences, numbered anew from 0, for `repalign.statistics.by_cluster`; None if unknown.

        Args:
            rows: int [row], numbers of sentences.

        Returns:
            int64 [row].
        """
        return None if self.documents is None else numbered(self.documents[rows])

    def layer(self, language: str, layer: int) -> np.ndarray:
        """One layer of one language: float32 [sentence, dim].

        Raises:
            RepalignError: no such language or layer.
        """
        language = find_language(language, self.arrays, "in these states, which hold no others")
        if layer not in self.layers:
            raise RepalignError(f"no layer {layer} here; layers are {self.layers[0]}..{self.layers[-1]}")
        return np.asarray(self.arrays[language][self.layers.index(layer)])


def numbered(names: Sequence[Any] | np.ndarray) -> np.ndarray:
    """Names as numbers 0, 1, 2, ... in order of their first appearance: int64 [name]."""
    number_of: dict[Any, int] = {}
    return np.array([number_of.setdefault(name, len(number_of)) for name in names], dtype=np.int64)
