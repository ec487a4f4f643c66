"""Geometry of one language: properties that make cosines large without any alignment.

Each measure takes a `Representation` and returns one number; they are reported with the alignment scores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from repalign.metrics.cosines import cosines
from repalign.metrics.neighbourhood import K, neighbours
from repalign.metrics.pair import Representation

if TYPE_CHECKING:
    import torch


def average_cosine(representation: Representation) -> float:
    """Mean cosine of two different sentences; 0 = isotropic, near 1 = a narrow cone (arXiv:1909.00512)."""
    unit = representation.unit
    n = len(unit)
    return float((unit.sum(0).square().sum() - unit.square().sum()) / (n * (n - 1)))


def _spread(representation: Representation) -> tuple[float, float]:
    """Trace and Frobenius norm of the covariance."""
    n, d = representation.centred.shape
    small = (
        representation.centred @ representation.centred.T
        if d > n
        else representation.centred.T @ representation.centred
    )
    return float(representation.centred.double().square().sum()) / (n - 1), float(small.double().norm()) / (
        n - 1
    )


def isoscore(representation: Representation) -> float:
    """IsoScore: how evenly variance spreads over all dims; 0 = one dim, 1 = all equal
    (2022.findings-acl.262).

    The formula needs only the sum and the norm of the principal variances, so no decomposition is computed.
    """
    d = representation.states.shape[1]
    trace, norm = _spread(representation)
    if d == 1 or norm == 0:
        return float("nan")
    defect = (2 * d - 2 * d**0.5 * trace / norm) / (2 * (d - d**0.5))
    return ((d - defect * (d - d**0.5)) ** 2 - d) / (d * (d - 1))


def effective_rank(representation: Representation) -> float:
    """exp of the entropy of the singular values, as shares of their sum (Roy and Vetterli 2007)."""
    import torch

    singular = torch.linalg.svdvals(representation.reduced).double()
    if singular[0] == 0:
        return 0.0
    share = singular / singular.sum()
    share = share[share > 0]
    return float((-(share * share.log()).sum()).exp())


def participation_ratio(representation: Representation) -> float:
    """(sum of principal variances)^2 / sum of their squares: effective number of dims."""
    trace, norm = _spread(representation)
    return trace**2 / norm**2 if norm else 0.0


def hubness_skew(representation: Representation) -> float:
    """Skewness of how often a sentence is among the 10 nearest of others; above 1, a few hubs dominate."""
    popularity = representation.once(neighbours, min(K, len(representation.states) - 1)).popularity
    deviation = popularity - popularity.mean()
    variance = float(deviation.square().mean())
    return float(deviation.pow(3).mean()) / variance**1.5 if variance else 0.0


def norm_mean(representation: Representation) -> float:
    """Mean length of a state."""
    return float(representation.states.norm(dim=1).double().mean())


def norm_spread(representation: Representation) -> float:
    """Coefficient of variation of the state lengths: standard deviation / mean."""
    lengths = representation.states.norm(dim=1).double()
    return float(lengths.std(correction=0) / lengths.mean())


def dim_ratios(representation: Representation) -> torch.Tensor:
    """|mean| of each dim over the median of all dims, large for massive activations: double [dim]."""
    size = representation.states.mean(0).abs().double()
    return size / size.median().clamp(min=1e-300)


def outlier_ratio(representation: Representation) -> float:
    """The largest of `dim_ratios`; thousands if BOS or punctuation was pooled (arXiv:2402.17762)."""
    return float(dim_ratios(representation).max())


def tied(representation: Representation) -> float:
    """Share of sentences with the same direction as another sentence, which strict retrieval cannot find.

    The nearest other sentence has the same direction if its deviation from the language's mean direction differs by
    no more than rounding.
    """
    import torch

    cone = representation.cone
    nearest = cosines(cone, cone).matrix.without_diagonal().largest(1).columns.flatten()
    deviations = cone.deviations
    distance = (deviations - deviations[nearest]).norm(dim=1)
    rounding = 4 * torch.finfo(deviations.dtype).eps * deviations.norm(dim=1)
    return float((distance <= rounding).double().mean())


MEASURES = {
    measure.__name__: measure
    for measure in (
        average_cosine,
        isoscore,
        effective_rank,
        participation_ratio,
        hubness_skew,
        norm_mean,
        norm_spread,
        outlier_ratio,
        tied,
    )
}
