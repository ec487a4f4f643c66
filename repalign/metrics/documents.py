"""Documents: which sentences belong together, and which may be exchanged under the null hypothesis.

Translations of sentences from one document share its topic. Exchanging sentences within documents keeps the topic and
breaks the translation, so a score above this null is due to more than the topic, and the test stays valid
where documents differ from each other in either language.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

FEW = 64
"""Sentences on which sums over all pairs are shuffled: enough to see how the shuffles of two layers go together."""


class Documents:
    """The document of each sentence.

    Args:
        of: number or name of the document, [sentence].

    Attributes:
        number: int64 [sentence], from 0 without gaps.
        clusters: the sentences of each document.
        strata: the sentences that may be exchanged: those of one document, and all that are alone in theirs.
    """

    def __init__(self, of: Any) -> None:
        self.number, counts = np.unique(np.asarray(of), return_inverse=True, return_counts=True)[1:]
        self.clusters = Partition(self.number)
        alone = counts[self.number] == 1
        self.strata = Partition(np.unique(np.where(alone, len(counts), self.number), return_inverse=True)[1])

    def take(self, rows: Any) -> Documents:
        """The documents of a subset of sentences."""
        return Documents(self.number[np.asarray(rows)])

    def leaving_out(self, value: float, without: torch.Tensor, influence: torch.Tensor) -> torch.Tensor:
        """Influence, of mean zero, whose sum over each document is that of leaving the document out: double [sentence].

        A document moves the means that others are compared with by more than all of its sentences one by one, so with few
        documents the sum over these says too little.

        Args:
            value: the score.
            without: the score without each document, double [document].
            influence: of each sentence by itself, double [sentence].
        """
        own = self.clusters.index.to(without.device)
        sizes = self.clusters.sizes.to(without.device).double()
        moved = (value - without) * (len(own) - sizes)
        influence = influence + ((moved - self.clusters.sums(influence)) / sizes)[own]
        return influence - influence.mean()


class Partition:
    """Sentences in disjoint sets.

    Args:
        index: of the set that each sentence belongs to, int64 [sentence], from 0 without gaps.
    """

    def __init__(self, index: np.ndarray) -> None:
        import torch

        self.index = torch.from_numpy(index)

    @cached_property
    def sizes(self) -> torch.Tensor:
        """Sentences of each set: int64 [set]."""
        return self.index.bincount()

    @cached_property
    def by_size(self) -> list[torch.Tensor]:
        """Rows of all sets of one size, for each size: int64 [set, sentence]."""
        import torch

        order = self.index.argsort(stable=True)
        rows = order.split(self.sizes.tolist())
        return [torch.stack([r for r in rows if len(r) == size]) for size in sorted(set(self.sizes.tolist()))]

    @cached_property
    def order(self) -> torch.Tensor:
        """All rows, sets of one size after another, each set together: int64 [sentence]."""
        import torch

        return torch.cat([rows.flatten() for rows in self.by_size])

    def orders(self, count: int, seed: int) -> np.ndarray:
        """Random orders that exchange sentences within sets: int64 [order, sentence]."""
        generator = np.random.default_rng(seed)
        orders = np.empty((count, len(self.index)), dtype=np.int64)
        for rows in (one.numpy() for group in self.by_size for one in group):
            orders[:, rows] = generator.permuted(np.tile(rows, (count, 1)), axis=1)
        return orders

    def diagonal_blocks(self, matrix: torch.Tensor) -> list[torch.Tensor]:
        """The blocks within sets of a matrix [sentence, sentence], by size m: each [set, m, m]."""
        return [matrix[rows[:, :, None], rows[:, None]] for rows in self.by_size]

    def sums(self, values: torch.Tensor) -> torch.Tensor:
        """Sums over the sentences of each set: [sentence] -> [set]."""
        return values.new_zeros(len(self.sizes)).index_add_(0, self.index.to(values.device), values)

    def column_sums(self, matrix: torch.Tensor) -> torch.Tensor:
        """Sums over the columns of each set: [row, column] -> [row, set]."""
        sums = matrix.new_zeros(len(matrix), len(self.sizes))
        return sums.index_add_(1, self.index.to(matrix.device), matrix)

    def row_sums(self, matrix: torch.Tensor) -> torch.Tensor:
        """Sums over the rows of each set: [row, column] -> [set, column]."""
        sums = matrix.new_zeros(len(self.sizes), matrix.shape[1])
        return sums.index_add_(0, self.index.to(matrix.device), matrix)

    def block_sums(self, matrix: torch.Tensor) -> torch.Tensor:
        """Sums over pairs of sets: [row, column] -> double [set, set]."""
        return self.row_sums(self.column_sums(matrix).double())


@dataclass(frozen=True, eq=False)
class Shuffles:
    """Random orders of the sentences of one language.

    Attributes:
        orders: int64 [shuffle, sentence].
        index: of the set within which each sentence was exchanged, int64 [sentence].
        seed: of the orders.
    """

    orders: np.ndarray
    index: np.ndarray
    seed: int

    @classmethod
    def of(cls, sentences: int, strata: Partition | None, shuffles: int, seed: int) -> Shuffles:
        """Orders that exchange sentences within strata; without strata, all sentences."""
        index = np.zeros(sentences, dtype=np.int64) if strata is None else strata.index.numpy()
        return cls(Partition(index).orders(shuffles, seed), index, seed)

    @cached_property
    def inverse(self) -> Shuffles:
        """For the reverse direction: the same pairs of sentences, seen from the other language."""
        return Shuffles(self.orders.argsort(axis=1), self.index, self.seed)

    @cached_property
    def few(self) -> tuple[np.ndarray, np.ndarray]:
        """Some sentences, in whole strata if possible, int64 [sentence], and orders of them, int64 [shuffle, sentence]."""
        rows = np.argsort(self.index, kind="stable")[:FEW]
        index = np.unique(self.index[rows], return_inverse=True)[1]
        return rows, Partition(index).orders(len(self.orders), self.seed)
