"""The same shuffles of translations at every layer, to calibrate the best of all layers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from repalign.metrics.documents import Shuffles
from repalign.metrics.null import Null

if TYPE_CHECKING:
    import torch


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
