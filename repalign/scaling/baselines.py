"""Baseline splits of a budget, which know nothing of the scaling law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from repalign.errors import RepalignError
from repalign.scaling.allocation import fill, limits


def uniform(
    languages: Sequence[str], budget: float, available: Mapping[str, float] | None = None
) -> dict[str, float]:
    """The same number of pairs for each language; what one lacks goes to the others in equal parts.

    Raises:
        RepalignError: `available` names an unknown language, or a negative number.
    """
    pairs = fill(np.ones(len(languages)), budget, limits(languages, available))
    return dict(zip(languages, pairs.tolist(), strict=True))


def temperature(available: Mapping[str, float], budget: float, value: float = 3.0) -> dict[str, float]:
    """In proportion to available^(1/value): 1 is proportional, large values approach uniform.

    Raises:
        RepalignError: a value that is not above 0, or a language without a number of available pairs.
    """
    if not value > 0:
        raise RepalignError(f"temperature should be above 0, not {value:g}")
    caps = limits(list(available), available)
    if np.isinf(caps).any():
        raise RepalignError(
            "a proportional split needs the number of available pairs of every language; give it in `available`"
        )
    return dict(zip(available, fill(caps ** (1 / value), budget, caps).tolist(), strict=True))


def proportional(available: Mapping[str, float], budget: float) -> dict[str, float]:
    """In proportion to the available pairs.

    Raises:
        RepalignError: see `temperature`.
    """
    return temperature(available, budget, 1.0)
