"""Fit a form of the law to runs: robust weighted least squares, several starts, within bounds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from repalign.errors import RepalignError, unknown
from repalign.scaling.forms import FORMS, LIMITS, Form, to_natural_scale
from repalign.scaling.runs import Runs

ROBUST_BEYOND = 2.0
"""Standard deviations beyond which a residual counts less than its square (soft L1)."""

STARTS = [(b, share) for b in (0.3, 0.7, 1.2) for share in (0.03, 0.3, 0.8)]
"""Starting values: the exponent, and where the ceiling is between the best score (0) and the top of the scale (1)."""


@dataclass(frozen=True)
class Fit:
    """A form fitted to runs.

    Attributes:
        form: the form that was fitted.
        runs: the runs it was fitted to.
        values: parameters on the fitted scale (see `repalign.scaling.forms`), float64 [parameter].
        deviation: standard deviation of each run about the curve, from its score's interval and the differences
            between seeds, float64 [run].
        cost: half the sum of the robust losses.
    """

    form: Form
    runs: Runs
    values: np.ndarray
    deviation: np.ndarray
    cost: float

    @property
    def names(self) -> list[str]:
        """Names of the parameters: `c`, `b`, `a[zh]`, ..."""
        languages = self.runs.languages
        return [
            *self.form.shared,
            *(f"{name}[{lang}]" for name in self.form.per_language for lang in languages),
        ]

    @property
    def parameters(self) -> dict[str, float]:
        """Parameters on the natural scale, by name."""
        return {
            name: float(to_natural_scale(name.split("[")[0], value))
            for name, value in zip(self.names, self.values, strict=True)
        }

    def predict(self, language: str, pairs: np.ndarray | float, values: np.ndarray | None = None):
        """Predicted scores, float64 [..., pairs].

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
        z2 = (self.problem.residuals(self.values) / ROBUST_BEYOND) ** 2
        influence = ROBUST_BEYOND**2 * z2 / (1 + z2)
        freedom = max(len(self.runs) - len(self.values), 1)
        return float(influence.sum() / freedom / np.mean((1 + z2) ** -1.5))


