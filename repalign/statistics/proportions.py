"""Intervals for proportions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def wilson(share: ArrayLike, sentences: float, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Wilson score interval for a share of sentences (Wilson 1927); unlike a bootstrap, it has a width at 0 and 1.

    Args:
        share: shares between 0 and 1, of any shape.
        sentences: number of sentences that each is a share of, or of independent ones that are worth the same.
        confidence: intended share of intervals that contain the true value.

    Returns:
        Lower and upper ends, each float64 of the shape of `share`.
    """
    share = np.asarray(share, dtype=float)
    z = special.ndtri((1 + confidence) / 2)
    middle = (share + z**2 / (2 * sentences)) / (1 + z**2 / sentences)
    half = z / (1 + z**2 / sentences) * np.sqrt(share * (1 - share) / sentences + (z / (2 * sentences)) ** 2)
    return np.minimum(middle - half, share), np.maximum(middle + half, share)
