"""Mixing of languages: are the nearest sentences, of all languages together, in other languages?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from repalign.metrics.cosines import cosines
from repalign.metrics.metric import Scores, metric
from repalign.metrics.null import Null
from repalign.metrics.pair import LayerPair, Representation

if TYPE_CHECKING:
    import torch

NEAREST, LANGUAGES = 5, 3
"""Neighbours of a sentence, and how many other languages among them make it a bridge: those of the published script."""


def neighbour_languages(
    representations: Sequence[Representation], source: int, k: int = NEAREST
) -> torch.Tensor:
    """Which languages are among the k nearest sentences of all languages: bool [sentence of the source, language].

    By cosine, excluding the sentence itself. As in `neighbours`, they must be strictly nearer than the next sentence.

    Args:
        representations: one per language, of the same dims.
        source: position of the language whose neighbours are looked for.
        k: number of neighbours, fewer than there are sentences of one language.
    """
    import torch

    values, rounding = [], []
    for position, target in enumerate(representations):
        near = cosines(representations[source].cone, target.cone)
        matrix = near.matrix.without_diagonal() if position == source else near.matrix
        nearest = matrix.largest(k + 1)
        level = near.base + nearest.values.double()
        values.append(level)
        rounding.append(near.rounding(nearest.columns[:, -1])[:, None].expand_as(level))
    language = torch.arange(len(values), device=values[0].device).repeat_interleave(values[0].shape[1])
    best = torch.cat(values, dim=1).topk(k + 1, dim=1)
    tied = torch.cat(rounding, dim=1).gather(1, best.indices[:, k:])
    nearer = best.values[:, :k] > best.values[:, k:] + tied
    found = torch.zeros(len(nearer), len(values), dtype=torch.int64, device=nearer.device)
    return found.scatter_add_(1, language[best.indices[:, :k]], nearer.long()) > 0


def local_overlap(
    representations: Sequence[Representation], source: int, k: int = NEAREST, languages: int = LANGUAGES
) -> tuple[float, torch.Tensor]:
    """Interlingual Local Overlap of one language, and which of its sentences are bridges: bool [sentence].

    The harmonic mean of bridge, the share of sentences that have at least `languages` other languages among their k
    nearest, and reach, the share of all other languages that some sentence has.

    Source: arXiv:2503.11280 and its script.
    """
    others = neighbour_languages(representations, source, k)
    others[:, source] = False
    bridges = others.sum(1) >= languages
    bridge, reach = float(bridges.double().mean()), float(others.any(0).sum()) / (len(representations) - 1)
    return 2 * bridge * reach / (bridge + reach) if bridge + reach else 0.0, bridges


@metric(
    label="ILO (5 neighbours)",
    bounds=(0, 1),
    reference="arXiv:2503.11280",
    minimum=NEAREST + 1,
    invariances=("scale", "joint permutation", "joint rotation"),
    symmetric=False,
)
def ilo(pair: LayerPair) -> Scores:
    """Interlingual Local Overlap of the source in a space of two languages: do its sentences neighbour the target's?

    Formula:
        2b / (1 + b), b = share of source sentences that have a target sentence among their 5 nearest of both languages.

    Fails:
        Asks whether languages mix, not whether translations are near: shuffling translations changes nothing, so chance
        is the value itself, p is 1 and the calibrated score 0.

    Published over many languages, where a sentence needs 3 others among its 5 nearest
    (`repalign.metrics.mixing.local_overlap`).
    """
    pair.same_dims("ilo")
    value, bridges = local_overlap((pair.source, pair.target), 0, languages=1)
    share = bridges.double()
    slope = 2 / (1 + share.mean()) ** 2
    return Scores(value, influence=slope * (share - share.mean()), null=Null(value, 0.0))
