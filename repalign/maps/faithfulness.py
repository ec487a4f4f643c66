"""How far a map can be believed."""

from __future__ import annotations

import numpy as np

NEIGHBOURS = 10
MAX_SCORED_POINTS = 600
"""Points a map is sampled_faithfulness on; more change little and cost a sort of n^2 distances."""


def faithfulness(points: np.ndarray, placed: np.ndarray, neighbours: int = NEIGHBOURS) -> tuple[float, float]:
    """How much of the neighbourhoods in `points` a map keeps.

    Args:
        points: float [point, dim], rows of unit length.
        placed: float [point, 2 or 3].
        neighbours: k, at most half of the other points.

    Returns:
        Trustworthiness (Venna & Kaski 2001; 1 = no false neighbour, about .5 = a random map), and the mean
        share of the k nearest neighbours that are the same (chance k / (n - 1)).
    """
    n = len(points)
    k = min(neighbours, max(1, (n - 1) // 2))
    there, here = _ranks(points), _ranks(placed)
    near = (here >= 1) & (here <= k)
    intruders = np.where(near, np.maximum(there - k, 0), 0).sum()
    both = (near & (there >= 1) & (there <= k)).sum()
    return float(1 - intruders * 2 / (n * k * (2 * n - 3 * k - 1))), float(both / (n * k))


def sampled_faithfulness(points: np.ndarray, placed: np.ndarray, seed: int) -> tuple[float, float]:
    """`faithfulness` of a map of any size, on a sample of its points.

    Args:
        points: float [..., dim].
        placed: float [..., 2 or 3], the same points.
        seed: of the sample.
    """
    flat, places = points.reshape(-1, points.shape[-1]), placed.reshape(-1, placed.shape[-1])
    if len(flat) > MAX_SCORED_POINTS:
        chosen = np.random.default_rng(seed).choice(len(flat), MAX_SCORED_POINTS, replace=False)
        flat, places = flat[chosen], places[chosen]
    return faithfulness(flat, places)


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
