"""Views of states that are not a single array in memory: on disk, in another order, or computed on demand.

Each has a shape (layers, sentences, dims), and `view[position]` is one layer, float32 [sentence, dim].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from repalign.states.shards import in_float32


@dataclass(frozen=True)
class StoredArray:
    """States [layer, row, dim] in shards along the rows, in single or half precision; `array[layer]` copies one layer into memory.

    `name` is that of their store, the digest of everything that decides them.
    """

    shards: tuple[np.ndarray, ...]
    shape: tuple[int, int, int]
    name: str = ""

    def __getitem__(self, position: int) -> np.ndarray:
        return np.concatenate([in_float32(shard[position]) for shard in self.shards])


@dataclass(frozen=True)
class RowView:
    """Rows of a stored array in another order: duplicates share a row, dropped sentences have none."""

    array: Any
    rows: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int]:
        layers, _, dim = self.array.shape
        return layers, len(self.rows), dim

    @property
    def name(self) -> str:
        """See `store_name`."""
        return store_name(self.array)

    def __getitem__(self, position: int) -> np.ndarray:
        return self.array[position][self.rows]


@dataclass(frozen=True)
class StreamedArray:
    """States of a language that are computed when a layer is read; `compute` remembers the latest languages.

    `compute` returns the arrays of several poolings; this view is the one at `number`.
    """

    shape: tuple[int, int, int]
    compute: Callable[[], Sequence[Any]]
    number: int

    def __getitem__(self, position: int) -> np.ndarray:
        return self.compute()[self.number][position]


def store_name(array: Any) -> str:
    """The name of the store that the states of a language are read from, which identifies them; empty if there is none."""
    return getattr(array, "name", "")