class Problem:
    """Residuals in standard deviations, and their derivatives.

    Args:
        form: of the law.
        runs: to fit it to.
        deviation: standard deviation of each run, [run].
        counts: how often each run counts, [run]; by default once.
    """

    def __init__(
        self, form: Form, runs: Runs, deviation: np.ndarray, counts: np.ndarray | float = 1.0
    ) -> None:
        self.form, self.runs = form, runs
        self.x, self.weight = np.log(runs.pairs), np.sqrt(counts) / deviation
        self.size = form.count(len(runs.languages))
        self.rows = np.arange(len(runs))

    def columns(self, language: np.ndarray | int) -> dict[str, np.ndarray]:
        """Columns of a language's parameters among all parameters, by parameter name."""
        n_shared, n_languages = len(self.form.shared), len(self.runs.languages)
        shared = {name: np.full_like(language, column) for column, name in enumerate(self.form.shared)}
        return shared | {
            name: n_shared + n_languages * block + np.asarray(language)
            for block, name in enumerate(self.form.per_language)
        }

    def of_language(self, values: np.ndarray, language: np.ndarray | int) -> dict[str, np.ndarray]:
        """A language's parameters [...] out of all parameters [..., parameter], by name."""
        return {name: values[..., column] for name, column in self.columns(language).items()}

    @cached_property
    def _columns(self) -> dict[str, np.ndarray]:
        return self.columns(self.runs.index)

    @cached_property
    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bounds of all parameters, each [parameter]."""
        low, high = np.empty(self.size), np.empty(self.size)
        for name, columns in self._columns.items():
            below, above = LIMITS[name]
            low[columns], high[columns] = below, self.runs.top if above is None else above
        return low, high

    def residuals(self, values: np.ndarray) -> np.ndarray:
        """Prediction minus score, in standard deviations, float64 [run]."""
        at = {name: values[columns] for name, columns in self._columns.items()}
        return (self.form.curve(self.x, self.runs.top, **at)[0] - self.runs.score) * self.weight

    def jacobian(self, values: np.ndarray) -> np.ndarray:
        """Derivatives of the residuals, float64 [run, parameter]."""
        at = {name: values[columns] for name, columns in self._columns.items()}
        derivatives = np.zeros((len(self.x), self.size))
        for name, slope in self.form.curve(self.x, self.runs.top, **at)[1].items():
            derivatives[self.rows, self._columns[name]] = slope * self.weight
        return derivatives

    def solve(self, start: np.ndarray, fixed: dict[int, float] | None = None) -> tuple[np.ndarray, float]:
        """The best parameters [parameter] near a start, and their robust cost (soft L1).

        Args:
            start: on the fitted scale, [parameter].
            fixed: column -> value of parameters that are held constant.
        """
        from scipy.optimize import least_squares

        full = start.copy()
        for column, value in (fixed or {}).items():
            full[column] = value
        free = np.setdiff1d(np.arange(self.size), list(fixed or {}))
        low, high = (bound[free] for bound in self.limits)
        margin = 1e-9 * (high - low)

        def with_fixed(values: np.ndarray) -> np.ndarray:
            full[free] = values
            return full

        jacobian: Any = lambda values: self.jacobian(with_fixed(values))[:, free]  # noqa: E731 (scipy is typed without it)
        solution = least_squares(
            lambda values: self.residuals(with_fixed(values)),
            np.clip(full[free], low + margin, high - margin),
            jacobian,
            bounds=(low, high),
            loss="soft_l1",
            f_scale=ROBUST_BEYOND,
            x_scale="jac",
            max_nfev=200,
        )
        return with_fixed(solution.x).copy(), float(solution.cost)

    def starts(self) -> list[np.ndarray]:
        """Parameters from which the search starts, each [parameter]."""
        return [self._start(b, share) for b, share in STARTS]

    def _start(self, b: float, share: float) -> np.ndarray:
        best, top = float(self.runs.score.max()), self.runs.top
        ceiling = best + share * (top - best) + 1e-3 * top
        log_gap = np.log(np.maximum(ceiling - self.runs.score, 1e-3 * top))
        log_score = np.log(np.maximum(self.runs.score, 1e-3 * top))
        language, count = self.runs.index, len(self.runs)
        difficulty = np.bincount(language, log_gap + b * self.x) / np.bincount(language)
        odds = np.bincount(language, log_gap - log_score + b * self.x) / np.bincount(language)
        guess = {
            "c": np.full(count, ceiling),
            "b": np.full(count, np.log(b)),
            "a": difficulty[language],
            "k": odds[language],
            "alpha": np.full(count, difficulty.max()),
            "gamma": (difficulty.min() - difficulty[language]) / b - 0.1,
        }
        values = np.empty(self.size)
        for name, columns in self._columns.items():
            values[columns] = guess[name]
        return values


def fit(runs: Runs, form: str = "power", start: np.ndarray | None = None) -> Fit:
    """Fit one form of the law.

    Least squares on residuals in standard deviations with the soft L1 loss, from nine starts, within bounds.

    Args:
        runs: scores of finished training runs.
        form: a name in `FORMS`.
        start: a single starting point to use instead, on the fitted scale, [parameter].

    Raises:
        RepalignError: an unknown form, or fewer sizes or runs than it has parameters.
    """
    if form not in FORMS:
        raise unknown("form", form, FORMS)
    chosen = FORMS[form]
    _check_enough(runs, chosen)
    deviation = spread(runs)
    problem = Problem(chosen, runs, deviation)
    starts = problem.starts() if start is None else [start]
    values, cost = min((problem.solve(start) for start in starts), key=lambda solution: solution[1])
    return Fit(chosen, runs, values, deviation, cost)


def _check_enough(runs: Runs, form: Form) -> None:
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
    """Standard deviation of each run, float64 [run]: the error of its score, plus the spread between runs of one size.

    If no size was run twice and no score has an interval, all runs count the same.
    """
    cells = np.unique(np.stack([runs.index, runs.pairs]), axis=1, return_inverse=True)[1].ravel()
    count = np.bincount(cells)
    mean = np.bincount(cells, runs.score) / count
    freedom = int((count - 1).sum())
    between = float(((runs.score - mean[cells]) ** 2).sum()) / freedom if freedom else 0.0
    extra = max(between - float(np.mean(runs.error**2)), 0.0) if freedom else 0.0
    variance = runs.error**2 + extra
    least = (1e-6 * runs.top) ** 2
    return np.sqrt(np.maximum(variance, least)) if variance.max() > least else np.ones(len(runs))
