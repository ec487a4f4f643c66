"""Which parameters the runs identify, which they leave open, and whether the form fits at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from repalign.scaling.fitting import Fit
from repalign.scaling.misfit import Misfit, at_bound, misfit

ZERO_SINGULAR_VALUE = 1e-6
"""Relative singular value below which a direction in parameter space changes no score."""

MAX_INTERVAL_RATIO = 30.0
"""Ratio of an interval's ends above which only a parameter's order of magnitude is known."""


@dataclass(frozen=True)
class Diagnosis:
    """What is not identified, and what does not fit.

    Attributes:
        misfit: tests of whether the form fits.
        condition: largest over smallest singular value of the derivatives, columns scaled to length 1.
        groups: parameters that can change together without changing any score.
        notes: the findings, one sentence each; empty if the form fits and all parameters are identified.
    """

    misfit: Misfit
    condition: float
    groups: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    @property
    def identified(self) -> bool:
        """Whether every parameter can be interpreted."""
        return not self.notes


def diagnose(fitted: Fit, intervals: Mapping[str, tuple[float, float]] | None = None) -> Diagnosis:
    """Parameters that the runs do not identify: exactly, by the rank of the derivatives, or nearly, by their intervals.

    Args:
        fitted: the fit.
        intervals: of the parameters by name (see `profile_interval`), where they were computed.
    """
    jacobian = fitted.problem.jacobian(fitted.values)
    lengths = np.linalg.norm(jacobian, axis=0)
    scaled = jacobian / np.where(lengths > 0, lengths, 1.0)
    _, singular, directions = np.linalg.svd(scaled, full_matrices=False)
    flat = directions[singular < ZERO_SINGULAR_VALUE * singular[0]]
    groups = tuple(_parameters_along(fitted, direction) for direction in flat)
    tested = misfit(fitted)
    notes = [tested.note] if tested.found else []
    notes += [_exact_note(fitted, group) for group in groups]
    notes += _bound_notes(fitted)
    grouped = {name for group in groups for name in group}
    for name, (low, high) in (intervals or {}).items():
        if name not in grouped and (note := _loose_note(fitted, name, low, high)):
            notes.append(note)
    return Diagnosis(tested, float(singular[0] / max(singular[-1], 1e-300)), groups, tuple(notes))


def _parameters_along(fitted: Fit, direction: np.ndarray) -> tuple[str, ...]:
    """Names of the parameters that change along a direction [parameter]."""
    large = np.abs(direction) > 0.05 * np.abs(direction).max()
    return tuple(name for name, changes in zip(fitted.names, large, strict=False) if changes)


def _exact_note(fitted: Fit, group: tuple[str, ...]) -> str:
    return fitted.form.unidentified or (
        f"{', '.join(group)} can change together without changing any score: these runs do not separate them"
    )


def _bound_notes(fitted: Fit) -> list[str]:
    """Parameters at an end of their range; not c at the top of the scale, which `_loose_note` reports, nor gamma at 0."""
    kinds = [name.split("[")[0] for name in fitted.names]
    return [
        f"{name} is at the end of its range, {fitted.parameters[name]:.3g}: the form cannot follow these runs further"
        for name, kind, stuck in zip(fitted.names, kinds, at_bound(fitted), strict=False)
        if stuck
        and (kind in ("a", "b", "k") or (kind == "c" and fitted.parameters[name] < fitted.runs.top / 2))
    ]


def _loose_note(fitted: Fit, name: str, low: float, high: float) -> str | None:
    kind, top = name.split("[")[0], fitted.runs.top
    if kind == "c" and high >= top:
        return (
            f"no ceiling is visible: {name} may be anything from {low:.3g} to the top of the scale, {top:g}"
        )
    if kind != "c" and (low <= 0 or high / low > MAX_INTERVAL_RATIO):
        return f"only the order of magnitude of {name} is known: {low:.2g} to {high:.2g}"
    return None
