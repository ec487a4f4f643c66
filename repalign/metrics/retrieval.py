"""Retrieval: is the translation nearer than every other sentence?

Strict: a tie is not a hit, so a collapsed layer scores 0 rather than 1/n or 1.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from repalign.metrics.cosines import Winners, winners
from repalign.metrics.metric import Scores, metric
from repalign.metrics.null import Null
from repalign.metrics.pair import LayerPair
from repalign.metrics.pairwise import Largest, Pairwise

if TYPE_CHECKING:
    import torch

    from repalign.metrics.documents import Documents, Partition

COSINE = ("scale", "joint permutation", "joint rotation")


@metric(
    label="Cosine gap",
    bounds=(-2, 2),
    reference="arXiv:2411.04986",
    identical=None,
    chance=lambda sentences, dims: 0.0,
    invariances=COSINE,
)
def cosine_gap(pair: LayerPair) -> Scores:
    """Cosine of translations minus cosine of unrelated sentences.

    Formula:
        mean_i S_ii - mean_{i != j} S_ij = n/(n-1) mean_i D_ii, where D is S with the means of its rows and columns
        removed.

    Fails:
        Unaffected by the similarity of all sentences in a narrow cone; still grows with the spread of sentence
        lengths.
    """
    n = pair.sentences
    cosine = pair.cosines.matrix
    row, column = cosine.means()
    relative = cosine.minus(row, column - row.mean())
    scale = n / (n - 1)
    scores = Scores.mean_of(scale * relative.diagonal(), Null.of_linear(relative, scale, pair.strata))
    if pair.documents is None or scores.per_sentence is None:
        return scores
    without = _gap_without(relative, pair.documents)
    return replace(
        scores,
        influence=pair.documents.leaving_out(scores.value, without, scores.per_sentence - scores.value),
    )


def _gap_without(relative: Pairwise, documents: Documents) -> torch.Tensor:
    """The gap without each document, exact: double [document].

    Args:
        relative: cosines whose rows and columns sum to zero, so that those of all other documents with each other sum
            to what a document has within itself.
        documents: of the sentences.
    """
    clusters = documents.clusters
    own = clusters.sums(relative.diagonal().double())
    rest = relative.shape[0] - clusters.sizes.to(own.device).double()
    translations = own.sum() - own
    within = relative.sums_within(clusters)
    return translations / rest - (within - translations) / (rest * (rest - 1)).clamp(min=1)


def matched(nearest: Winners, strata: Partition | None, errors: bool = False) -> Scores:
    """Share of sentences whose nearest target is their translation, or with `errors`, is not."""
    strict = nearest.strict
    null = Null.of_matches(nearest.index[strict], len(nearest.index), nearest.positions[strict], strata)
    return Scores.mean_of(~nearest.hits if errors else nearest.hits, null, kind="share")


@metric(
    label="P@1",
    bounds=(0, 1),
    reference="arXiv:1812.10464",
    chance=lambda sentences, dims: 1 / sentences,
    invariances=COSINE,
    symmetric=False,
)
def p_at_1(pair: LayerPair) -> Scores:
    """Share of source sentences whose translation is strictly the nearest target by cosine.

    Formula:
        mean_i 1[S_ii > max_{j != i} S_ij].

    Fails:
        Falls with the number of candidates; a few hubs can lower it.
    """
    return matched(pair.nearest, pair.strata)


@metric(
    label="MEXA",
    bounds=(0, 1),
    reference="arXiv:2410.05873",
    chance=lambda sentences, dims: 1 / (2 * sentences - 1),
    invariances=COSINE,
)
def mexa(pair: LayerPair) -> Scores:
    """Share of sentences whose translation is strictly the nearest both ways.

    Formula:
        mean_i 1[S_ii > max_{j != i} max(S_ij, S_ji)]; equal to the published script on the same vectors.

    Fails:
        Whatever identifies a sentence counts, whether or not it is the meaning: an exact length, a name, a number.
    """
    return mutual_matches(pair)


def mutual_matches(pair: LayerPair) -> Scores:
    """Share of sentences that are strictly the nearest of their translation, and it of them."""
    forward, backward = pair.nearest, pair.reverse.nearest
    mutual = backward.strict[forward.index] & (backward.index[forward.index] == forward.positions)
    return matched(Winners(forward.index, forward.strict & mutual), pair.strata)


def _neighbourhoods(cosine: Pairwise, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean cosine of each source sentence to its k nearest targets, and of each target to its sources."""
    return cosine.largest(k).values.mean(1), cosine.T.largest(k).values.mean(1)


