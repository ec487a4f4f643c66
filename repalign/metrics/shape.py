"""Shape distances: distance between the states of two languages after the best rotation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from repalign.metrics.kernel import SUBSPACE
from repalign.metrics.metric import Scores, metric
from repalign.metrics.pair import LayerPair

if TYPE_CHECKING:
    import torch


class Fit(NamedTuple):
    """The best rotation of one language onto the other."""

    cosine: float  # of the rotated states, flattened: nuclear norm / (|x| |y|)
    influence: torch.Tensor  # [sentence]


def best_rotation(pair: LayerPair) -> Fit:
    """Nuclear norm of the cross-covariance, relative to both norms; n x n if there are fewer sentences
    than dims.

    The derivative of a nuclear norm is the product of its singular vectors, which gives every sentence's
    influence.
    """
    import torch

    x, y = pair.source.reduced, pair.target.reduced
    sizes = (x * x).sum(1).double(), (y * y).sum(1).double()
    total = float(sizes[0].sum() * sizes[1].sum()) ** 0.5
    if total == 0:
        return Fit(float("nan"), torch.full_like(sizes[0], torch.nan))
    left, singular, right = torch.linalg.svd(x.T @ y, full_matrices=False)
    cosine = min(float(singular.double().sum()) / total, 1.0)
    overlap = ((x @ left) * (y @ right.T)).sum(1).double()
    parts = [part / part.mean().clamp(min=1e-300) for part in (overlap, *sizes)]
    return Fit(cosine, cosine * (parts[0] - (parts[1] + parts[2]) / 2))


@metric(
    label="Procrustes (squared)",
    bounds=(0, 2),
    reference="arXiv:2108.01661",
    higher_is_better=False,
    identical=0.0,
    invariances=SUBSPACE,
)
def procrustes(pair: LayerPair) -> Scores:
    """Squared distance after the best rotation.

    Formula:
        2 - 2 |x'y|_* (nuclear norm), states centred and of unit Frobenius norm.

    Fails:
        With fewer sentences than dims almost any two languages can be aligned by rotation: .012 of 2 for noise at n =
        100, d = 4096. Compare it with its chance level.
    """
    fit = best_rotation(pair)
    return Scores(2 - 2 * fit.cosine, influence=-2 * fit.influence)


@metric(
    label="Shape angle",
    bounds=(0, 1.5707963267948966),
    reference="arXiv:2110.14739",
    higher_is_better=False,
    identical=0.0,
    invariances=SUBSPACE,
    tolerance=2e-3,
)
def angular(pair: LayerPair) -> Scores:
    """Angle after the best rotation; a true metric, in radians.

    Formula:
        arccos(|x'y|_* / (|x| |y|)), states centred.

    Fails:
        Misleading with fewer sentences than dims, as Procrustes. Near 0 it amplifies rounding errors.
    """
    import math

    fit = best_rotation(pair)
    slope = -1 / max(1 - fit.cosine**2, 1e-12) ** 0.5
    return Scores(
        math.acos(max(fit.cosine, -1.0)) if fit.cosine == fit.cosine else fit.cosine,
        influence=slope * fit.influence,
    )


GULP_PENALTY = 1e-2


def gulp_distance(x: torch.Tensor, y: torch.Tensor, penalty: float) -> float:
    """Squared GULP distance of centred states [sentence, dim] at a ridge penalty.

    tr(A'AA'A) + tr(B'BB'B) - 2 tr(A'CB'C^T), A' = (A + penalty I)^-1, states scaled to Frobenius norm
    sqrt(n).
    """
    import torch

    n = len(x)
    x, y = (states.double() * (n**0.5 / states.double().norm().clamp(min=1e-300)) for states in (x, y))

    def whitened(a: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        ridge = a.T @ a / n + penalty * torch.eye(a.shape[1], dtype=a.dtype, device=a.device)
        return torch.linalg.solve(ridge, a.T @ other / n)

    cross = (whitened(x, y) * whitened(y, x).T).sum()
    return float((whitened(x, x) ** 2).sum() + (whitened(y, y) ** 2).sum() - 2 * cross)


@metric(
    label="GULP (squared, 1e-2)",
    bounds=(0, float("inf")),
    reference="arXiv:2210.06545",
    higher_is_better=False,
    identical=0.0,
    invariances=SUBSPACE,
    tolerance=1e-2,
)
def gulp(pair: LayerPair) -> float:
    """Squared GULP distance at penalty .01: how much predictions of ridge regressions on the two languages can differ.

    Formula:
        tr(A'AA'A) + tr(B'BB'B) - 2 tr(A'CB'C^T), A, B, C the covariances of x, of y, and between them; A' = (A + .01 I)^-1.

    Fails:
        Unbounded: it counts the dims that a ridge regression can use. Dominated by n if n < d, as Procrustes.
    """
    if not (pair.source.reduced.any() and pair.target.reduced.any()):
        return float("nan")
    return max(gulp_distance(pair.source.reduced, pair.target.reduced, GULP_PENALTY), 0.0)
