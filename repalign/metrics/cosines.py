"""Cosines that keep their precision in a narrow cone, and the maximum of each row, where a tie is a tie.

In a real model the states of all sentences can point almost the same way: at a mean cosine of .99999, cosines differ
in their sixth decimal, which a product of unit vectors in float32 does not hold. So the cosine is computed from the
distance of two unit vectors, u'v = 1 - |u - v|^2 / 2, and that from their deviations from the mean directions: small
numbers, of which float32 keeps 7 digits whatever their size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from repalign.metrics.pairwise import ROOM, Largest, Pairwise

if TYPE_CHECKING:
    import torch


NARROW = 0.5
"""Mean cosine from which on deviations are used; below it, a product of unit vectors is as precise."""


class Cone(NamedTuple):
    """The directions of one language: deviations of its unit vectors from their mean, or from 0 if it is not narrow."""

    axis: torch.Tensor  # double [dim]: what they deviate from
    deviations: torch.Tensor  # [sentence, dim], in the dtype of the states
    lengths: torch.Tensor  # double [sentence], of the deviations
    none: torch.Tensor  # bool [sentence]: a zero vector, which has no direction


def unit_vectors(states: torch.Tensor) -> torch.Tensor:
    """States [sentence, dim] scaled to length 1, in double; a zero vector stays zero."""
    import torch

    unit = states.to(torch.float64, copy=True)
    lengths = unit.norm(dim=1, keepdim=True)
    return unit.div_(lengths.where(lengths > 0, 1))


def cone(states: torch.Tensor) -> Cone:
    """The directions of states [sentence, dim].

    Deviations smaller than the rounding of the states are zero: those of a layer where all states are equal.
    """
    import torch

    parts = states.split(
        max(ROOM // (8 * states.shape[1]), 1)
    )  # in double, one part of the sentences at a time
    unit, axis = states, states.new_zeros(states.shape[1], dtype=torch.float64)
    for part in parts:
        unit = unit_vectors(part)
        axis = axis + unit.sum(0) / len(states)
    none = ~states.any(1)
    narrow = bool(axis @ axis >= NARROW)
    if not narrow:  # exact zeros stay zero: cosines of sparse states without a shared dim
        axis = torch.zeros_like(axis)
    deviations, lengths = torch.empty_like(states), axis.new_ones(len(states))
    start = 0
    for part in parts:
        unit = unit_vectors(part) if len(parts) > 1 else unit
        rows = slice(start, start + len(part))
        start = rows.stop
        if narrow:
            lengths[rows] = unit.sub_(axis).norm(dim=1)
        deviations[rows] = unit
    if narrow:
        noise = lengths <= 8 * torch.finfo(states.dtype).eps
        deviations.masked_fill_(noise[:, None], 0)
        lengths.masked_fill_(noise, 0)
    return Cone(axis, deviations, lengths, none)


@dataclass(frozen=True)
class Cosines:
    """All cosines of two languages, as `base` + `relative`.

    Attributes:
        base: the level that all cosines share.
        matrix: [source, target], in the dtype of the states: cosine minus `base`. Ranks, margins and differences
            are taken from it.
        lengths: double [source] and [target]: of the deviations within each language.
        apart: distance between the mean directions of the two languages.
    """

    base: float
    matrix: Pairwise
    lengths: tuple[torch.Tensor, torch.Tensor]
    apart: float

    @property
    def relative(self) -> torch.Tensor:
        """`matrix` as a whole.

        Raises:
            RepalignError: more than this machine's memory.
        """
        return self.matrix.whole

    @property
    def T(self) -> Cosines:
        """From target to source."""
        return Cosines(self.base, self.matrix.T, (self.lengths[1], self.lengths[0]), self.apart)

    def rounding(self, target: torch.Tensor) -> torch.Tensor:
        """By how much the cosines of each source with equal targets can differ: double [source].

        A matrix product sums in another order at the edge of a block. Measured over sizes and dtypes, the difference is
        at most a quarter of this bound.

        Args:
            target: int [source], one of the targets.
        """
        import torch

        spread = self.lengths[0] + self.lengths[1][target]
        return torch.finfo(self.matrix.like.dtype).eps / 2 * spread * (spread + 2 * self.apart)


def cosines(x: Cone, y: Cone) -> Cosines:
    """Cosines of each sentence of x with each sentence of y, which have the same dims.

    With deviations u and v and D from one mean direction to the other, the squared distance of two unit vectors is
    |u - v - D|^2, so cos = 1 - |D|^2 / 2 + (u'D - u'u / 2) + (-v'D - v'v / 2) + u'v. A zero vector has cosine 0.
    """
    import torch

    apart = y.axis - x.axis
    dtype = x.deviations.dtype
    rows = (x.deviations @ apart.to(dtype)).double() - x.lengths**2 / 2
    columns = -(y.deviations @ apart.to(dtype)).double() - y.lengths**2 / 2
    shift = rows.mean()
    base = float(1 - apart @ apart / 2 + shift + columns.mean())
    of_column, of_row = (columns - columns.mean()).to(dtype), (rows - shift).to(dtype)
    with_none = bool(x.none.any() or y.none.any())

    def block(some: Any, others: Any) -> torch.Tensor:
        relative = torch.addmm(of_column[others], x.deviations[some], y.deviations[others].T)
        relative += of_row[some][:, None]
        if with_none:
            relative.masked_fill_(x.none[some][:, None] | y.none[others], -base)
        return relative

    shape = len(x.deviations), len(y.deviations)
    return Cosines(base, Pairwise(shape, block, x.deviations), (x.lengths, y.lengths), float(apart.norm()))


@dataclass(frozen=True)
class Winners:
    """Position of the maximum in each row of a score matrix, and whether it is unique."""

    index: torch.Tensor  # int [row]
    strict: torch.Tensor  # bool [row]

    @property
    def positions(self) -> torch.Tensor:
        """Int [row]: 0, 1, 2, ..."""
        import torch

        return torch.arange(len(self.index), device=self.index.device)

    @property
    def hits(self) -> torch.Tensor:
        """Bool [row]: the diagonal is the row's unique maximum."""
        return self.strict & (self.index == self.positions)


def winners(largest: Largest, rounding: Callable[[torch.Tensor], torch.Tensor]) -> Winners:
    """The maximum of each row.

    Args:
        largest: two entries of each row, or more.
        rounding: from the column of the maximum, int [row], to the difference up to which two scores are a tie,
            [row]; for cosines `Cosines.rounding`.
    """
    best, index = largest.values[:, 0], largest.columns[:, 0]
    least = best - rounding(index).to(best.dtype)
    return Winners(index, (largest.values[:, 1:2] < least[:, None]).all(1))
