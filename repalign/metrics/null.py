"""Null distribution of a metric under shuffled translations, and the p-value of an observed score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Null:
    """The distribution of a metric over all ways of pairing the sentences of two languages.

    If a metric has closed-form moments under shuffling, no shuffling is done and p is not bounded below by the
    number of shuffles, so it can survive a correction over hundreds of layers and languages.

    Attributes:
        mean, sd, skew: first three moments.
        hits: for a share of sentences, the probability of at least 0, 1, 2, ... hits; None for other scores.
        values: sorted values under shuffling if the moments have no closed form; else empty.
    """

    mean: float
    sd: float
    skew: float = 0.0
    hits: np.ndarray | None = None
    values: Sequence[float] = ()

    @classmethod
    def of_matches(cls, nearest: torch.Tensor, sentences: int) -> Null:
        """Share of hits, given the nearest target of each sentence: int [sentence with a unique nearest target].

        A target that is nearest to c sentences (a hub) is hit with probability c/n, by at most one of them. The
        number of hits is a sum of such events, independent under a random permutation up to terms of order 1/n.
        """
        rates = np.bincount(nearest.cpu().numpy(), minlength=1) / sentences
        rates = rates[rates > 0]
        sd = float((rates * (1 - rates)).sum()) ** 0.5 / sentences
        return cls(float(rates.sum()) / sentences, sd, hits=hits_tail(rates, sentences))

    @classmethod
    def of_shuffles(cls, values: Sequence[float]) -> Null:
        """From scores computed on shuffled translations."""
        draws = np.sort(np.asarray(values, dtype=float))
        deviations = draws - draws.mean()
        sd = float(deviations.std())
        skew = float((deviations**3).mean() / sd**3) if sd > 0 else 0.0
        return cls(float(draws.mean()), sd, skew, values=tuple(draws))

    @classmethod
    def of_linear(cls, doubly_centred: torch.Tensor, scale: float = 1.0) -> Null:
        """Null of `scale` times the mean of M[i, shuffled(i)]; rows and columns of M [n, n] sum to zero.

        Source: Hoeffding 1951, doi 10.1214/aoms/1177729545, Theorem 2.
        """
        n = len(doubly_centred)
        square = doubly_centred * doubly_centred
        variance = float(square.sum(1).double().sum()) / (n - 1)
        third = float((square * doubly_centred).sum(1).double().sum()) * n / ((n - 1) * max(n - 2, 1))
        return cls(0.0, scale * variance**0.5 / n, third / variance**1.5 if variance > 0 else 0.0)

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


def hits_tail(rates: np.ndarray, most: int) -> np.ndarray:
    """P(at least k of these independent events): float64 [most + 1], k = 0 .. most.

    Args:
        rates: probability of each event [event]; events of equal rate form one binomial.
        most: largest k.
    """
    chances = np.ones(1)
    for rate, events in zip(*np.unique(rates, return_counts=True), strict=True):
        k = np.arange(events + 1)
        ways = special.gammaln(events + 1) - special.gammaln(k + 1) - special.gammaln(events - k + 1)
        binomial = np.exp(ways + special.xlogy(k, rate) + special.xlog1py(events - k, -rate))
        chances = np.convolve(chances, binomial)
    beyond = np.zeros(most + 1)
    beyond[: len(chances)] = np.minimum(chances[::-1].cumsum()[::-1], 1.0)
    return beyond


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