def _less_hubs(cosine: Pairwise) -> Pairwise:
    """2 S_ij - r_i - r'_j."""
    return cosine.minus(*_neighbourhoods(cosine, 10), factor=2.0)


@metric(
    label="CSLS P@1",
    bounds=(0, 1),
    reference="arXiv:1710.04087",
    chance=lambda sentences, dims: 1 / sentences,
    invariances=COSINE,
    symmetric=False,
    minimum=11,
)
def csls(pair: LayerPair) -> Scores:
    """P@1 with hubs pushed back.

    Formula:
        mean_i 1[the maximum over j of 2 S_ij - r_i - r'_j is strict and at j = i], r = mean cosine to the 10 nearest.

    Fails:
        Hides hubs, which are a property of the model: report P@1 or the hubness beside it.
    """
    cosines = pair.cosines
    scores = cosines.matrix.once("csls", _less_hubs)
    return matched(winners(scores.largest(2), lambda best: 3 * cosines.rounding(best)), pair.strata)


MARGINS = ("ratio", "distance", "absolute")


def margin_search(pair: LayerPair, margin: str, k: int = 4) -> Winners:
    """The best of the k nearest targets by margin, as LASER mines sentence pairs.

    With b_ij the mean of both neighbourhoods: ratio S/b, distance S - b, absolute S (arXiv:1811.01136, eq. 1
    to 4).

    Args:
        pair: the languages.
        margin: one of `MARGINS`.
        k: size of the neighbourhoods.
    """
    cosines = pair.cosines
    k = min(k, pair.sentences)
    values, index = cosines.matrix.largest(k)
    row, column = _neighbourhoods(cosines.matrix, k)
    middle = (row[:, None] + column[index]) / 2
    scale = 1.0
    if margin != "absolute":
        values, scale = values - middle, 2.0
    if margin == "ratio":  # S/b - 1, which has the same order
        level = cosines.base + middle
        values, scale = values / level, 2 / level[:, 0].abs()
    order = values.argsort(dim=1, descending=True)
    by_margin = Largest(values.gather(1, order), index.gather(1, order))
    return winners(by_margin, lambda best: scale * cosines.rounding(best))


def _xsim(pair: LayerPair, margin: str) -> Scores:
    return matched(margin_search(pair, margin), pair.strata, errors=True)


XSIM = """Share of source sentences for which margin search ({margin}, k = 4) errs.

    Formula:
        mean_i 1[the target of the largest {formula} among the 4 nearest is not i], b = mean cosine of both to their 4
        nearest.

    Fails:
        {failure}
"""


def _declare_xsim(margin: str, formula: str, failure: str):
    function = partial(_xsim, margin=margin)
    function.__doc__ = XSIM.format(margin=margin, formula=formula, failure=failure)
    return metric(
        name=f"xsim_{margin}",
        label=f"xsim error ({margin})",
        bounds=(0, 1),
        reference="arXiv:1811.01136, arXiv:2205.12654",
        higher_is_better=False,
        identical=0.0,
        chance=lambda sentences, dims: 1 - 1 / sentences,
        invariances=COSINE,
        symmetric=False,
        minimum=4,
    )(function)


xsim_ratio = _declare_xsim(
    "ratio",
    "S_ij / b_ij",
    "Unstable where the neighbourhood mean b is near zero, as on centred states; reversed where it is negative.",
)
xsim_distance = _declare_xsim(
    "distance", "S_ij - b_ij", "Steady on centred states; rises with the number of candidates, as P@1 falls."
)
xsim_absolute = _declare_xsim("absolute", "S_ij", "Without correction for hubs.")
