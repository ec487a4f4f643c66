"""Kernel alignment: are the same sentences similar in both languages?

Kernels are linear and centred, so adding a vector to a language changes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from repalign.metrics.metric import Scores, metric
from repalign.metrics.null import Null
from repalign.metrics.pair import LayerPair, Representation
from repalign.metrics.pairwise import check_square
from repalign.metrics.quadratic import UCentred, shuffled, u_centred, without_second_order
from repalign.metrics.shuffles import sampled
from repalign.metrics.within import shuffled_within

if TYPE_CHECKING:
    import torch

    from repalign.metrics.documents import Documents, Partition

SUBSPACE = ("shift", "scale", "joint permutation", "joint rotation", "own rotation")


BYTES = 36
"""For each pair of sentences, with the moments and influence of both languages: measured."""


def gram(representation: Representation) -> torch.Tensor:
    """Inner products of centred states [n, n]; scaled to mean 1 on the diagonal, so that powers do not overflow."""
    check_square(len(representation.states), BYTES)
    products = representation.centred @ representation.centred.T
    size = products.diagonal().mean()
    return products / size.where(size > 0, 1)


def kernel(representation: Representation) -> UCentred:
    """The linear kernel, U-centred."""
    return u_centred(representation.once(gram))


@metric(
    label="CKA (debiased)",
    bounds=(-1, 1),
    reference="arXiv:2010.15327; Song et al. 2012, JMLR 13, eq. 5",
    chance=lambda sentences, dims: 0.0,
    minimum=6,
    invariances=SUBSPACE,
    tolerance=1e-4,
)
def cka(pair: LayerPair) -> Scores:
    """Debiased linear CKA: correlation of two U-centred kernel matrices.

    Formula:
        HSIC_u(K, L) / sqrt(HSIC_u(K, K) HSIC_u(L, L)), with HSIC_u(K, L) = sum_ij u_ij v_ij / (n (n - 3)). About 0 for
        independent languages at any n and d, and may be negative.

    Fails:
        Dominated by any single dim of huge variance.
    """
    x, y = pair.source.once(kernel), pair.target.once(kernel)
    n = pair.sentences
    product = x.matrix * y.matrix
    rows = product.sum(1).double()
    dots, left, right = rows.sum(), x.rows.sum(), y.rows.sum()
    size = float((left * right) ** 0.5)
    if size == 0:
        return Scores(float("nan"))
    value = _within_bounds(float(dots) / size)
    # Exact: leaving out sentence i removes its row twice from every HSIC_u, and once more from the sums over rows.
    lost = 2 + 2 / (n - 3)
    rest = (left - lost * x.rows) * (right - lost * y.rows)
    influence = (n - 1) * (value - (dots - lost * rows) / rest.clamp(min=0).sqrt())
    if float(rest.min()) < 1e-6 * size**2:  # one sentence is nearly all there is: the derivative instead
        influence = n * (2 * rows / size - value * (x.rows / left + y.rows / right))
    if pair.documents is not None:
        without = _without_documents(pair, product, pair.documents.clusters)
        influence = pair.documents.leaving_out(value, without, influence)
    if pair.strata is None:
        null = shuffled(x, y).scaled(1 / size)
    else:
        null = shuffled_within(pair, u_kernel).scaled(1 / size)
    return _pair_scores(x.matrix, y.matrix, value, size, influence, null, pair.documents)


def _within_bounds(correlation: float) -> float:
    """Rounding may take identical languages beyond 1."""
    return min(max(correlation, -1.0), 1.0)


class _ByDocument(NamedTuple):
    """What leaving documents out needs to know of one U-centred kernel."""

    columns: torch.Tensor  # double [sentence, document]: sums of a row over each document
    squares: torch.Tensor  # double [document, document]: sums of squares


def _by_document(representation: Representation, documents: Partition) -> _ByDocument:
    k = representation.once(kernel).matrix
    return _ByDocument(documents.column_sums(k).double(), documents.block_sums(k.square()))


def _without_documents(pair: LayerPair, product: torch.Tensor, clusters: Partition) -> torch.Tensor:
    """The score without each document, exact: double [document].

    Args:
        pair: of two languages.
        product: of both U-centred kernels, entry by entry.
        clusters: the sentences of each document.
    """
    rest = len(product) - clusters.sizes.to(product.device).double()
    x, y = (side.once(_by_document, clusters) for side in (pair.source, pair.target))

    def without(blocks: torch.Tensor, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """HSIC_u of the other documents, up to a factor: U-centring again takes off what the document's rows held."""
        crossed = one * other
        outside = crossed.sum(0) - clusters.row_sums(crossed).diagonal()
        totals = clusters.row_sums(one).diagonal() * clusters.row_sums(other).diagonal()
        return (
            blocks.sum() - 2 * blocks.sum(1) + blocks.diagonal()
            - 2 * outside / (rest - 2) + totals / ((rest - 1) * (rest - 2))
        )  # fmt: skip

    size = without(x.squares, x.columns, x.columns) * without(y.squares, y.columns, y.columns)
    return without(clusters.block_sums(product), x.columns, y.columns) / size.clamp(min=0).sqrt()


def u_kernel(representation: Representation) -> torch.Tensor:
    """The U-centred linear kernel as a matrix [n, n]."""
    return representation.once(kernel).matrix


def _pair_scores(
    k: torch.Tensor,
    m: torch.Tensor,
    value: float,
    size: float,
    influence: torch.Tensor,
    null: Null,
    documents: Documents | None,
) -> Scores:
    """Scores of <k, m> / (|k| |m|); `size` is the denominator."""
    left, right = (float(matrix.norm()) for matrix in (k, m))
    effect = k * m / size - value / 2 * ((k / left).square() + (m / right).square())
    room = 1 - max((value - null.mean) / (1 - null.mean), 0.0)
    influence = without_second_order(influence, effect, null.sd, room, documents)
    return Scores(value, influence=influence, null=sampled(null, k, m), kind="pairs")


@metric(
    label="CKA (biased)",
    bounds=(0, 1),
    reference="arXiv:1905.00414",
    minimum=6,
    invariances=SUBSPACE,
)
def cka_biased(pair: LayerPair) -> Scores:
    """Linear CKA as first published. Use `cka` except to reproduce published values.

    Formula:
        |x'y|^2 / (|x'x| |y'y|), Frobenius norms, x and y centred.

    Fails:
        Biased upwards: independent noise gives .98 at n = 100, d = 4096.
    """
    x, y = pair.source.once(gram), pair.target.once(gram)
    n = pair.sentences
    rows, left, right = ((a * b).sum(1).double() for a, b in ((x, y), (x, x), (y, y)))
    size = float((left.sum() * right.sum()) ** 0.5)
    if size == 0:
        return Scores(float("nan"))
    value = _within_bounds(float(rows.sum()) / size)
    influence = n * (2 * rows / size - value * (left / left.sum() + right / right.sum()))
    if pair.strata is None:
        u, v = pair.source.once(kernel), pair.target.once(kernel)
        null = shuffled(u, v, weight=n * (n - 2))  # the diagonal contributes to the effects
        null = replace(null, mean=float(x.trace() * y.trace()) / (n - 1)).scaled(1 / size)
    else:
        null = shuffled_within(pair, gram).scaled(1 / size)
    return _pair_scores(x, y, value, size, influence, null, pair.documents)
