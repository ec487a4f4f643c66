"""Ways to spend a budget without knowing what it buys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from repalign.errors import RepalignError
from repalign.scaling.allocation import fill, limits


def uniform(
    languages: Sequence[str], budget: float, available: Mapping[str, float] | None = None
) -> dict[str, float]:
    """As many pairs of each language; what one lacks goes to the others in equal parts."""
    pairs = fill(np.ones(len(languages)), budget, limits(languages, available))
    return dict(zip(languages, pairs.tolist(), strict=True))


def temperature(available: Mapping[str, float], budget: float, value: float = 3.0) -> dict[str, float]:
    """In proportion to available^(1/value): 1 is proportional, large values come near to uniform.

    Raises:
        RepalignError: a value that is not above 0.
    """
    if not value > 0:
        raise RepalignError(f"temperature should be above 0, not {value:g}")
    caps = limits(list(available), available)
    if np.isinf(caps).any():
        raise RepalignError(
            "a split in proportion to what is available needs the pairs there are of each language"
        )
    return dict(zip(available, fill(caps ** (1 / value), budget, caps).tolist(), strict=True))


def proportional(available: Mapping[str, float], budget: float) -> dict[str, float]:
    """In proportion to what is available."""
    return temperature(available, budget, 1.0)
