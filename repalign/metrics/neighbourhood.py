"""Similarity structure: does a sentence have the same neighbours, near and far, in both languages?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from repalign.metrics.cosines import cosines
from repalign.metrics.metric import Scores, metric
from repalign.metrics.null import Null
from repalign.metrics.pair import LayerPair, Representation
from repalign.metrics.pairwise import Pairwise, check_square
from repalign.metrics.quadratic import UCentred, shuffled, u_centred, without_own_pairs, without_second_order
from repalign.metrics.shuffles import sampled, sampled_edges
from repalign.metrics.within import shuffled_within

if TYPE_CHECKING:
    import torch

    from repalign.metrics.documents import Documents

K = 10
"""Number of nearest neighbours."""

EDGE_BYTES, DISTANCE_BYTES = 20, 62
"""For each pair of sentences, to compare the neighbours or the distances of both languages: measured."""


class Neighbours(NamedTuple):
    """The k nearest sentences of each sentence, as a directed graph."""

    edges: torch.Tensor  # bool [n, n]
    next: torch.Tensor  # int [n]: the nearest sentence that is not a neighbour
    popularity: torch.Tensor  # double [n]: of how many sentences it is a neighbour
    mutual: float  # number of ordered pairs of mutual neighbours


def neighbours(representation: Representation, k: int = K) -> Neighbours:
    """The k nearest sentences by cosine within one language, excluding the sentence itself.

    Neighbours must be strictly nearer than the next sentence: if all states are identical, no sentence has
    neighbours.
    """
    import torch

    check_square(len(representation.states), EDGE_BYTES)
    within = cosines(representation.cone, representation.cone)
    cosine = within.relative.fill_diagonal_(-torch.inf)
    values, nearest = cosine.topk(k + 1, dim=1)
    nearer = values[:, :k] > values[:, k:] + within.rounding(nearest[:, k]).to(cosine.dtype)[:, None]
    edges = torch.zeros_like(cosine, dtype=torch.bool).scatter_(1, nearest[:, :k], nearer)
    return Neighbours(edges, nearest[:, k], edges.sum(0).double(), float((edges & edges.T).sum()))


def _shuffled_variance(x: Neighbours, y: Neighbours, k: int) -> float:
    """Variance of the number of shared edges over all orders of the sentences.

    As for `kernel._shuffled_moments`, with directed edges: every row of the centred matrix sums to zero,
    columns need not.
    """
    n = len(x.popularity)
    mean = k / (n - 1)

    def patterns(graph: Neighbours) -> tuple[float, ...]:
        same = n * k * (1 - mean)
        reciprocal = graph.mutual - 2 * mean * n * k + mean**2 * n * (n - 1)
        head = float(((graph.popularity - k) ** 2).sum()) - same
        return same, reciprocal, -same, head, -reciprocal, reciprocal - head

    two, three, four = n * (n - 1), n * (n - 1) * (n - 2), n * (n - 1) * (n - 2) * max(n - 3, 1)
    weights = (1 / two, 1 / two, 1 / three, 1 / three, 2 / three, 1 / four)
    return sum(w * p * q for w, p, q in zip(weights, patterns(x), patterns(y), strict=True))


@metric(
    label="Mutual 10-NN",
    bounds=(0, 1),
    reference="arXiv:2405.07987",
    chance=lambda sentences, dims: K / (sentences - 1),
    minimum=K + 2,
    invariances=("scale", "joint permutation", "joint rotation", "own rotation"),
)
def mutual_knn(pair: LayerPair) -> Scores:
    """Share of a sentence's 10 nearest neighbours that are the same in both languages.

    Formula:
        mean_i |N_k(x_i) & N_k(y_i)| / k, by cosine, excluding the sentence itself.

    Fails:
        Chance is k / (n - 1): compare only at equal n. Near-duplicate sentences and shared topics inflate it.
    """
    x, y = pair.source.once(neighbours, K), pair.target.once(neighbours, K)
    both = (x.edges & y.edges).float()
    share = both.sum(1).double() / K
    mean = K / (pair.sentences - 1)
    if pair.strata is None:
        sd = max(_shuffled_variance(x, y, K), 0.0) ** 0.5 / (pair.sentences * K)
        null = Null(mean, sd, sd / mean)
    else:
        null = shuffled_within(pair, _edges, graph=True).scaled(1 / (pair.sentences * K))
        null = replace(null, skew=null.sd / null.mean if null.mean > 0 else 0.0)
    null = sampled_edges(null, x.edges, y.edges, 1 / (pair.sentences * K))
    return Scores(float(share.mean()), share, _influence(x, y, both, null.sd, pair.documents), null)


def _edges(representation: Representation) -> torch.Tensor:
    """Whether a sentence has another as neighbour: bool [n, n]."""
    return representation.once(neighbours, K).edges


def _influence(
    x: Neighbours, y: Neighbours, both: torch.Tensor, null_sd: float, documents: Documents | None
) -> torch.Tensor:
    """Effect of leaving out a sentence: its shared neighbours go, and in other rows the next nearest moves up."""
    enters_x = y.edges.gather(1, x.next[:, None]).float()
    enters_y = x.edges.gather(1, y.next[:, None]).float()
    same = (x.next == y.next).float()[:, None]
    gained = x.edges * enters_x + y.edges * enters_y + both * (same - 1)
    influence = (both.sum(1) - gained.sum(0)).double() / K
    effect = -gained / (len(both) * K)
    influence = without_own_pairs(influence, effect, documents)
    return without_second_order(influence, effect, null_sd, 1.0, documents, directed=True)


def standardised(representation: Representation) -> torch.Tensor:
    """Dims of mean 0 and variance 1; constant dims are zero."""
    deviation = representation.centred.norm(dim=0) / len(representation.centred) ** 0.5
    return representation.centred / deviation.where(deviation > 0, 1)


@metric(
    label="ANC",
    bounds=(-1, 1),
    reference="arXiv:2212.01924",
    chance=lambda sentences, dims: 0.0,
    minimum=3,
    invariances=("shift", "scale", "joint permutation"),
)
def anc(pair: LayerPair) -> Scores:
    """Average neuron-wise correlation: mean over dims of the signed correlation of that dim in both languages.

    Formula:
        mean_k corr_i(x_ik, y_ik). A constant dim counts as 0; if a language is constant in every dim, the value is NaN.

    Fails:
        Asks whether the same neurons have the same function; a rotation can destroy it without changing any distance.
    """
    pair.same_dims("anc")
    x, y = pair.source.once(standardised), pair.target.once(standardised)
    if not (x.any() and y.any()):
        return Scores(float("nan"))
    correlations = (x * y).mean(0).clamp(-1, 1)
    scale = (x * x + y * y) @ correlations / 2
    influence = ((x * y).sum(1) - scale).double() / x.shape[1]
    influence = influence - influence.mean()
    value = float(correlations.double().mean())
    if pair.documents is not None:
        influence = pair.documents.leaving_out(value, _anc_without(x, y, pair.documents), influence)
    products = Pairwise((len(x), len(y)), lambda rows, columns: x[rows] @ y[columns].T / x.shape[1], x)
    null = Null.of_linear(products, strata=pair.strata)
    return Scores(value, influence=influence, null=null)


def _anc_without(x: torch.Tensor, y: torch.Tensor, documents: Documents) -> torch.Tensor:
    """The score without each document, exact: double [document]."""
    clusters = documents.clusters
    rest = (len(x) - clusters.sizes.to(x.device).double())[:, None]
    left = (clusters.row_sums(of).double() for of in (x, y, x * x, y * y, x * y))
    x_sum, y_sum, x_squares, y_squares, products = (sums.sum(0) - sums for sums in left)
    x_varies, y_varies = x_squares - x_sum**2 / rest, y_squares - y_sum**2 / rest
    # A dim that is constant in the other documents counts as 0, also if rounding makes it vary.
    varies = (x_varies > 1e-6 * x_squares) & (y_varies > 1e-6 * y_squares)
    size = (x_varies * y_varies).where(varies, 1).sqrt()
    correlations = ((products - x_sum * y_sum / rest) / size).where(varies, 0)
    return correlations.clamp(-1, 1).mean(1)


class Distances(NamedTuple):
    """Ranks in (0, 1) of the distances of all pairs of sentences, in the order of `torch.triu_indices`."""

    ranks: torch.Tensor  # double [pair]
    split: UCentred


def distances(representation: Representation) -> Distances:
    """1 - Pearson correlation over dims; equal distances share their mean rank."""
    import torch

    check_square(len(representation.states), DISTANCE_BYTES)
    rows = representation.states - representation.states.mean(1, keepdim=True)
    length = rows.norm(dim=1, keepdim=True)
    rows = rows / length.where(length > 0, 1)
    i, j = torch.triu_indices(len(rows), len(rows), 1, device=rows.device)
    rounding = 8 * torch.finfo(rows.dtype).eps  # of a cosine; smaller differences would rank equal states
    distance = ((1 - rows @ rows.T)[i, j] / rounding).round()
    _, inverse, counts = distance.unique(return_inverse=True, return_counts=True)
    last = counts.cumsum(0).double()
    ranks = (last - (counts - 1) / 2)[inverse] / len(i)
    return Distances(ranks, u_centred(_as_matrix(ranks, len(rows))))


def _above(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """For each pair, the mean over all pairs of y where x is at least as large."""
    order = x.argsort(descending=True)
    sums = y[order].cumsum(0) / len(y)
    return sums.new_empty(len(y)).scatter_(0, order, sums)


def _as_matrix(pairs: torch.Tensor, n: int) -> torch.Tensor:
    """The symmetric matrix [n, n] of all pairs, zero on the diagonal."""
    import torch

    i, j = torch.triu_indices(n, n, 1, device=pairs.device)
    matrix = pairs.new_zeros(n, n)
    matrix[i, j] = matrix[j, i] = pairs
    return matrix


@metric(
    label="RSA",
    bounds=(-1, 1),
    reference="doi:10.3389/neuro.06.004.2008",
    chance=lambda sentences, dims: 0.0,
    minimum=5,
    invariances=("scale", "joint permutation"),
)
def rsa(pair: LayerPair) -> Scores:
    """Spearman correlation between the distances of all pairs of sentences in the two languages.

    Formula:
        Spearman's rho over i < j of d(x_i, x_j) and d(y_i, y_j), d = 1 - Pearson correlation over dims.

    Fails:
        All pairs have equal weight, including unrelated ones: length and topic can produce high values although no
        translation is retrieved.
    """
    x, y = pair.source.once(distances), pair.target.once(distances)
    n = pair.sentences
    if any(bool(language.ranks.min() == language.ranks.max()) for language in (x, y)):
        return Scores(float("nan"))
    size = float(x.ranks.std(correction=0) * y.ranks.std(correction=0))
    value = float(((x.ranks - x.ranks.mean()) * (y.ranks - y.ranks.mean())).mean()) / size
    value = min(max(value, -1.0), 1.0)
    # Influence function of Spearman's rho (Croux and Dehon 2010, doi 10.1007/s10260-010-0142-z); a sentence's
    # influence is the mean over its pairs.
    together = 12 * (x.ranks * y.ranks + _above(x.ranks, y.ranks) + _above(y.ranks, x.ranks))
    together = together - together.mean()
    effect = _as_matrix(together, n) / (n * (n - 1))
    if pair.strata is None:
        null = shuffled(x.split, y.split, weight=2 * (n - 2))
    else:
        null = shuffled_within(pair, _ranks)
    null = sampled(null.scaled(1 / (size * n * (n - 1))), x.split.whole, y.split.whole)
    influence = without_own_pairs(2 * n * effect.sum(1), effect, pair.documents)
    influence = without_second_order(influence, effect, null.sd, 1 - abs(value), pair.documents)
    return Scores(value, influence=influence, null=null, kind="pairs")


def _ranks(representation: Representation) -> torch.Tensor:
    """The ranks of the distances, less a constant, as a matrix [n, n]."""
    return representation.once(distances).split.whole
