"""What the runs can tell, and what they cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from repalign.scaling.fitting import Fit

ZERO_SINGULAR_VALUE = 1e-6
"""Relative singular value below which a direction changes no score at all."""

MAX_INTERVAL_RATIO = 30.0
"""Ratio of an interval's ends above which a parameter is known by its order of magnitude only."""


@dataclass(frozen=True)
class Diagnosis:
    """What is not identified.

    Attributes:
        condition: greatest by smallest singular value of the derivatives, columns scaled to length 1.
        groups: parameters that can move together without changing any score.
        notes: the findings, a sentence each; none where all is well.
    """

    condition: float
    groups: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    @property
    def identified(self) -> bool:
        """Whether nothing stands against reading the parameters."""
        return not self.notes


def diagnose(fitted: Fit, intervals: Mapping[str, tuple[float, float]] | None = None) -> Diagnosis:
    """Parameters that the runs leave open: exactly, by the rank of the derivatives, or nearly, by their intervals.

    Args:
        intervals: of the parameters by name (see `profile_interval`), where they were computed.
    """
    jacobian = fitted.problem.jacobian(fitted.values)
    lengths = np.linalg.norm(jacobian, axis=0)
    scaled = jacobian / np.where(lengths > 0, lengths, 1.0)
    _, singular, directions = np.linalg.svd(scaled, full_matrices=False)
    groups = tuple(_moving(fitted, row) for row in directions[singular < ZERO_SINGULAR_VALUE * singular[0]])
    notes = [_exact(fitted, group) for group in groups]
    together = {name for group in groups for name in group}
    for name, (low, high) in (intervals or {}).items():
        if name not in together and (note := _loose(fitted, name, low, high)):
            notes.append(note)
    return Diagnosis(float(singular[0] / max(singular[-1], 1e-300)), groups, tuple(notes))


def _moving(fitted: Fit, direction: np.ndarray) -> tuple[str, ...]:
    large = np.abs(direction) > 0.05 * np.abs(direction).max()
    return tuple(name for name, moves in zip(fitted.names, large, strict=True) if moves)


def _exact(fitted: Fit, group: tuple[str, ...]) -> str:
    if fitted.form.name == "paper":
        return (
            "gamma cannot be told from alpha: a larger alpha with smaller gammas gives the same scores; only "
            "a_L = alpha gamma_L^-b is known (fit `power`), and the gammas only relative to each other"
        )
    return (
        f"{', '.join(group)} can move together without changing any score: these runs cannot tell them apart"
    )


def _loose(fitted: Fit, name: str, low: float, high: float) -> str | None:
    kind, top = name.split("[")[0], fitted.runs.top
    if kind == "c" and high >= top:
        return f"no ceiling is seen: {name} may be anything from {low:.3g} to the top of the scale, {top:g}"
    if kind != "c" and (low <= 0 or high / low > MAX_INTERVAL_RATIO):
        return f"{name} is known by its order of magnitude only: {low:.2g} to {high:.2g}"
    return None
