"""Sums over pairs of sentences: their distribution under shuffling, and their variance without it.

CKA and RSA compare two symmetric matrices [sentence, sentence] entry by entry. For unrelated languages such
a sum depends on pairs of sentences only, not on single ones to first order, so an ordinary jackknife or bootstrap
is off by a factor of two there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from repalign.metrics.null import Null

if TYPE_CHECKING:
    import torch

    from repalign.metrics.documents import Documents


Size = TypeVar("Size", float, "torch.Tensor")


@dataclass(frozen=True, eq=False)
class UCentred:
    """A symmetric matrix as u_ij + a_i + a_j + constant off the diagonal, where all rows of u, and a, sum to
    zero.

    U-centring is due to Szekely and Rizzo 2014, doi 10.1214/14-AOS1255.

    Attributes:
        matrix: u [n, n], zero diagonal.
        effects: a, double [n].
    """

    matrix: torch.Tensor
    effects: torch.Tensor

    @cached_property
    def rows(self) -> torch.Tensor:
        """Sums of squares of the rows of u: double [n]."""
        return (self.matrix * self.matrix).sum(1).double()

    @cached_property
    def cubes(self) -> float:
        """Sum of u_ij^3."""
        return float(self.matrix.pow(3).sum(1).double().sum())

    @cached_property
    def triangles(self) -> float:
        """Sum of u_ij u_jk u_ki."""
        return float(((self.matrix @ self.matrix) * self.matrix).sum(1).double().sum())

    @cached_property
    def bend(self) -> float:
        """a' u a."""
        return float(self.effects @ (self.matrix @ self.effects.to(self.matrix.dtype)).double())

    @cached_property
    def tilt(self) -> float:
        """Sum of a_i u_ij^2."""
        return float(self.effects @ self.rows)

    @cached_property
    def whole(self) -> torch.Tensor:
        """The matrix off its diagonal, less the constant: [n, n]."""
        effects = self.effects.to(self.matrix.dtype)
        return (self.matrix + effects[:, None] + effects).fill_diagonal_(0)


def u_centred(matrix: torch.Tensor) -> UCentred:
    """Split a symmetric matrix [n, n]; its diagonal is ignored."""
    n = len(matrix)
    diagonal = matrix.diagonal()
    total = (matrix.sum(1) - diagonal) / (n - 2)
    effects = total - total.sum() / (2 * (n - 1))  # a_i + half of the constant
    u = (matrix - effects[:, None] - effects).fill_diagonal_(0)
    return UCentred(u, (effects - effects.mean()).double())


def shuffled(x: UCentred, y: UCentred, weight: float = 0.0) -> Null:
    """Null of sum_ij u_ij v_ij + weight sum_i a_i b_i over all orders of one language's sentences; its mean is 0.

    The powers of the first sum are sorted by which indices coincide; as all rows of u sum to zero, each
    pattern reduces to squares, cubes and triangles (the moments of Kazi-Aoual et al. 1995, for matrices
    without diagonal). The second is a linear statistic (Hoeffding 1951); of the moments that mix both, the
    terms of leading order in n are kept.

    Args:
        x: u and a of one language.
        y: v and b of the other.
        weight: 0 if the effects are removed, 2 (n - 2) if off-diagonal entries are compared unchanged.
    """
    n = len(x.rows)

    def orders(indices: int) -> float:  # ways to choose that many distinct indices in order
        return falling(float(n), indices)

    def patterns(u: UCentred) -> tuple[float, ...]:
        a, t = u.cubes, u.triangles
        return a, -a, t, 2 * a, 2 * a, a - t, 2 * t - 4 * a, 16 * a - 8 * t

    variance = float(x.rows.sum() * y.rows.sum()) * (2 / orders(2) + 4 / orders(3) + 4 / orders(4))
    ways, indices = (4, 24, 8, 6, 8, 24, 12, 1), (2, 3, 3, 4, 4, 4, 5, 6)
    third = sum(
        way * p * q / orders(count)
        for way, count, p, q in zip(ways, indices, patterns(x), patterns(y), strict=True)
        if count <= n
    )
    if weight:
        squares = float(x.effects.square().sum() * y.effects.square().sum())
        cubes = float(x.effects.pow(3).sum() * y.effects.pow(3).sum())
        variance += weight**2 * squares / (n - 1)
        third += weight**3 * cubes * n / ((n - 1) * (n - 2))
        third += 3 * weight**2 * 2 * x.bend * y.bend / orders(2) + 3 * weight * 4 * x.tilt * y.tilt / orders(
            2
        )
    return Null(0.0, variance**0.5, third / variance**1.5 if variance > 0 else 0.0)


def without_second_order(
    influence: torch.Tensor,
    effect: torch.Tensor,
    null_sd: float,
    room: float,
    documents: Documents | None = None,
    directed: bool = False,
) -> torch.Tensor:
    """Remove from a jackknife the variance due to pairs of sentences, or of documents, which it counts twice.

    Source: Efron and Stein 1981, doi 10.1214/aos/1176345462.

    Args:
        influence: [sentence], from leaving out one sentence at a time.
        effect: what each ordered pair of sentences contributes to the score [sentence, sentence], zero diagonal;
            if `directed`, what the second sentence of a pair contributes to the score of the first.
        null_sd: standard error under shuffling, where only pairs matter.
        room: share of it to keep in any case: 1 at chance, 0 for identical languages.
        documents: of the sentences; None if every sentence is independent.
        directed: see `effect`.
    """
    influence = influence - influence.mean()
    n, twice = len(influence), 1 if directed else 2
    if documents is None:
        total, pairs = float((influence**2).sum()), twice * n**2 * _sum_of_squares(effect)
        least = (room * null_sd * n) ** 2
    else:
        clusters = documents.clusters
        blocks = clusters.block_sums(effect)
        total = float(clusters.sums(influence).square().sum())
        # What a document does on average is its own effect, so only the rest of each block is due to the pair.
        both = (blocks + blocks.T) / 2
        pairs = twice * n**2 * _sum_of_squares(u_centred(both).matrix) if len(blocks) > 3 else 0.0
        least = room**2 * pairs
    kept = max(total - pairs, least)
    return influence * (kept / total) ** 0.5 if total > 0 else influence


def without_own_pairs(
    influence: torch.Tensor, effect: torch.Tensor, documents: Documents | None
) -> torch.Tensor:
    """The influence of sentences that are left out together with their document: pairs within it are lost once, not twice.

    Args:
        influence: [sentence], from leaving out one sentence at a time.
        effect: what the second sentence of a pair contributes to the first, [sentence, sentence].
        documents: of the sentences; None if every sentence is independent.
    """
    if documents is None:
        return influence
    own = documents.clusters.index.to(effect.device)
    inner = documents.clusters.column_sums(effect.T).gather(1, own[:, None]).flatten()
    return influence - len(influence) * inner


def falling(size: Size, factors: int) -> Size:
    """size (size - 1) (size - 2) ..., a number of factors: of a number, or of every entry of a tensor."""
    product = size
    for step in range(1, factors):
        product = product * (size - step)
    return product


def _sum_of_squares(matrix: torch.Tensor) -> float:
    return float(matrix.square().sum(1).double().sum())
