"""Canonical correlation: which directions of one language can be predicted from the other?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from repalign.errors import TooFewSentences
from repalign.metrics.kernel import SUBSPACE
from repalign.metrics.metric import metric
from repalign.metrics.pair import LayerPair, Representation

if TYPE_CHECKING:
    import torch

SENTENCES_PER_DIRECTION = 2
"""Sentences needed per kept direction; with fewer, noise alone is correlated."""


def basis(representation: Representation, variance: float) -> torch.Tensor:
    """Left singular vectors [sentence, kept] of the centred states that hold that share of the variance."""
    import torch

    left, singular, _ = torch.linalg.svd(representation.reduced.double(), full_matrices=False)
    share = (singular**2).cumsum(0) / (singular**2).sum().clamp(min=1e-300)
    kept = int((share < variance - 1e-12).sum()) + 1
    rank = int((singular > singular[0] * 1e-10).sum()) if singular[0] > 0 else 0
    return left[:, : min(kept, rank)]


def bases(pair: LayerPair, name: str, variance: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The bases of both languages.

    Raises:
        TooFewSentences: too few sentences per direction, where any two languages would look alike.
    """
    x, y = pair.source.once(basis, variance), pair.target.once(basis, variance)
    directions = max(x.shape[1], y.shape[1])
    if pair.sentences < SENTENCES_PER_DIRECTION * directions:
        why = f", {SENTENCES_PER_DIRECTION} for each of {directions} directions"
        raise TooFewSentences(name, SENTENCES_PER_DIRECTION * directions, pair.sentences, why, "use cka")
    return x, y


@metric(
    label="SVCCA (99%)",
    bounds=(0, 1),
    reference="arXiv:1706.05806",
    minimum=4,
    invariances=SUBSPACE,
    tolerance=1e-3,
)
def svcca(pair: LayerPair) -> float:
    """Mean canonical correlation of the directions that hold 99% of each language's variance.

    Formula:
        mean_i rho_i, the canonical correlations of the kept directions.

    Fails:
        All kept directions count equally, strong or weak. Rises with directions per sentence, so it requires at least
        two sentences per direction; compare it with its chance level.
    """
    import torch

    x, y = bases(pair, "svcca", 0.99)
    if not (x.shape[1] and y.shape[1]):
        return float("nan")
    return float(torch.linalg.svdvals(x.T @ y).clamp(0, 1).mean())


@metric(
    label="PWCCA",
    bounds=(0, 1),
    reference="arXiv:1806.05759",
    minimum=4,
    invariances=("shift", "scale", "joint permutation"),
    symmetric=False,
    tolerance=1e-3,
)
def pwcca(pair: LayerPair) -> float:
    """Canonical correlations weighted by how much of the source each canonical variate carries.

    Formula:
        sum_i a_i rho_i, a_i ~ sum_j |<h_i, x_j>|; if the languages differ in rank, the one of smaller rank gives the
        weights.

    Fails:
        Needs as many sentences as SVCCA. The weights depend on the axes, so a rotation changes it slightly.
    """
    import torch

    x, y = bases(pair, "pwcca", 1.0)
    states = pair.source.centred
    if x.shape[1] > y.shape[1]:
        x, y, states = y, x, pair.target.centred
    if not x.shape[1]:
        return float("nan")
    left, correlations, _ = torch.linalg.svd(x.T @ y, full_matrices=False)
    weights = ((x @ left).T @ states.double()).abs().sum(1)
    return float((weights * correlations.clamp(0, 1)).sum() / weights.sum())
