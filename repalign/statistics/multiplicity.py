"""Corrections for multiple comparisons."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def holm(p: ArrayLike) -> np.ndarray:
    """Holm's step-down correction, which controls the family-wise error rate.

    Args:
        p: p-values of any shape; NaN is not counted as a test.

    Returns:
        Adjusted p-values, float64 of the same shape; NaN stays NaN.
    """
    p = np.asarray(p, dtype=float)
    return _adjusted(p, lambda ordered: np.maximum.accumulate(ordered * np.arange(len(ordered), 0, -1)))


def benjamini_hochberg(p: ArrayLike) -> np.ndarray:
    """Benjamini and Hochberg's step-up correction, which controls the false discovery rate.

    Args:
        p: p-values of any shape; NaN is not counted as a test.

    Returns:
        Adjusted p-values, float64 of the same shape; NaN stays NaN.
    """

    def step_up(ordered: np.ndarray) -> np.ndarray:
        scaled = ordered * len(ordered) / np.arange(1, len(ordered) + 1)
        return np.minimum.accumulate(scaled[::-1])[::-1]

    return _adjusted(np.asarray(p, dtype=float), step_up)


def _adjusted(p: np.ndarray, correct: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    adjusted[order] = np.minimum(correct(p[order]), 1.0)
    return adjusted


CORRECTIONS = {"holm": holm, "bh": benjamini_hochberg}
