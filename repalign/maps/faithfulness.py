"""Faithfulness of a 2-D or 3-D map."""

from __future__ import annotations

import numpy as np

NEIGHBOURS = 10
MAX_SCORED_POINTS = 600
"""Points on which a map is scored; more change little and cost a sort of n^2 distances."""


def faithfulness(points: np.ndarray, placed: np.ndarray, neighbours: int = NEIGHBOURS) -> tuple[float, float]:
    """How well a map keeps the neighbourhoods of `points`.

    Args:
        points: float [point, dim], rows of unit length.
        placed: float [point, 2 or 3].
        neighbours: k; reduced to half of the other points if larger.

    Returns:
        Trustworthiness (Venna & Kaski 2001; 1 = no false neighbours, about .5 = a random map), and the mean share
        of the k nearest neighbours that are kept (chance k / (n - 1)).
    """
    n = len(points)
    k = min(neighbours, max(1, (n - 1) // 2))
    true_rank, map_rank = _ranks(points), _ranks(placed)
    near = (map_rank >= 1) & (map_rank <= k)
    intruders = np.where(near, np.maximum(true_rank - k, 0), 0).sum()
    both = (near & (true_rank >= 1) & (true_rank <= k)).sum()
    return float(1 - intruders * 2 / (n * k * (2 * n - 3 * k - 1))), float(both / (n * k))


def sampled_faithfulness(points: np.ndarray, placed: np.ndarray, seed: int) -> tuple[float, float]:
    """`faithfulness` of a map of any size, on a sample of its points.

    Args:
        points: float [..., dim].
        placed: float [..., 2 or 3], the same points.
        seed: of the sample.

    Returns:
        Trustworthiness and neighbour overlap.
    """
    flat, coordinates = points.reshape(-1, points.shape[-1]), placed.reshape(-1, placed.shape[-1])
    if len(flat) > MAX_SCORED_POINTS:
        chosen = np.random.default_rng(seed).choice(len(flat), MAX_SCORED_POINTS, replace=False)
        flat, coordinates = flat[chosen], coordinates[chosen]
    return faithfulness(flat, coordinates)


def _ranks(points: np.ndarray) -> np.ndarray:
    """Rank of j among the neighbours of i, 0 for i itself: int [point, point]."""
    points = points.astype(np.float64)
    squares = (points**2).sum(1)
    distances = squares[:, None] + squares - 2 * points @ points.T
    np.fill_diagonal(distances, -np.inf)
    order = distances.argsort(1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(len(points))[None], 1)
    return ranks
