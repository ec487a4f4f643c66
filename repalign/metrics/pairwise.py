"""One number for each pair of sentences, computed as a whole while that is small, and in panels of rows beyond.

At 100,000 sentences such a matrix has 40 GB. What is needed of it, the largest entries of rows and columns, sums and single
entries, takes one pass over panels that fit into `ROOM`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from repalign.memory import check_fits, of_machine

if TYPE_CHECKING:
    import torch

    from repalign.metrics.documents import Partition

ROOM = 128 << 20
"""Bytes of a panel: about 5,800 x 5,800 in float32, up to which there is one panel."""

MANY = 10_000
"""Sentences below which a matrix [sentence, sentence] fits on any machine."""

MOST = 10
"""Largest entries of a row that metrics ask for: where there are several panels, one pass finds them for all metrics."""

TOGETHER = 64
"""Single entries that are computed together, as the diagonal of a small block."""


class Largest(NamedTuple):
    """The largest entries of each row, in descending order."""

    values: torch.Tensor  # [row, k]
    columns: torch.Tensor  # int64 [row, k]: where they are


@dataclass(frozen=True, eq=False)
class Pairwise:
    """A matrix [row, column] that is computed where it is needed.

    Attributes:
        shape: numbers of rows and columns.
        block: from rows and columns, each a slice or int [index], to that part of the matrix.
        like: a tensor of its dtype, on its device.
    """

    shape: tuple[int, int]
    block: Callable[[Any, Any], torch.Tensor]
    like: torch.Tensor
    _derived: dict[Any, Any] = field(default_factory=dict)  # shared with the transposed matrix
    _turned: bool = False

    @classmethod
    def of(cls, matrix: torch.Tensor) -> Pairwise:
        """A matrix [row, column] that is there."""
        shape = matrix.shape[0], matrix.shape[1]
        return cls(shape, lambda rows, columns: matrix[rows][:, columns], matrix, {"whole": matrix})

    @property
    def T(self) -> Pairwise:
        """The transposed matrix; what was computed of one is known of the other."""
        block = self.block
        return replace(
            self,
            shape=(self.shape[1], self.shape[0]),
            block=lambda rows, columns: block(columns, rows).T,
            _turned=not self._turned,
        )

    @property
    def is_small(self) -> bool:
        """Whether it fits into one panel."""
        return "whole" in self._derived or self.shape[0] * self.shape[1] * self.like.element_size() <= ROOM

    @property
    def whole(self) -> torch.Tensor:
        """All of it: [row, column].

        Raises:
            RepalignError: more than this machine's memory.
        """
        if "whole" not in self._derived:
            check_square(max(self.shape))
            matrix = self.block(slice(None), slice(None))
            self._derived["whole"] = matrix.T if self._turned else matrix
        matrix = self._derived["whole"]
        return matrix.T if self._turned else matrix

    def panels(self) -> Iterator[tuple[slice, torch.Tensor]]:
        """Rows and their part of the matrix, one panel after another."""
        if self.is_small:
            yield slice(0, self.shape[0]), self.whole
            return
        height = max(ROOM // (self.shape[1] * self.like.element_size()), 1)
        for start in range(0, self.shape[0], height):
            rows = slice(start, min(start + height, self.shape[0]))
            yield rows, self.block(rows, slice(None))

    def at(self, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """Single entries: [index].

        Args:
            rows, columns: of each, int [index].
        """
        import torch

        if self.is_small:
            return self.whole[rows, columns]
        parts = zip(rows.split(TOGETHER), columns.split(TOGETHER), strict=True)
        return torch.cat([self.block(*part).diagonal() for part in parts])

    def diagonal(self) -> torch.Tensor:
        """The entries of translations: [row]."""
        import torch

        every = torch.arange(min(self.shape), device=self.like.device)
        return self.at(every, every)

    def take(self, rows: torch.Tensor) -> Pairwise:
        """The part of some sentences, int [row], with each other."""
        part = self.part
        return Pairwise(
            (len(rows), len(rows)), lambda some, others: part(rows[some], rows[others]), self.like
        )

    def within(self, sets: Partition) -> Iterator[Pairwise]:
        """The part of each set of sentences with each other, in the order of the sets."""
        start = 0
        order = sets.index.argsort(stable=True).to(self.like.device)
        for size in sets.sizes.tolist():
            yield self.take(order[start : start + size])
            start += size

    def sums_within(self, sets: Partition) -> torch.Tensor:
        """Sums over all pairs of sentences of each set: double [set]."""
        import torch

        if self.is_small:
            columns = sets.column_sums(self.whole).double()
            own = sets.index.to(columns.device)
            return sets.sums(columns.gather(1, own[:, None]).flatten())
        sums = [sum(panel.double().sum() for _, panel in part.panels()) for part in self.within(sets)]
        return torch.stack(sums)  # type: ignore[arg-type]

    def means(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Of each row [row] and of each column [column]."""
        rows, columns = self.like.new_empty(self.shape[0]), 0.0
        for part, panel in self.panels():
            rows[part] = panel.mean(1)
            columns = columns + panel.mean(0) * (len(panel) / self.shape[0])
        return rows, columns  # type: ignore[return-value]

    def part(self, rows: Any, columns: Any) -> torch.Tensor:
        """Some rows and columns, each a slice or int [index]; from the whole if that is small, because it is needed again."""
        return self.whole[rows][:, columns] if self.is_small else self.block(rows, columns)

    def without_diagonal(self) -> Pairwise:
        """The matrix with -inf for each sentence and itself."""
        import torch

        every = torch.arange(max(self.shape), device=self.like.device)

        def block(rows: Any, columns: Any) -> torch.Tensor:
            own = every[: self.shape[0]][rows][:, None] == every[: self.shape[1]][columns]
            return self.block(rows, columns).masked_fill(own, -torch.inf)

        return Pairwise(self.shape, block, self.like)

    def minus(self, rows: torch.Tensor, columns: torch.Tensor, factor: float = 1.0) -> Pairwise:
        """`factor` times the matrix, less one number for each row [row] and for each column [column]."""

        def block(some: Any, others: Any) -> torch.Tensor:
            part = self.part(some, others)
            scaled = part if factor == 1 else factor * part
            return (scaled - rows[some][:, None]).sub_(columns[others])

        return Pairwise(self.shape, block, self.like)

    def once(self, name: str, derive: Callable[[Pairwise], Pairwise]) -> Pairwise:
        """A matrix derived from this one or from `T`, shared by both directions.

        Args:
            name: of the derived matrix.
            derive: from this matrix to it; of `T`, to its transposed.
        """
        if name not in self._derived:
            derived = derive(self)
            self._derived[name] = derived.T if self._turned else derived
        return self._derived[name].T if self._turned else self._derived[name]

    def largest(self, k: int) -> Largest:
        """The k largest entries of each row; of panels, those of columns are found in the same pass, for `T`."""
        k = min(k, *self.shape)
        if self.is_small:
            key = (k, self._turned)
            if key not in self._derived:
                self._derived[key] = Largest(*self.whole.topk(k, dim=1))
            return self._derived[key]
        kept = min(max(k, MOST), *self.shape)
        if kept not in self._derived:
            both = _largest_both_ways(self, kept)
            self._derived[kept] = both[::-1] if self._turned else both
        values, index = self._derived[kept][self._turned]
        return Largest(values[:, :k], index[:, :k])


