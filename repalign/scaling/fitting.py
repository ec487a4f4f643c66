"""Fit a form of the law to runs: robust weighted least squares, several starts, within bounds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from repalign.errors import RepalignError, unknown
from repalign.scaling.forms import FORMS, Form, to_natural_scale
from repalign.scaling.problem import ROBUST_BEYOND, Problem
from repalign.scaling.runs import Runs

MAX_ROUNDS = 8
"""Rounds of fitting and estimating the runs' noise; two or three are usual."""


@dataclass(frozen=True)
class Fit:
    """A form fitted to runs.

    Attributes:
        form: the form that was fitted.
        runs: the runs it was fitted to.
        values: parameters of the law on the fitted scale (see `repalign.scaling.forms`), then the errors of the shared
            test sets in standard errors, float64 [parameter].
        deviation: standard deviation of each run's own noise about the curve, float64 [run].
        cost: half the sum of the robust losses.
    """

    form: Form
    runs: Runs
    values: np.ndarray
    deviation: np.ndarray
    cost: float

    @property
    def names(self) -> list[str]:
        """Names of the law's parameters: `c`, `b`, `a[zh]`, ..."""
        languages = self.runs.languages
        return [
            *self.form.shared,
            *(f"{name}[{lang}]" for name in self.form.per_language for lang in languages),
        ]

    @property
    def parameters(self) -> dict[str, float]:
        """Parameters of the law on the natural scale, by name."""
        names = self.names
        return {
            name: float(to_natural_scale(name.split("[")[0], value))
            for name, value in zip(names, self.values[: len(names)], strict=True)
        }

    def predict(self, language: str, pairs: np.ndarray | float, values: np.ndarray | None = None):
        """Scores by the law, those of a test set without error, float64 [..., pairs].

        Args:
            language: one that there are runs of.
            pairs: numbers of pairs.
            values: draws of the parameters, [draw, parameter]; by default the fitted ones, [parameter].

        Raises:
            RepalignError: there are no runs of the language.
        """
        if language not in self.runs.languages:
            raise unknown("language", language, self.runs.languages, "there are no runs of any other")
        x = np.log(np.asarray(pairs, dtype=float))
        draws = self.values if values is None else values
        parameters = self.problem.of_language(draws, self.runs.languages.index(language))
        return self.form.curve(x, self.runs.top, **{k: v[..., None] for k, v in parameters.items()})[0]

    @cached_property
    def problem(self) -> Problem:
        """The least-squares problem that was solved."""
        return Problem(self.form, self.runs, self.deviation)

    @cached_property
    def scale(self) -> float:
        """Divisor of the robust cost such that twice its increase follows F(1, n - p).

        It is the variance of the residuals if none is large (Schrader and Hettmansperger 1980,
        doi 10.1093/biomet/67.1.93).
        """
        residuals = self.problem.residuals(self.values)
        curvature = np.mean((1 + (residuals / ROBUST_BEYOND) ** 2) ** -1.5)
        return float(_influence(residuals).sum() / self.freedom / curvature)

    @property
    def freedom(self) -> int:
        """Residual degrees of freedom: runs less parameters of the law, at least 1."""
        return max(len(self.runs) - self.problem.n_law, 1)


def fit(runs: Runs, form: str = "power") -> Fit:
    """Fit one form of the law.

    Least squares on residuals in standard deviations with the soft L1 loss, from nine starts, within bounds; in turn
    with the size of the runs' own noise, which is estimated from the residuals.

    Args:
        runs: scores of finished training runs.
        form: a name in `FORMS`.

    Raises:
        RepalignError: an unknown form, or fewer sizes or runs than it has parameters.
    """
    if form not in FORMS:
        raise unknown("form", form, FORMS)
    chosen = FORMS[form]
    check_enough(runs, chosen)
    deviation = spread(runs)
    problem = Problem(chosen, runs, deviation)
    values, cost = min((problem.solve(start) for start in problem.starts()), key=lambda solution: solution[1])
    for _ in range(MAX_ROUNDS):
        noise = noise_scale(problem, values)
        if abs(noise - 1) < 0.01:
            break
        deviation = np.maximum(noise * deviation, 1e-6 * runs.top)
        problem = Problem(chosen, runs, deviation)
        values, cost = problem.solve(values)
    return Fit(chosen, runs, values, deviation, cost)


def noise_scale(problem: Problem, values: np.ndarray) -> float:
    """Standard deviation of the runs' own noise, in units of the assumed one.

    Huber's proposal 2: the mean of the squared influence is what it is under a normal distribution. The degrees of
    freedom are the runs' less the trace of their part of the hat matrix.
    """
    from scipy.special import erfcx

    n_runs, k = len(problem.x), ROBUST_BEYOND
    hat = leverage(problem, values)
    expected = k**2 * (1 - k * np.sqrt(np.pi / 2) * erfcx(k / np.sqrt(2)))
    freedom = max(n_runs - float(hat[:n_runs].sum()), 1.0)
    return float(np.sqrt(_influence(problem.residuals(values)[:n_runs]).sum() / freedom / expected))


def leverage(problem: Problem, values: np.ndarray) -> np.ndarray:
    """Diagonal of the hat matrix, float64 [run + test]."""
    left, singular, _ = np.linalg.svd(problem.jacobian(values), full_matrices=False)
    return (left[:, singular > 1e-9 * singular[0]] ** 2).sum(1)


def _influence(residuals: np.ndarray) -> np.ndarray:
    """Squared derivative of the soft L1 loss."""
    return residuals**2 / (1 + (residuals / ROBUST_BEYOND) ** 2)


def check_enough(runs: Runs, form: Form) -> None:
    """Refuse fewer sizes or runs than a form has parameters.

    Raises:
        RepalignError: there are too few.
    """
    n_sizes = [len(np.unique(runs.pairs[runs.index == number])) for number in range(len(runs.languages))]
    for available, needed, curve in (
        (max(n_sizes), len(form.parameters), "a curve"),
        (min(n_sizes), len(form.per_language), f"the curve of {runs.languages[int(np.argmin(n_sizes))]}"),
    ):
        if available < needed:
            raise RepalignError(
                f"{form.name}, {form.formula}, has {needed} parameters for {curve}, but there are runs of only "
                f"{available} size(s); train more sizes, or choose a form that shares more parameters"
            )
    if len(runs) <= form.count(len(runs.languages)):
        raise RepalignError(
            f"{form.name} has {form.count(len(runs.languages))} parameters for only {len(runs)} runs; train more runs"
        )


def spread(runs: Runs) -> np.ndarray:
    """First estimate of each run's own noise, float64 [run]: the error that no other run shares, and the spread of seeds.

    The spread of seeds is that between runs of one size and language. If no size was run twice and no score has an error
    of its own, all runs count the same.
    """
    cells = np.unique(np.stack([runs.index, runs.pairs]), axis=1, return_inverse=True)[1].ravel()
    count = np.bincount(cells)
    mean = np.bincount(cells, runs.score) / count
    freedom = int((count - 1).sum())
    between = float(((runs.score - mean[cells]) ** 2).sum()) / freedom if freedom else 0.0
    extra = max(between - float(np.mean(runs.own_error**2)), 0.0) if freedom else 0.0
    variance = runs.own_error**2 + extra
    least = (1e-6 * runs.top) ** 2
    return np.sqrt(np.maximum(variance, least)) if variance.max() > least else np.ones(len(runs))
