"""How much nearer the two sides of each row are than their neighbourhoods, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from repalign.metrics.pair import LayerPair, Representation

if TYPE_CHECKING:
    import torch

K = 10
"""Neighbours: of a sentence in the other language for its margin, and in the pivot for what is expected of it."""


class Margins(NamedTuple):
    """One layer of two languages.

    Attributes:
        own: cosine of each row's two sides minus the mean cosine of both with their `K` nearest others (half of what CSLS
            ranks by), which takes hubs out: float64 [row].
        around: mean of `own` over the `K` rows whose pivot sentences are nearest, float64 [row].
        rival: the pivot's row that the text fits best among the other ones, by the same margin, int64 [row].
        lead: `own` minus the margin with that rival, float64 [row]; below 0 the text fits the rival better.
        together: whether both sides are each other's best, strictly: bool [row].
    """

    own: np.ndarray
    around: np.ndarray
    rival: np.ndarray
    lead: np.ndarray
    together: np.ndarray


def margins(pair: LayerPair, twins: torch.Tensor, neighbours: torch.Tensor) -> Margins:
    """The margins of one layer.

    Args:
        pair: the pivot as source and the other language as target.
        twins: bool [row, row], rows with the same text in the pivot: they are no neighbours and no rivals of each other.
        neighbours: see `nearest`, of the pivot.

    Raises:
        RepalignError: too many rows for this machine's memory.
    """
    import torch

    cosine = pair.cosines.relative
    apart = cosine.masked_fill(twins, -torch.inf)
    k = neighbours.shape[1]
    near = apart.topk(k, dim=1).values.mean(1), apart.topk(k, dim=0).values.mean(0)
    apart -= (near[0][:, None] + near[1]) / 2
    own = cosine.diagonal() - (near[0] + near[1]) / 2
    best, rival = apart.max(0)
    together = (own > best) & (own > apart.max(1).values)
    return Margins(
        _array(own), _array(own[neighbours].mean(1)), rival.numpy(), _array(own - best), together.numpy()
    )


def nearest(side: Representation, twins: torch.Tensor) -> torch.Tensor:
    """The `K` nearest other rows of each row, or as many as there are: int [row, neighbour].

    Args:
        side: one language.
        twins: see `margins`.
    """
    import torch

    k = min(K, int((~twins).sum(1).min()))
    return LayerPair(side, side).cosines.relative.masked_fill(twins, -torch.inf).topk(k, dim=1).indices


def _array(values: torch.Tensor) -> np.ndarray:
    return values.double().numpy()