def _largest_both_ways(matrix: Pairwise, k: int) -> tuple[Largest, Largest]:
    """The k largest entries of each row, and of each column."""
    import torch

    # Held from the start: what a panel left behind, between its large temporaries, would keep their memory from being used again.
    rows, columns = (
        Largest(
            matrix.like.new_full((count, k), -torch.inf), matrix.like.new_zeros((count, k), dtype=torch.int64)
        )
        for count in matrix.shape
    )
    for part, panel in matrix.panels():
        rows.values[part], rows.columns[part] = panel.topk(k, dim=1)
        best = panel.topk(min(k, len(panel)), dim=0)
        values = torch.cat([columns.values, best.values.T], dim=1)
        index = torch.cat([columns.columns, best.indices.T + part.start], dim=1)
        kept = values.topk(k, dim=1)
        columns.values.copy_(kept.values)
        columns.columns.copy_(index.gather(1, kept.indices))
    return rows, columns


def check_square(sentences: int, each: int = 4) -> None:
    """
    Args:
        sentences: their number.
        each: bytes for each pair of sentences.

    Raises:
        RepalignError: that is more than this machine's memory.
    """
    if sentences < MANY:
        return
    check_fits(
        each * sentences**2,
        of_machine(),
        f"comparisons of {sentences:,} sentences with each other",
        "score fewer, by --sentences, or by P@1, MEXA, CSLS, xsim, ANC or the cosine gap, which need no such matrix",
    )
