"""Kernel alignment: are the same sentences alike in both languages?

Kernels are linear; centring is built in, so that a vector added to a language changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from repalign.metrics.metric import Scores, metric
from repalign.metrics.null import Null
from repalign.metrics.pair import LayerPair, Side

if TYPE_CHECKING:
    import torch

SUBSPACE = ("shift", "scale", "joint permutation", "joint rotation", "own rotation")


class UCentred(NamedTuple):
    """A U-centred kernel matrix: zero diagonal, and rows that sum to zero."""

    matrix: torch.Tensor  # [n, n]
    rows: torch.Tensor  # double [n]: sums of squares of each row
    cubes: float  # sum of u_ij^3
    triangles: float  # sum of u_ij u_jk u_ki


def gram(side: Side) -> torch.Tensor:
    """Inner products of centred states [n, n]."""
    return side.centred @ side.centred.T


def u_centred(side: Side) -> UCentred:
    """U-centring (Szekely and Rizzo 2014, doi 10.1214/14-AOS1255) of the linear kernel, scaled to mean square
    1.

    The centred Gram matrix has zero row sums, so without its diagonal row i sums to -k_ii.
    """
    kernel = gram(side)
    n = len(kernel)
    lost = -kernel.diagonal().clone()
    matrix = kernel - (lost[:, None] + lost) / (n - 2) + lost.sum() / ((n - 1) * (n - 2))
    matrix.fill_diagonal_(0)
    size = matrix.norm() / n
    matrix /= size.where(size > 0, 1)
    squares = matrix * matrix
    return UCentred(
        matrix,
        rows=squares.sum(1).double(),
        cubes=float((squares * matrix).sum(1).double().sum()),
        triangles=float(((matrix @ matrix) * matrix).sum(1).double().sum()),
    )


def _shuffled_moments(x: UCentred, y: UCentred) -> tuple[float, float]:
    """Variance and third moment of sum_ij u_ij v_ij over all orders of the sentences; the mean is zero.

    The powers of the sum are sorted by which indices coincide; as rows sum to zero, each pattern reduces to
    the squares, cubes and triangles of the two matrices. Same moments as Kazi-Aoual et al. 1995, for matrices
    without diagonal.
    """
    n = len(x.rows)

    def orders(indices: int) -> float:  # ways to place so many distinct indices
        product = 1.0
        for step in range(indices):
            product *= n - step
        return product

    squares = float(x.rows.sum()) * float(y.rows.sum())
    variance = squares * (2 / orders(2) + 4 / orders(3) + 4 / orders(4))

    def patterns(u: UCentred) -> tuple[float, ...]:
        a, t = u.cubes, u.triangles
        return a, -a, t, 2 * a, 2 * a, a - t, 2 * t - 4 * a, 16 * a - 8 * t

    ways = (4, 24, 8, 6, 8, 24, 12, 1)
    indices = (2, 3, 3, 4, 4, 4, 5, 6)
    third = sum(
        way * p * q / orders(count)
        for way, count, p, q in zip(ways, indices, patterns(x), patterns(y), strict=True)
        if count <= n
    )
    return variance, third


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

    HSIC_u(K, L) / sqrt(HSIC_u(K, K) HSIC_u(L, L)), with HSIC_u(K, L) = sum_ij u_ij v_ij / (n (n - 3)). About
    0 for independent languages at any n and d, and may be negative. One dim of huge variance decides it.
    """
    x, y = pair.source.once(u_centred), pair.target.once(u_centred)
    n = pair.sentences
    rows = (x.matrix * y.matrix).sum(1).double()
    dots, left, right = rows.sum(), x.rows.sum(), y.rows.sum()
    size = float((left * right) ** 0.5)
    if size == 0:
        return Scores(float("nan"))
    value = float(dots) / size
    # Without sentence i every HSIC_u loses its row twice and the two sums over rows once: exact, in closed
    # form.
    lost = 2 + 2 / (n - 3)
    without = (dots - lost * rows) / ((left - lost * x.rows) * (right - lost * y.rows)).clamp(min=0).sqrt()
    influence = (n - 1) * (value - without)
    variance, third = _shuffled_moments(x, y)
    skew = third / variance**1.5 if variance > 0 else 0.0
    null = Null(0.0, variance**0.5 / size, skew)
    return Scores(value, influence=_without_second_order(influence - influence.mean(), null), null=null)


def _without_second_order(influence: torch.Tensor, null: Null) -> torch.Tensor:
    """Take from a jackknife what it counts twice.

    Leaving one out counts the part of the variance that comes from pairs of sentences twice (Efron and Stein
    1981, doi 10.1214/aos/1176345462). For unrelated languages that part is all there is, and it is the
    variance under shuffling.
    """
    variance = float((influence**2).sum()) / len(influence) ** 2
    if variance == 0:
        return influence
    return influence * (max(variance - null.sd**2, null.sd**2) / variance) ** 0.5


@metric(
    label="CKA (biased)",
    bounds=(0, 1),
    reference="arXiv:1905.00414",
    invariances=SUBSPACE,
)
def cka_biased(pair: LayerPair) -> Scores:
    """Linear CKA as first published: |x'y|^2 / (|x'x| |y'y|), x and y centred.

    Biased upwards: independent noise gives .98 at n = 100, d = 4096. Use `cka` unless a published figure is
    repeated.
    """
    k, l = pair.source.once(gram), pair.target.once(gram)
    rows, left, right = ((a * b).sum(1).double() for a, b in ((k, l), (k, k), (l, l)))
    size = (left.sum() * right.sum()) ** 0.5
    if size == 0:
        return Scores(float("nan"))
    value = rows.sum() / size
    relative = 2 * (rows / rows.mean().clamp(min=1e-300) - left / left.mean() / 2 - right / right.mean() / 2)
    return Scores(float(value), influence=value * relative)
