"""Sums over pairs of sentences if sentences are exchanged within documents: their exact mean and variance.

A matrix [sentence, sentence] is split, for each pair of sets of exchangeable sentences, into a mean, effects of rows, effects of
columns, and the rest. Under shuffling the effects give linear statistics, one for each set (Hoeffding 1951, doi
10.1214/aoms/1177729545), and the rest, whose rows and columns sum to zero in every block, sums over pairs of sentences that are
uncorrelated with them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from repalign.metrics.documents import Partition
from repalign.metrics.null import Null
from repalign.metrics.quadratic import falling

if TYPE_CHECKING:
    import torch

    from repalign.metrics.pair import LayerPair, Representation


@dataclass(frozen=True, eq=False)
class Blocks:
    """A matrix, split by the sets of exchangeable sentences.

    Within a set, entries off the diagonal are split into a symmetric and an antisymmetric part, each with effects.

    Attributes:
        matrix: [sentence, sentence].
        sets: of exchangeable sentences.
        mean: off the diagonal, double [set, set].
        out: of a sentence's row, on the columns of another set, double [sentence, set].
        into: of its column, on the rows of another set, double [sentence, set].
        symmetric, antisymmetric: effects within its own set, double [sentence].
        trace: mean of the diagonal, double [set].
        diagonal: minus that mean, double [sentence].
        squares: sum of squares of the rest, double [set, set]; on the diagonal, of its symmetric part.
        crossed: sum of rest_ij rest_ji, double [set, set]; on the diagonal, squares of its antisymmetric part.
    """

    matrix: torch.Tensor
    sets: Partition
    mean: torch.Tensor
    out: torch.Tensor
    into: torch.Tensor
    symmetric: torch.Tensor
    antisymmetric: torch.Tensor
    trace: torch.Tensor
    diagonal: torch.Tensor
    squares: torch.Tensor
    crossed: torch.Tensor

    @classmethod
    def of(cls, matrix: torch.Tensor, sets: Partition) -> Blocks:
        """Split a symmetric matrix [sentence, sentence]."""
        off = matrix.clone().fill_diagonal_(0)
        rows, squares = sets.column_sums(off).double(), sets.block_sums(off.square())
        return cls.of_sums(matrix, sets, rows, rows, squares, squares, matrix.diagonal().double())

    @classmethod
    def of_graph(cls, edges: torch.Tensor, sets: Partition) -> Blocks:
        """Split the adjacency matrix of a directed graph with few edges, bool [sentence, sentence]."""
        own, count, n = sets.index.to(edges.device), len(sets.sizes), len(edges)
        start, end = edges.nonzero(as_tuple=True)

        def counted(first: torch.Tensor, second: torch.Tensor, rows: int) -> torch.Tensor:
            return (first * count + second).bincount(minlength=rows * count).view(rows, count).double()

        mutual = edges[end, start]
        return cls.of_sums(
            edges, sets, counted(start, own[end], n), counted(end, own[start], n),
            counted(own[start], own[end], count), counted(own[start[mutual]], own[end[mutual]], count),
            edges.diagonal().double(),
        )  # fmt: skip

    @classmethod
    def of_sums(
        cls,
        matrix: torch.Tensor,
        sets: Partition,
        rows: torch.Tensor,
        columns: torch.Tensor,
        squares: torch.Tensor,
        crossed: torch.Tensor,
        diagonal: torch.Tensor,
    ) -> Blocks:
        """From sums off the diagonal.

        Args:
            matrix, sets: as in the result.
            rows: of a sentence's row over each set, double [sentence, set].
            columns: of its column, likewise.
            squares: of squares over each block, double [set, set].
            crossed: of a_ij a_ji, likewise.
            diagonal: double [sentence].
        """
        import torch

        sizes, own = sizes_of(sets, matrix), sets.index.to(matrix.device)
        others = torch.arange(len(sizes), device=matrix.device) != own[:, None]
        trace = sets.sums(diagonal) / sizes
        pairs = sizes[:, None] * sizes - sizes.diag()
        mean = sets.row_sums(rows) / pairs.clamp(min=1)
        out, into = (rows / sizes - mean[own]) * others, (columns / sizes - mean.T[own]) * others

        sent, received = (sums.gather(1, own[:, None]).flatten() for sums in (rows, columns))
        size, middle = sizes[own], mean.diagonal()
        symmetric = ((sent + received) / 2 - (size - 1) * middle[own]) / (size - 2).clamp(min=1)
        antisymmetric = (sent - received) / (2 * size)

        # Sums of squares of the rest: those of the matrix, less those of means and effects.
        same, opposite = (squares + crossed).diagonal() / 2, (squares - crossed).diagonal() / 2
        same = same - middle**2 * sizes * (sizes - 1) - 2 * (sizes - 2) * sets.sums(symmetric**2)
        opposite = opposite - 2 * sizes * sets.sums(antisymmetric**2)
        by_row, by_column, both = (sets.row_sums(effects) for effects in (out**2, into**2, out * into))
        rest = squares - pairs * mean**2 - sizes * by_row - (sizes * by_column).T
        crossed = crossed - pairs * mean * mean.T - sizes * both - (sizes * both).T
        rest.diagonal().copy_(same)
        crossed.diagonal().copy_(opposite)
        return cls(
            matrix,
            sets,
            mean,
            out,
            into,
            symmetric,
            antisymmetric,
            trace,
            diagonal - trace[own],
            rest,
            crossed,
        )

    @cached_property
    def rest(self) -> torch.Tensor:
        """The rest of a symmetric matrix, in the order of `Partition.order`: [sentence, sentence], zero diagonal."""
        import torch

        order = self.sets.order
        own = self.sets.index[order].to(self.matrix.device)
        effects = self.out[order].to(self.matrix.dtype)
        rest = self.matrix[order][:, order] - (effects + self.mean[own].to(effects.dtype))[:, own]
        rest.T.sub_(effects[:, own])
        start = 0
        for rows in self.sets.by_size:
            where = torch.arange(start, start + rows.numel(), device=rest.device).view(rows.shape)
            inner = self.symmetric[rows].to(rest.dtype)
            rest[where[:, :, None], where[:, None]] -= inner[:, :, None] + inner[:, None]
            start += rows.numel()
        return rest.fill_diagonal_(0)

    @cached_property
    def triangles(self) -> float:
        """Sum of rest_ij rest_jk rest_ki, relative to the power 3/2 of its sum of squares."""
        total = _dot(self.rest, self.rest)
        return _dot(self.rest @ self.rest, self.rest) / total**1.5 if total > 0 else 0.0


def sizes_of(sets: Partition, like: torch.Tensor) -> torch.Tensor:
    """Sentences of each set, on the device of `like`: double [set]."""
    return sets.sizes.to(like.device).double()


def shuffled_within(
    pair: LayerPair, matrix: Callable[[Representation], torch.Tensor], graph: bool = False
) -> Null:
    """Null of sum_ij A_ij B_ij, `matrix` of both languages, if sentences are exchanged within documents.

    Mean and variance are exact. Of the third moment, the terms of leading order in the sizes of the documents are kept;
    of graphs, it is not computed.

    Args:
        pair: with documents.
        matrix: of one language, symmetric [sentence, sentence], or with `graph` the edges of a directed graph, bool.

    Raises:
        ValueError: a pair without documents.
    """
    if pair.strata is None:
        raise ValueError("no documents")
    x, y = (side.once(_split, matrix, pair.strata, graph) for side in (pair.source, pair.target))
    return null_of_blocks(x, y, skewed=not graph)


def _split(
    side: Representation, matrix: Callable[[Representation], torch.Tensor], sets: Partition, graph: bool
) -> Blocks:
    return (Blocks.of_graph if graph else Blocks.of)(side.once(matrix), sets)


def null_of_blocks(x: Blocks, y: Blocks, skewed: bool = True) -> Null:
    """See `shuffled_within`."""
    sizes = sizes_of(x.sets, x.mean)
    pairs = sizes[:, None] * sizes - sizes.diag()
    mean = float((x.mean * y.mean * pairs).sum() + (sizes * x.trace * y.trace).sum())
    linear = [_linear(x, y, rows, sizes) for rows in x.sets.by_size]
    of_linear = sum(float(one.square().sum()) / max(one.shape[1] - 1, 1) for one in linear)
    of_rest = _variance_of_rest(x, y, sizes)
    variance = max(of_linear + of_rest, 0.0)
    if not skewed or variance == 0:
        return Null(mean, variance**0.5)
    third = 8**0.5 * x.triangles * y.triangles * max(of_rest, 0.0) ** 1.5 + 6 * _mixed(x, y, linear)
    for one in linear:
        m = one.shape[1]
        third += float(one.pow(3).sum()) * m / (max(m - 1, 1) * max(m - 2, 1))
    return Null(mean, variance**0.5, third / variance**1.5)


def _linear(x: Blocks, y: Blocks, rows: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """For sets of one size m, rows [set, m]: the matrix M [set, m, m] whose sum over M[i, shuffled(i)] is their linear part."""
    import torch

    m = rows.shape[1]
    linear = torch.bmm(x.out[rows] * sizes, y.out[rows].transpose(1, 2))
    linear += torch.bmm(x.into[rows] * sizes, y.into[rows].transpose(1, 2))
    for factor, name in ((2 * (m - 2), "symmetric"), (2 * m, "antisymmetric"), (1, "diagonal")):
        linear += factor * getattr(x, name)[rows][:, :, None] * getattr(y, name)[rows][:, None]
    return linear


def _mixed(x: Blocks, y: Blocks, linear: list[torch.Tensor]) -> float:
    """E[linear^2 rest] / 2, its leading term: the rest of x times that of y between the linear parts."""
    import torch

    moved = [torch.empty_like(side.rest) for side in (x, y)]
    start = 0
    for one in linear:
        count, m = one.shape[:2]
        factor = (one / max(m - 1, 1)).to(x.rest.dtype)
        block = slice(start, start + count * m)
        for into, side, by in ((moved[0], x, factor.transpose(1, 2)), (moved[1], y, factor)):
            into[block] = torch.bmm(by, side.rest[block].view(count, m, -1)).view(count * m, -1)
        start += count * m
    return _dot(moved[0].T, moved[1])


def _dot(one: torch.Tensor, other: torch.Tensor) -> float:
    """The sum of products of all entries."""
    import torch

    return float(torch.dot(one.flatten(), other.flatten()))


def _variance_of_rest(x: Blocks, y: Blocks, sizes: torch.Tensor) -> float:
    free = (sizes - 1).clamp(min=1)
    between = (x.squares * y.squares + x.crossed * y.crossed) / (free[:, None] * free)
    between.diagonal().zero_()
    two, three, four = (falling(sizes, count).clamp(min=1) for count in (2, 3, 4))
    same = x.squares.diagonal() * y.squares.diagonal() * (2 / two + 4 / three + 4 / four) * (sizes > 3)
    opposite = x.crossed.diagonal() * y.crossed.diagonal() * (2 / two + 4 / three) * (sizes > 2)
    return float(between.sum() + same.sum() + opposite.sum())
