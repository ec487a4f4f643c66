"""The least-squares problem of a form and runs: residuals, their derivatives, and the search for the best parameters.

A score misses its curve for two reasons. A run has its own noise (seed, choice of pairs): one residual per run, in standard
deviations. The error of a test set is shared by all runs that were scored on it: a random effect, one parameter per shared
test set, in standard errors of the score, whose own residual keeps it near 0. As the parameters enter linearly and their
prior is normal, the profile over them is the marginal likelihood, that of generalised least squares.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from repalign.scaling.forms import Form
from repalign.scaling.runs import Runs

ROBUST_BEYOND = 2.0
"""Standard deviations beyond which a residual counts less than its square (soft L1)."""

STARTS = [(b, share) for b in (0.3, 0.7, 1.2) for share in (0.03, 0.3, 0.8)]
"""Starting values: the exponent, and where the ceiling is between the best score (0) and the top of the scale (1)."""

MAX_TEST_ERROR = 10.0
"""Largest error of a test set in the search, in standard errors."""


class Problem:
    """Residuals in standard deviations, and their derivatives.

    The parameters are those of the law, then the errors of the shared test sets.

    Args:
        form: of the law.
        runs: to fit it to.
        deviation: standard deviation of each run's own noise, [run].
        counts: how often each run counts, [run]; by default once.
        shift: added to the scores, [run].
    """

    def __init__(
        self,
        form: Form,
        runs: Runs,
        deviation: np.ndarray,
        counts: np.ndarray | float = 1.0,
        shift: np.ndarray | float = 0.0,
    ) -> None:
        self.form, self.runs, self.score = form, runs, runs.score + shift
        self.x, self.weight = np.log(runs.pairs), np.sqrt(counts) / deviation
        self.n_law = form.count(len(runs.languages))
        self.size = self.n_law + runs.shared_error.shape[1]
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
        low, high = np.full(self.size, -MAX_TEST_ERROR), np.full(self.size, MAX_TEST_ERROR)
        for name, columns in self._columns.items():
            low[columns], high[columns] = self.form.limits(name, self.runs.top)
        return low, high

    def residuals(self, values: np.ndarray) -> np.ndarray:
        """Prediction minus score, in standard deviations, then the errors of the test sets, float64 [run + test]."""
        at = {name: values[columns] for name, columns in self._columns.items()}
        of_tests = values[self.n_law :]
        predicted = self.form.curve(self.x, self.runs.top, **at)[0] + self.runs.shared_error @ of_tests
        return np.concatenate([(predicted - self.score) * self.weight, of_tests])

    def jacobian(self, values: np.ndarray) -> np.ndarray:
        """Derivatives of the residuals, float64 [run + test, parameter]."""
        at = {name: values[columns] for name, columns in self._columns.items()}
        derivatives = np.zeros((len(self.x) + self.size - self.n_law, self.size))
        derivatives[: len(self.x), self.n_law :] = self.runs.shared_error * self.weight[:, None]
        derivatives[len(self.x) :, self.n_law :] = np.eye(self.size - self.n_law)
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
        values = np.zeros(self.size)
        for name, columns in self._columns.items():
            values[columns] = guess[name]
        return values
