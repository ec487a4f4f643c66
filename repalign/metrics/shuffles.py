"""The same shuffles of translations at every layer, to calibrate the best of all layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from repalign.metrics.documents import Partition
from repalign.metrics.null import Null

if TYPE_CHECKING:
    import torch

FEW = 64
"""Sentences on which sums over all pairs are shuffled: enough to see how the shuffles of two layers go together."""


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


def sampled(null: Null, x: torch.Tensor, y: torch.Tensor) -> Null:
    """The null of a score that is linear in sum_ij A_ij B_ij, with values under shuffles.

    They are computed on a few sentences and brought to the exact moments of all, because one shuffle of n sentences
    takes n^2 operations.

    Args:
        null: the exact moments of the score.
        x, y: the matrices A and B of two languages [sentence, sentence].
    """

    def sample(shuffles: Shuffles) -> np.ndarray:
        rows, orders = shuffles.few
        few, other = (side[rows[:, None], rows].float().cpu().numpy() for side in (x, y))
        moved = other[orders[:, :, None], orders[:, None]].reshape(len(orders), -1)
        sums = (moved @ few.ravel()).astype(np.float64)
        spread = sums.std() or 1.0
        return null.mean + null.sd * (sums - sums.mean()) / spread

    return replace(null, sample=sample)


def sampled_edges(null: Null, x: torch.Tensor, y: torch.Tensor, per_edge: float) -> Null:
    """The null of a score that counts the edges that two directed graphs share, with values under shuffles.

    Args:
        null: the exact moments of the score.
        x, y: edges, bool [sentence, sentence].
        per_edge: score of one shared edge.
    """

    def sample(shuffles: Shuffles) -> np.ndarray:
        start, end = np.nonzero(x.cpu().numpy())
        edges = y.cpu().numpy().ravel()
        shared = [
            np.count_nonzero(edges.take(order.take(start) * len(y) + order.take(end)))
            for order in shuffles.orders
        ]
        return np.array(shared) * per_edge

    return replace(null, sample=sample)
