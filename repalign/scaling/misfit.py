"""Whether the form fits the runs at all: tests of the residuals, each against simulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from repalign.scaling.fitting import Fit

LEVEL = 0.02
"""The smallest p-value, multiplied by the number of tests, counts as misfit below this."""

DRAWS = 4000
"""Simulated sets of residuals; p cannot be below its reciprocal."""

NEGLIGIBLE = 1e-5
"""Noise as a share of the top of the scale, and residuals in standard deviations, below which there are only rounding errors."""


@dataclass(frozen=True)
class Misfit:
    """The strongest evidence against a form.

    Attributes:
        p: smallest p-value of the tests, Bonferroni-adjusted for their number; 1 if nothing can be tested.
        reason: what that test found, for a sentence.
    """

    p: float
    reason: str = ""

    @property
    def found(self) -> bool:
        """Whether the form does not fit."""
        return self.p < LEVEL

    @property
    def note(self) -> str:
        """What does not fit, as a sentence."""
        return (
            f"the form does not fit these runs: {self.reason} (p = {self.p:.2g}); intervals and splits by it cannot be "
            "relied on"
        )


def misfit(fitted: Fit, seed: int = 0) -> Misfit:
    """Test whether residuals are those of a form that fits.

    Four tests: lack of fit against runs of one language and size, lack of fit that languages have in common at a size,
    von Neumann's ratio of neighbouring sizes, and the sum of squares of the test sets' errors. Under the form the residuals are (I - H) e, where H is the hat matrix at the
    fit and e is normal; each statistic is compared with those of simulated e, so that parameters and errors of test sets
    that the fit has adapted to, few runs, and sizes that only some languages have need no approximation. Parameters at a
    bound count as fixed.

    Args:
        fitted: the fit.
        seed: of the simulation.
    """
    problem, runs = fitted.problem, fitted.runs
    if fitted.deviation.max() < NEGLIGIBLE * runs.top:
        return Misfit(1.0)
    jacobian = problem.jacobian(fitted.values)[:, ~at_bound(fitted)]
    left, singular, _ = np.linalg.svd(jacobian, full_matrices=False)
    basis = left[:, singular > 1e-9 * singular[0]]
    noise = np.random.default_rng(seed).normal(size=(DRAWS, len(jacobian)))
    simulated, observed = noise - noise @ basis @ basis.T, problem.residuals(fitted.values)[None]
    observed[:, (np.abs(simulated) < NEGLIGIBLE).all(0)] = (
        0.0  # what the parameters fit exactly, whatever the scores
    )
    found = [
        Misfit(float(1 + (statistic(simulated) >= statistic(observed)).sum()) / (1 + DRAWS), reason)
        for reason, statistic in _tests(fitted).items()
    ]
    strongest = min(found, key=lambda one: one.p, default=Misfit(1.0))
    return Misfit(min(1.0, strongest.p * len(found)), strongest.reason)


def at_bound(fitted: Fit) -> np.ndarray:
    """Whether each parameter is at an end of its range, bool [parameter]."""
    low, high = fitted.problem.limits
    return np.minimum(fitted.values - low, high - fitted.values) < 1e-3 * (high - low)


Statistic = Callable[[np.ndarray], np.ndarray]
"""Residuals [draw, run + test] -> [draw], large where they contradict the form."""


def _tests(fitted: Fit) -> dict[str, Statistic]:
    """The tests that the runs allow, by what they find."""
    runs, tests, n_runs = fitted.runs, {}, len(fitted.runs)
    cells, cell = np.unique(np.stack([runs.index, runs.pairs]), axis=1, return_inverse=True)
    of_cell = np.eye(cells.shape[1])[cell.ravel()]  # [run, cell]
    of_size = (runs.pairs[:, None] == runs.sizes).astype(float)  # [run, size]
    neighbours = np.flatnonzero(cells[0, 1:] == cells[0, :-1])
    if n_runs > cells.shape[1]:
        reason = "runs of one size agree better with each other than with the curve"
        tests[reason] = lambda residuals: _lack_of_fit(residuals[:, :n_runs], of_cell)
    if cells.shape[1] > len(runs.sizes):
        reason = "the languages miss the curve alike"
        tests[reason] = lambda residuals: _lack_of_fit(residuals[:, :n_runs], of_size)
    if len(neighbours):
        reason = "neighbouring sizes miss the curve on the same side"
        means = of_cell / of_cell.sum(0)
        tests[reason] = lambda residuals: -_von_neumann(residuals[:, :n_runs] @ means, neighbours)
    if runs.shared_error.shape[1]:
        reason = "test sets would have to err by more than the errors of their scores"
        tests[reason] = lambda residuals: (residuals[:, n_runs:] ** 2).sum(1)
    return tests


def _lack_of_fit(residuals: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Sum of squares between groups [run, group] over that within, [draw]: the F statistic but for its constant."""
    between = ((residuals @ groups) ** 2 / groups.sum(0)).sum(1)
    return between / np.maximum((residuals**2).sum(1) - between, 1e-12)


def _von_neumann(means: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """Squared differences of a language's neighbouring means [draw, cell], over their squares, [draw]."""
    return (np.diff(means)[:, neighbours] ** 2).sum(1) / np.maximum((means**2).sum(1), 1e-12)
