"""Null distribution of a metric under shuffled translations, and the p-value of an observed score."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from repalign.metrics.hits import hits_tail
from repalign.metrics.pairwise import Pairwise

if TYPE_CHECKING:
    import torch

    from repalign.metrics.documents import Partition, Shuffles


@dataclass(frozen=True)
class Null:
    """The distribution of a metric over all ways of pairing the sentences of two languages.

    If a metric has closed-form moments under shuffling, no shuffling is done and p is not bounded below by the
    number of shuffles, so it can survive a correction over hundreds of layers and languages.

    Attributes:
        mean, sd, skew: first three moments.
        hits: for a share of sentences, the probability of at least 0, 1, 2, ... hits; None for other scores.
        values: sorted values under shuffling if the moments have no closed form; else empty.
        sample: from `Shuffles` to the values under these, float64 [shuffle], on the scale of `mean`; None: not known.
    """

    mean: float
    sd: float
    skew: float = 0.0
    hits: np.ndarray | None = None
    values: Sequence[float] = ()
    sample: Callable[[Shuffles], np.ndarray] | None = None

    @classmethod
    def of_matches(
        cls,
        nearest: torch.Tensor,
        sentences: int,
        rows: torch.Tensor | None = None,
        strata: Partition | None = None,
    ) -> Null:
        """Share of hits: exact, see `repalign.metrics.hits`.

        Args:
            nearest: the nearest target of each sentence that has only one, int [row].
            sentences: in all.
            rows: the number of that sentence, int [row]; needed with strata.
            strata: within which sentences are shuffled; by default all of them.
        """
        targets = nearest.cpu().numpy()
        sources = np.arange(len(targets)) if rows is None else rows.cpu().numpy()
        if strata is None:
            counts = np.bincount(targets, minlength=1)
            by_stratum = [(sentences, counts[counts > 0])]
        else:
            index = strata.index.numpy()
            inside = targets[index[sources] == index[targets]]
            wanted, counts = np.unique(inside, return_counts=True)
            order = np.argsort(index[wanted], kind="stable")
            held, starts = np.unique(index[wanted][order], return_index=True)
            by_stratum = list(
                zip(strata.sizes.numpy()[held].tolist(), np.split(counts[order], starts[1:]), strict=False)
            )
        mean = sum(float(c.sum()) / size for size, c in by_stratum)
        tail_of_hits = hits_tail(by_stratum, sentences)
        square = float((tail_of_hits[1:] * (2 * np.arange(1, sentences + 1) - 1)).sum())  # E hits^2, by parts

        def sample(shuffles: Shuffles) -> np.ndarray:
            return (shuffles.orders[:, sources] == targets).sum(1) / sentences

        sd = max(square - mean**2, 0.0) ** 0.5 / sentences
        return cls(mean / sentences, sd, hits=tail_of_hits, sample=sample)

    @classmethod
    def of_shuffles(cls, values: Sequence[float]) -> Null:
        """From scores computed on shuffled translations."""
        draws = np.sort(np.asarray(values, dtype=float))
        deviations = draws - draws.mean()
        sd = float(deviations.std())
        skew = float((deviations**3).mean() / sd**3) if sd > 0 else 0.0
        return cls(float(draws.mean()), sd, skew, values=tuple(draws))

    @classmethod
    def of_linear(
        cls, matrix: torch.Tensor | Pairwise, scale: float = 1.0, strata: Partition | None = None
    ) -> Null:
        """Null of `scale` times the mean of M[i, shuffled(i)].

        Source: Hoeffding 1951, doi 10.1214/aoms/1177729545, Theorem 2.

        Args:
            matrix: M [n, n]; without strata, its rows and columns sum to zero.
            scale: a factor.
            strata: within which sentences are shuffled; by default all of them.
        """
        import torch

        matrix = matrix if isinstance(matrix, Pairwise) else Pairwise.of(matrix)
        n = matrix.shape[0]
        mean = variance = third = 0.0
        for part, block in _blocks(matrix, strata):
            m = block.shape[2]
            mean += part
            square = block * block
            variance += float(square.sum(1).double().sum()) / max(m - 1, 1)
            third += float((square * block).sum(1).double().sum()) * m / (max(m - 1, 1) * max(m - 2, 1))
        skew = third / variance**1.5 if variance > 0 else 0.0

        def sample(shuffles: Shuffles) -> np.ndarray:
            rows, columns = np.arange(n)[None].repeat(len(shuffles.orders), 0), shuffles.orders
            moved = matrix.at(
                *(torch.from_numpy(of).flatten().to(matrix.like.device) for of in (rows, columns))
            )
            return scale * moved.view(columns.shape).double().mean(1).cpu().numpy()

        return cls(scale * mean / n, scale * variance**0.5 / n, skew, sample=sample)

    def scaled(self, factor: float) -> Null:
        """The null of a score that is `factor` times as large, above 0."""
        inner = self.sample
        sample = None if inner is None else lambda shuffles: factor * inner(shuffles)
        return replace(self, mean=factor * self.mean, sd=factor * self.sd, sample=sample)

    def p(self, value: float, higher_is_better: bool = True) -> float:
        """Probability of a value at least as close as `value` when translations are shuffled.

        For continuous scores, the tail of a distribution with these moments (see `tail`), the usual way to get
        p-values below 1 / shuffles (Kazi-Aoual et al. 1995, doi 10.1016/0167-9473(94)00064-2; Winkler et al.
        2016, doi 10.1016/j.neuroimage.2016.05.068). If at least ten shuffles are as close, their share
        (1 + count) / (1 + shuffles).
        """
        if np.isnan(value) or np.isnan(self.mean):
            return float("nan")
        if self.hits is not None:
            share = value if higher_is_better else 1 - value
            return max(float(self.hits[round(share * (len(self.hits) - 1))]), float(np.finfo(float).tiny))
        sign = 1.0 if higher_is_better else -1.0
        if len(self.values):
            as_close = int(np.sum(sign * np.asarray(self.values) >= sign * value))
            if as_close >= 10:
                return (1 + as_close) / (1 + len(self.values))
        if self.sd == 0:
            return 1.0
        beyond = tail(sign * (value - self.mean) / self.sd, sign * self.skew)
        return max(beyond, float(np.finfo(float).tiny))  # a p-value is never exactly zero


def _blocks(matrix: Pairwise, strata: Partition | None) -> Iterator[tuple[float, torch.Tensor]]:
    """Parts of a matrix within strata, their rows and columns centred: [stratum, row, m], with sum_i of the means of their rows."""
    if strata is None:
        yield from ((0.0, panel[None]) for _, panel in matrix.panels())
    elif matrix.is_small:
        for block in strata.diagonal_blocks(matrix.whole):
            means = block.mean((1, 2), keepdim=True)
            centred = block - block.mean(1, keepdim=True) - block.mean(2, keepdim=True) + means
            yield block.shape[1] * float(means.double().sum()), centred
    else:
        for block in matrix.within(strata):
            rows, columns = block.means()
            total = float(rows.double().sum())
            for _, panel in block.minus(rows, columns - rows.mean()).panels():
                yield total, panel[None]
                total = 0.0


def tail(z: float, skew: float) -> float:
    """P(Z >= z) for a standardised statistic that is a weighted sum of chi-squares under shuffling.

    Interpolates between the two extreme shapes with these moments, by the skewness relative to that of one
    chi-square. Both agree in the far tail, where p is small; elsewhere each alone is off by up to .1 if one
    direction holds most of the variance.
    """
    one = min(skew / CHI_SQUARE_SKEW, 1.0)
    if one <= 0:
        return pearson_tail(z, skew)
    return (1 - one) * pearson_tail(z, skew) + one * one_weight_tail(z, skew)


CHI_SQUARE_SKEW = 8**0.5
"""Skewness of a chi-square with one degree of freedom."""


def pearson_tail(z: float, skew: float) -> float:
    """The Pearson III (gamma) distribution: many chi-squares of similar weight."""
    if abs(skew) < 1e-3:
        return float(special.ndtr(-z))
    shape = 4 / skew**2
    point = shape + z * shape**0.5 * np.sign(skew)  # a gamma variable of that shape, mirrored if skew < 0
    tail_function = special.gammaincc if skew > 0 else special.gammainc
    return float(tail_function(shape, max(point, 0.0)))


NODES, NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(80)


def one_weight_tail(z: float, skew: float) -> float:
    """One chi-square and a normal variable: one direction holds nearly all variance."""
    share = min((skew / CHI_SQUARE_SKEW) ** (1 / 3), 0.999)
    point = 1 + 2**0.5 * (z - (1 - share**2) ** 0.5 * NODES) / share
    return float(NODE_WEIGHTS @ special.chdtrc(1, np.maximum(point, 0.0)) / NODE_WEIGHTS.sum())
