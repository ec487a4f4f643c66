"""Fitting a form of the law to runs: robust, weighted, from many starts, within bounds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from repalign.errors import RepalignError, unknown
from repalign.scaling.forms import FORMS, LIMITS, Form, to_natural_scale
from repalign.scaling.runs import Runs

ROBUST_BEYOND = 2.0
"""Standard errors beyond which a run counts less than by its square."""

STARTS = [(b, share) for b in (0.3, 0.7, 1.2) for share in (0.03, 0.3, 0.8)]
"""Exponent, and how far the ceiling lies from the best score towards the top of the scale."""


@dataclass(frozen=True)
class Fit:
    """A form fitted to runs.

    Attributes:
        form, runs: what was fitted to what.
        values: on the fitted scale (see `repalign.scaling.forms`), [parameter].
        deviation: standard deviation of each run about the curve: its own interval and what seeds add, [run].
        cost: half the sum of the robust losses.
    """

    form: Form
    runs: Runs
    values: np.ndarray
    deviation: np.ndarray
    cost: float

    @property
    def names(self) -> list[str]:
        """Parameters: `c`, `b`, `a[zh]`, ..."""
        languages = self.runs.languages
        return [*self.form.shared, *(f"{name}[{lang}]" for name in self.form.own for lang in languages)]

    @property
    def parameters(self) -> dict[str, float]:
        """Natural values by name."""
        return {
            name: float(to_natural_scale(name.split("[")[0], value))
            for name, value in zip(self.names, self.values, strict=True)
        }

    def predict(self, language: str, pairs: np.ndarray | float, values: np.ndarray | None = None):
        """The score at those numbers of pairs, [..., pairs].

        Args:
            values: draws of the parameters, [draw, parameter]; by default the fitted ones.

        Raises:
            RepalignError: a language that no run is of.
        """
        if language not in self.runs.languages:
            raise unknown("language", language, self.runs.languages, "there are no runs of any other")
        x = np.log(np.asarray(pairs, dtype=float))
        draws = self.values if values is None else values
        chosen = self.problem.chosen(draws, self.runs.languages.index(language))
        return self.form.curve(x, self.runs.top, **{k: v[..., None] for k, v in chosen.items()})[0]

    @cached_property
    def problem(self) -> Problem:
        return Problem(self.form, self.runs, self.deviation)

    @cached_property
    def scale(self) -> float:
        """What the robust cost is divided by so that twice its rise is F(1, n - p): the variance of the residuals
        where none is large (Schrader and Hettmansperger 1980, doi 10.1093/biomet/67.1.93)."""
        z2 = (self.problem.residuals(self.values) / ROBUST_BEYOND) ** 2
        influence = ROBUST_BEYOND**2 * z2 / (1 + z2)
        freedom = max(len(self.runs) - len(self.values), 1)
        return float(influence.sum() / freedom / np.mean((1 + z2) ** -1.5))


class Problem:
    """Residuals, in standard deviations, and their derivatives.

    Args:
        counts: how often each run counts, by default once; [run].
    """

    def __init__(
        self, form: Form, runs: Runs, deviation: np.ndarray, counts: np.ndarray | float = 1.0
    ) -> None:
        self.form, self.runs = form, runs
        self.x, self.weight = np.log(runs.pairs), np.sqrt(counts) / deviation
        self.size = form.count(len(runs.languages))
        self.rows = np.arange(len(runs))

    def columns(self, language: np.ndarray | int) -> dict[str, np.ndarray]:
        """Where the parameters of a language stand among all."""
        shared, count = len(self.form.shared), len(self.runs.languages)
        return {name: np.full_like(language, place) for place, name in enumerate(self.form.shared)} | {
            name: shared + count * place + np.asarray(language) for place, name in enumerate(self.form.own)
        }

    def chosen(self, values: np.ndarray, language: np.ndarray | int) -> dict[str, np.ndarray]:
        return {name: values[..., column] for name, column in self.columns(language).items()}

    @cached_property
    def _columns(self) -> dict[str, np.ndarray]:
        return self.columns(self.runs.index)

    @cached_property
    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Bounds of all parameters."""
        low, high = np.empty(self.size), np.empty(self.size)
        for name, columns in self._columns.items():
            below, above = LIMITS[name]
            low[columns], high[columns] = below, self.runs.top if above is None else above
        return low, high

    def residuals(self, values: np.ndarray) -> np.ndarray:
        at = {name: values[columns] for name, columns in self._columns.items()}
        return (self.form.curve(self.x, self.runs.top, **at)[0] - self.runs.score) * self.weight

    def jacobian(self, values: np.ndarray) -> np.ndarray:
        at = {name: values[columns] for name, columns in self._columns.items()}
        out = np.zeros((len(self.x), self.size))
        for name, slope in self.form.curve(self.x, self.runs.top, **at)[1].items():
            out[self.rows, self._columns[name]] = slope * self.weight
        return out

    def solve(self, start: np.ndarray, fixed: dict[int, float] | None = None) -> tuple[np.ndarray, float]:
        """The best parameters near a start, and their robust cost (soft L1).

        Args:
            fixed: place -> value of parameters that stay.
        """
        from scipy.optimize import least_squares

        full = start.copy()
        for place, value in (fixed or {}).items():
            full[place] = value
        free = np.setdiff1d(np.arange(self.size), list(fixed or {}))
        low, high = (side[free] for side in self.limits)
        margin = 1e-9 * (high - low)

        def put(values: np.ndarray) -> np.ndarray:
            full[free] = values
            return full

        jacobian: Any = lambda values: self.jacobian(put(values))[:, free]  # noqa: E731 (scipy is typed without it)
        found = least_squares(
            lambda values: self.residuals(put(values)),
            np.clip(full[free], low + margin, high - margin),
            jacobian,
            bounds=(low, high),
            loss="soft_l1",
            f_scale=ROBUST_BEYOND,
            x_scale="jac",
            max_nfev=200,
        )
        return put(found.x).copy(), float(found.cost)

    def starts(self) -> list[np.ndarray]:
        """Parameters from which the search begins."""
        return [self._start(b, share) for b, share in STARTS]

    def _start(self, b: float, share: float) -> np.ndarray:
        best, top = float(self.runs.score.max()), self.runs.top
        ceiling = best + share * (top - best) + 1e-3 * top
        missing = np.log(np.maximum(ceiling - self.runs.score, 1e-3 * top))
        of_score = np.log(np.maximum(self.runs.score, 1e-3 * top))
        difficulty = np.bincount(self.runs.index, missing + b * self.x) / np.bincount(self.runs.index)
        odds = np.bincount(self.runs.index, missing - of_score + b * self.x) / np.bincount(self.runs.index)
        own = self.runs.index
        guess = {
            "c": np.full(len(own), ceiling),
            "b": np.full(len(own), np.log(b)),
            "a": difficulty[own],
            "k": odds[own],
            "alpha": np.full(len(own), difficulty.max()),
            "gamma": (difficulty.min() - difficulty[own]) / b - 0.1,
        }
        values = np.empty(self.size)
        for name, columns in self._columns.items():
            values[columns] = guess[name]
        return values


def fit(runs: Runs, form: str = "power", start: np.ndarray | None = None) -> Fit:
    """Fit one form of the law.

    Least squares on residuals in standard deviations with the soft L1 loss, from nine starts, within bounds.

    Args:
        form: a name in `FORMS`.
        start: where to search from instead, on the fitted scale; [parameter].

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
    sizes = [len(np.unique(runs.pairs[runs.index == place])) for place in range(len(runs.languages))]
    for found, needed, whose in (
        (max(sizes), len(form.parameters), "a curve"),
        (min(sizes), len(form.own), f"{runs.languages[int(np.argmin(sizes))]}'s own curve"),
    ):
        if found < needed:
            raise RepalignError(
                f"{form.name}, {form.formula}, has {needed} parameters for {whose}, and there are runs of only {found} "
                "size(s); train more sizes, or choose a form that shares more"
            )
    if len(runs) <= form.count(len(runs.languages)):
        raise RepalignError(
            f"{form.name} has {form.count(len(runs.languages))} parameters for {len(runs)} runs; train more runs"
        )


def spread(runs: Runs) -> np.ndarray:
    """Standard deviation of each run: its score's own error, and what differs between runs of one size, [run].

    Where no size was run twice and no score has an interval, all runs count the same.
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
