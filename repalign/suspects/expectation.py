"""What is usual in a corpus, and how far from it a row is, in robust standard deviations."""

from __future__ import annotations

import numpy as np

SPREAD = 1.4826
"""Standard deviation of a normal distribution by its median absolute deviation."""

HUBER = 1.345
"""Residuals beyond so many standard deviations count less, so that faults do not shape what is expected."""

ROUNDS = 30
"""Of reweighting: far more than it takes to converge."""

FLAG = 4.5
"""What a fault that can be seen says, such as a number that is not in the original: it is one whatever the states say."""

FEW = 0.05
"""Share of the rows that could have a flag up to which it says that much."""


def standardised(values: np.ndarray) -> np.ndarray:
    """Distance from the median in robust standard deviations, float64 [row]; 0 where nothing varies."""
    deviations = values - np.median(values)
    spread = SPREAD * np.median(np.abs(deviations))
    return deviations / spread if spread > 0 else np.zeros(len(values))


def expected(values: np.ndarray, *causes: np.ndarray) -> np.ndarray:
    """Values as a linear function of what explains them, by Huber's regression: float64 [row].

    Args:
        values: float [row].
        causes: float [row] each; constants explain nothing and are left out.
    """
    kept = [standardised_linearly(cause) for cause in causes if np.ptp(cause) > 0]
    design = np.column_stack([np.ones(len(values)), *kept])
    weights = np.ones(len(values))
    for _ in range(ROUNDS):
        root = np.sqrt(weights)[:, None]
        fit = design @ np.linalg.lstsq(design * root, values * root[:, 0], rcond=None)[0]
        distance = np.abs(standardised(values - fit))
        weights = HUBER / np.maximum(distance, HUBER)
    return fit


def standardised_linearly(values: np.ndarray) -> np.ndarray:
    """Mean 0 and standard deviation 1, for a well-conditioned regression."""
    return (values - values.mean()) / values.std()


def flagged(flags: np.ndarray, eligible: np.ndarray) -> np.ndarray:
    """What a yes or no says, as a distance: float64 [row], 0 without the flag.

    `FLAG`, as long as few rows have it. If more do it is rather a habit of the translator, such as converting miles, and says less:
    in proportion to the root of the log likelihood ratio of rows that always have it to rows that have it as often as these.

    Args:
        flags: bool [row].
        eligible: bool [row], rows that could have it.
    """
    share = (flags.sum() + 1) / (max(eligible.sum(), flags.sum()) + 2)
    says = min(1.0, np.sqrt(np.log(share) / np.log(FEW)))
    return np.where(flags, FLAG * says, 0.0)


def spread_by(values: np.ndarray, cause: np.ndarray) -> np.ndarray:
    """Values divided by how far they usually spread at their cause, standardised: float64 [row].

    Args:
        values: float [row], around 0.
        cause: float [row], to which the spread is linear.
    """
    spread = expected(np.abs(values), cause)
    return standardised(values / np.maximum(spread, max(np.median(spread) / 4, np.finfo(float).tiny)))
