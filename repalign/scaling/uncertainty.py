"""Uncertainty of the parameters: profile likelihood, and a bootstrap over runs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from repalign.errors import RepalignError
from repalign.progress import Phase
from repalign.scaling.fitting import Fit
from repalign.scaling.forms import to_natural_scale
from repalign.scaling.problem import Problem

MAX_STEPS = 60
"""Steps away from the best value before an end of an interval counts as open."""

HALVINGS = 7
"""Bisections of the last step: ends are exact to a hundredth of it."""


def profile_interval(fitted: Fit, name: str, confidence: float = 0.95) -> tuple[float, float]:
    """Profile-likelihood interval: all values of a parameter for which refitting the others keeps a good fit.

    By the robust likelihood ratio. An open end is given as the bound of the search.

    Args:
        fitted: the fit.
        name: one of `fitted.names`.
        confidence: of the interval, between 0 and 1.

    Returns:
        Lower and upper end on the natural scale.
    """
    column = fitted.names.index(name)
    low, high = (float(bound[column]) for bound in fitted.problem.limits)
    step = max(_standard_error(fitted, column), 1e-6)
    ends = [
        _crossing(_excess(fitted, column, confidence), float(fitted.values[column]), sign * step, limit)
        for sign, limit in ((-1, low), (1, high))
    ]
    kind = name.split("[")[0]
    return float(to_natural_scale(kind, ends[0])), float(to_natural_scale(kind, ends[1]))


def _excess(fitted: Fit, column: int, confidence: float) -> Callable[[float], float]:
    """Increase of the robust cost with a parameter held at a value, beyond what the confidence allows."""
    from scipy.stats import f as f_distribution

    problem, best, start = fitted.problem, fitted.cost, fitted.values
    allowed = f_distribution.ppf(confidence, 1, fitted.freedom) * fitted.scale / 2

    def excess(value: float) -> float:
        nonlocal start  # the neighbouring solution is the best start, unless it lies far outside, at bounds
        solution, cost = problem.solve(start, {column: value})
        beyond = float(cost - best - allowed)
        if beyond <= 0:
            start = solution
        return beyond

    return excess


def _standard_error(fitted: Fit, column: int) -> float:
    jacobian = fitted.problem.jacobian(fitted.values)
    covariance = np.linalg.pinv(jacobian.T @ jacobian) * fitted.scale
    return float(np.sqrt(max(covariance[column, column], 0.0)))


def _crossing(excess: Callable[[float], float], best: float, step: float, limit: float) -> float:
    """Where the excess turns positive between the best value and a limit, or the limit."""
    inside = best
    for _ in range(MAX_STEPS):
        outside = min(inside + step, limit) if step > 0 else max(inside + step, limit)
        if excess(outside) > 0:
            return _bisect(excess, inside, outside)
        if outside == limit:
            return limit
        inside, step = outside, 1.5 * step
    return limit


def _bisect(excess: Callable[[float], float], inside: float, outside: float) -> float:
    """Bisection, because the cost is slightly noisy: the search for the other parameters does not end at one point."""
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if excess(middle) > 0 else (middle, outside)
    return outside


def bootstrap(fitted: Fit, draws: int = 200, seed: int = 0) -> np.ndarray:
    """Parameters refitted to runs resampled with replacement within each language, scored on other test sentences.

    What runs share cannot be resampled by run: each shared test set gets an error drawn from its normal distribution, added
    to the scores of its runs. The draws are widened about the fit for the number of fitted parameters (Hesterberg 2015), so
    that their quantiles are intervals.

    Args:
        fitted: the fit.
        draws: number of resamples.
        seed: of the resampling.

    Returns:
        On the fitted scale, float64 [draw, parameter].

    Raises:
        RepalignError: fewer than two draws.
    """
    from scipy import stats

    if draws < 2:
        raise RepalignError(f"a bootstrap needs at least 2 draws, not {draws}")
    generator = np.random.default_rng(seed)
    index, runs, freedom = fitted.runs.index, fitted.runs, fitted.freedom
    of_language = [np.flatnonzero(index == number) for number in range(len(runs.languages))]
    refitted = np.empty((draws, len(fitted.values)))
    with Phase("bootstrap", draws, "draws") as phase:
        for draw in range(draws):
            counts = np.zeros(len(runs))
            for rows in of_language:
                counts[rows] = generator.multinomial(len(rows), np.full(len(rows), 1 / len(rows)))
            shift = runs.shared_error @ generator.normal(size=runs.shared_error.shape[1])
            problem = Problem(fitted.form, runs, fitted.deviation, counts, shift)
            refitted[draw] = problem.solve(fitted.values)[0]
            phase.update()
    wider = stats.t.ppf(0.975, freedom) / stats.norm.ppf(0.975) * (len(runs) / freedom) ** 0.5
    return np.clip(fitted.values + wider * (refitted - fitted.values), *fitted.problem.limits)


def bootstrap_interval(
    fitted: Fit, draws: np.ndarray, name: str, confidence: float = 0.95
) -> tuple[float, float]:
    """Percentile interval on the natural scale.

    Args:
        fitted: the fit.
        draws: see `bootstrap`.
        name: one of `fitted.names`.
        confidence: of the interval, between 0 and 1.
    """
    tail = (1 + confidence) / 2
    low, high = np.quantile(draws[:, fitted.names.index(name)], [1 - tail, tail])
    kind = name.split("[")[0]
    return float(to_natural_scale(kind, low)), float(to_natural_scale(kind, high))
