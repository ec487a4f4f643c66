"""Documents: which sentences belong together, which may be exchanged under the null hypothesis, and sums over both.

Translations of sentences from one document share its topic. Exchanging sentences within documents keeps the topic and
breaks the translation, so a score above this null is due to more than the topic, and the test stays valid
where documents differ from each other in either language.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from repalign.metrics.null import Null

if TYPE_CHECKING:
    import torch

    from repalign.metrics.pair import LayerPair, Representation


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


class Blocks(NamedTuple):
    """A matrix [sentence, sentence], split for each pair of strata into mean, effects of rows and of columns, and the rest.

    Within a stratum, entries off the diagonal are split into a symmetric and an antisymmetric part, each with effects.
    """

    mean: torch.Tensor  # double [stratum, stratum], off the diagonal
    out: torch.Tensor  # double [sentence, stratum]: of the sentence's row, on the columns of another stratum
    into: torch.Tensor  # double [sentence, stratum]: of its column, on the rows of another stratum
    symmetric: torch.Tensor  # double [sentence]: within its own stratum
    antisymmetric: torch.Tensor  # double [sentence]
    diagonal: torch.Tensor  # double [sentence], minus its stratum's mean
    trace: torch.Tensor  # double [stratum]: mean of the diagonal
    squares: (
        torch.Tensor
    )  # double [stratum, stratum]: sum of squares of the rest; its diagonal: of the symmetric part
    crossed: (
        torch.Tensor
    )  # double [stratum, stratum]: sum of rest_ij rest_ji; its diagonal: squares, antisymmetric part
    rest: torch.Tensor  # [sentence, sentence], zero diagonal
    cubes: torch.Tensor  # double [stratum, stratum]: sum of rest_ij^3
    crossed_cubes: torch.Tensor  # double [stratum, stratum]: sum of rest_ij^2 rest_ji
    triangles: float  # sum of rest_ij rest_jk rest_ki, relative to the power 3/2 of its sum of squares


def blocks(matrix: torch.Tensor, strata: Partition) -> Blocks:
    """Split a matrix [sentence, sentence]."""
    import torch

    sizes = strata.sizes.to(matrix.device).double()
    own = strata.index.to(matrix.device)
    within = own[:, None] == own
    diagonal = matrix.diagonal().double()
    trace = _means(diagonal, strata, sizes)
    off = matrix.clone().fill_diagonal_(0)
    pairs = sizes[:, None] * sizes - sizes.diag()
    mean = strata.block_sums(off) / pairs.clamp(min=1)

    rows, columns = strata.column_sums(off).double(), strata.row_sums(off).double().T
    others = torch.arange(len(sizes), device=matrix.device) != own[:, None]
    out = (rows / sizes - mean[own]) * others
    into = (columns / sizes - mean.T[own]) * others

    sent, received = (sums.gather(1, own[:, None]).flatten() for sums in (rows, columns))
    size = sizes[own]
    middle = mean.diagonal()[own]
    symmetric = ((sent + received) / 2 - (size - 1) * middle) / (size - 2).clamp(min=1)
    antisymmetric = (sent - received) / (2 * size)
    # The sums (a_i + a_j + constant) + (e_i - e_j) within a stratum, (row effect + column effect + mean) between strata.
    fitted = torch.where(
        within,
        (symmetric + antisymmetric)[:, None] + (symmetric - antisymmetric) + middle[:, None],
        out.gather(1, own.expand(len(own), -1)) + into.gather(1, own.expand(len(own), -1)).T + mean[own][:, own],
    )  # fmt: skip
    rest = (off - fitted.to(off.dtype)).fill_diagonal_(0)
    squares, crossed = strata.block_sums(rest.square()), strata.block_sums(rest * rest.T)
    same, opposite = squares.diagonal().clone(), crossed.diagonal().clone()
    squares.diagonal().copy_((same + opposite) / 2)
    crossed.diagonal().copy_((same - opposite) / 2)
    total = float(rest.double().square().sum())
    triangles = float(((rest @ rest) * rest.T).sum(1).double().sum()) if total > 0 else 0.0
    return Blocks(
        mean, out, into, symmetric, antisymmetric, diagonal - trace[own], trace, squares, crossed,
        rest, strata.block_sums(rest**3), strata.block_sums(rest**2 * rest.T),
        triangles / total**1.5 if total > 0 else 0.0,
    )  # fmt: skip


def _means(values: torch.Tensor, strata: Partition, sizes: torch.Tensor) -> torch.Tensor:
    return values.new_zeros(len(sizes)).index_add_(0, strata.index.to(values.device), values) / sizes


def shuffled_within(pair: LayerPair, matrix: Callable[[Representation], torch.Tensor]) -> Null:
    """Null of sum_ij A_ij B_ij, `matrix` of both languages, if sentences are exchanged within documents.

    Raises:
        ValueError: a pair without documents.
    """
    if pair.strata is None:
        raise ValueError("no documents")
    x, y = (side.once(_split, matrix, pair.strata) for side in (pair.source, pair.target))
    return null_of_blocks(x, y, pair.strata)


def _split(
    side: Representation, matrix: Callable[[Representation], torch.Tensor], strata: Partition
) -> Blocks:
    return blocks(side.once(matrix), strata)


def null_of_blocks(x: Blocks, y: Blocks, strata: Partition) -> Null:
    """Null of sum_ij A_ij B_ij if the sentences of one language are exchanged within strata.

    Mean and variance are exact: the effects give linear statistics, one for each stratum (Hoeffding 1951, doi
    10.1214/aoms/1177729545), and the rest, whose rows and columns sum to zero in every block, sums over pairs of
    sentences that are uncorrelated with them. Of the third moment, the terms of leading order in the sizes of strata are kept.

    Args:
        x, y: of the matrices A and B, of one language each.
        strata: the same for both.
    """
    sizes = strata.sizes.to(x.mean.device).double()
    pairs = sizes[:, None] * sizes - sizes.diag()
    mean = float((x.mean * y.mean * pairs).sum() + (sizes * x.trace * y.trace).sum())
    linear = [_linear(x, y, rows.to(x.mean.device), sizes) for rows in strata.by_size if rows.shape[1] > 1]
    variance = third = 0.0
    for one in linear:
        m = one.shape[1]
        variance += float(one.square().sum()) / (m - 1)
        third += float(one.pow(3).sum()) * m / ((m - 1) * max(m - 2, 1))
    rest = _variance_of_rest(x, y, sizes)
    third += 8**0.5 * x.triangles * y.triangles * rest**1.5 + _mixed_third(x, y, strata, linear, sizes)
    third += float(((x.cubes * y.cubes + 3 * x.crossed_cubes * y.crossed_cubes) / _free_pairs(sizes)).sum())
    variance += rest
    return Null(mean, variance**0.5, third / variance**1.5 if variance > 0 else 0.0)


def _linear(x: Blocks, y: Blocks, rows: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """For strata of one size m, [stratum, m]: the matrix M [stratum, m, m] whose sum over M[i, shuffled(i)] is their linear part."""
    import torch

    m = rows.shape[1]
    linear = torch.einsum("gih,gjh->gij", x.out[rows] * sizes, y.out[rows])
    linear += torch.einsum("gih,gjh->gij", x.into[rows] * sizes, y.into[rows])
    for factor, name in ((2 * (m - 2), "symmetric"), (2 * m, "antisymmetric"), (1, "diagonal")):
        linear += factor * getattr(x, name)[rows][:, :, None] * getattr(y, name)[rows][:, None]
    return linear


def _mixed_third(
    x: Blocks, y: Blocks, strata: Partition, linear: list[torch.Tensor], sizes: torch.Tensor
) -> float:
    """3 E[linear^2 rest] + 3 E[linear rest^2], terms of leading order."""
    import torch

    moved, crossed = torch.zeros_like(y.rest), 0.0
    powers = [
        (strata.column_sums(one.rest.square()) / (sizes - 1).clamp(min=1).sqrt()).double() for one in (x, y)
    ]
    groups = [rows.to(x.mean.device) for rows in strata.by_size if rows.shape[1] > 1]
    for rows, one in zip(groups, linear, strict=True):
        moved[rows] = torch.einsum("gij,gjn->gin", (one / (rows.shape[1] - 1)).to(y.rest.dtype), y.rest[rows])
        crossed += float(
            torch.einsum("gij,gih,gjh->", one / (rows.shape[1] - 1), powers[0][rows], powers[1][rows])
        )
    both = 0.0
    for rows, one in zip(groups, linear, strict=True):
        again = torch.einsum("gij,ngj->ngi", (one / (rows.shape[1] - 1)).to(y.rest.dtype), moved[:, rows])
        both += float((again * x.rest[:, rows]).sum(1).double().sum())
    return 6 * both + 12 * crossed


def _variance_of_rest(x: Blocks, y: Blocks, sizes: torch.Tensor) -> float:
    between = (x.squares * y.squares + x.crossed * y.crossed) / _free_pairs(sizes)
    between.diagonal().zero_()
    two, three, four = (_falling(sizes, count).clamp(min=1) for count in (2, 3, 4))
    same = x.squares.diagonal() * y.squares.diagonal() * (2 / two + 4 / three + 4 / four) * (sizes > 3)
    opposite = x.crossed.diagonal() * y.crossed.diagonal() * (2 / two + 4 / three) * (sizes > 2)
    return float(between.sum() + same.sum() + opposite.sum())


def _free_pairs(sizes: torch.Tensor) -> torch.Tensor:
    """Degrees of freedom of a block whose rows and columns sum to zero: [stratum, stratum]."""
    free = (sizes - 1).clamp(min=1)
    return free[:, None] * free


def _falling(sizes: torch.Tensor, count: int) -> torch.Tensor:
    """size (size - 1) ... of that many factors."""
    import torch

    product = torch.ones_like(sizes)
    for step in range(count):
        product = product * (sizes - step)
    return product
