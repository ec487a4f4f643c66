"""The exact sign-flip test of paired differences in whole numbers."""

from __future__ import annotations

import numpy as np
from scipy import special

SMALLEST = np.finfo(float).tiny
"""A p-value is never exactly zero."""


def sign_flip_p(sums: np.ndarray) -> np.ndarray:
    """Two-sided p of "no difference" if the sign of every unit's difference is a fair coin (Fisher 1935).

    All combinations of signs are counted. If no unit differs by more than 1, this is the sign test, which for paired
    right and wrong answers is McNemar's exact test; with a document as the unit, it holds for sentences in documents.

    Args:
        sums: whole numbers [row, unit].

    Returns:
        float64 [row], at least 2^(1 - units that differ); 1 where none does.
    """
    return np.array([_p(row[row != 0]) for row in np.rint(sums).astype(int)])


def _p(sums: np.ndarray) -> float:
    total = abs(int(sums.sum()))
    if not total:
        return 1.0
    sizes = np.abs(sums)
    if (sizes == sizes[0]).all():
        fewer = (len(sizes) - total // sizes[0]) // 2
        tail = special.bdtr(fewer, len(sizes), 0.5)
    else:
        largest = int(sizes.sum())
        share = np.zeros(
            2 * largest + 1
        )  # of the combinations of signs, by their sum from -largest to largest
        share[largest] = 1
        for size in sizes:
            share = (np.roll(share, size) + np.roll(share, -size)) / 2
        tail = share[largest + total :].sum()
    return float(np.clip(2 * tail, SMALLEST, 1))
