"""How well runs decide the parameters: profile likelihood, and a bootstrap over runs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from repalign.errors import RepalignError
from repalign.scaling.fitting import Fit, Problem
from repalign.scaling.forms import to_natural_scale

MAX_STEPS = 60
"""Steps away from the best value before an interval is called open."""

HALVINGS = 7
"""Of the last step: ends are exact to a hundredth of it."""


def profile_interval(fitted: Fit, name: str, confidence: float = 0.95) -> tuple[float, float]:
    """All values of a parameter at which the others can make good the fit, by the robust likelihood ratio.

    Open ends are the limits between which the parameter was sought.

    Args:
        name: one of `fitted.names`.

    Returns:
        Lower and upper end on the natural scale.
    """
    place = fitted.names.index(name)
    low, high = (float(side[place]) for side in fitted.problem.limits)
    excess = _excess(fitted, place, confidence)
    step = max(_standard_error(fitted, place), 1e-6)
    ends = (
        _crossing(excess, float(fitted.values[place]), -step, low),
        _crossing(excess, float(fitted.values[place]), step, high),
    )
    kind = name.split("[")[0]
    return float(to_natural_scale(kind, ends[0])), float(to_natural_scale(kind, ends[1]))


def _excess(fitted: Fit, place: int, confidence: float) -> Callable[[float], float]:
    """Rise of the robust cost with a parameter held at a value, above what the confidence allows."""
    from scipy.stats import f as f_distribution

    problem, values = fitted.problem, fitted.values
    freedom = max(len(fitted.runs) - len(values), 1)
    allowed = f_distribution.ppf(confidence, 1, freedom) * fitted.scale / 2
    best = fitted.cost
    start = values

    def excess(value: float) -> float:
        nonlocal start  # the solution beside is the best start
        start, cost = problem.solve(start, {place: value})
        return float(cost - best - allowed)

    return excess


def _standard_error(fitted: Fit, place: int) -> float:
    jacobian = fitted.problem.jacobian(fitted.values)
    covariance = np.linalg.pinv(jacobian.T @ jacobian) * fitted.scale
    return float(np.sqrt(max(covariance[place, place], 0.0)))


def _crossing(excess: Callable[[float], float], best: float, step: float, limit: float) -> float:
    """Where the excess turns positive between the best value and a limit, or the limit."""
    inside = best
    for _ in range(MAX_STEPS):
        outside = min(inside + step, limit) if step > 0 else max(inside + step, limit)
        if excess(outside) > 0:
            return _between(excess, inside, outside)
        if outside == limit:
            return limit
        inside, step = outside, 1.5 * step
    return limit


def _between(excess: Callable[[float], float], inside: float, outside: float) -> float:
    """By halving, which bears that the search for the other parameters may end a little elsewhere each time."""
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if excess(middle) > 0 else (middle, outside)
    return outside


def bootstrap(fitted: Fit, draws: int = 200, seed: int = 0) -> np.ndarray:
    """Parameters fitted to runs drawn again with replacement, language by language: fitted scale, [draw, parameter].

    Raises:
        RepalignError: fewer than two draws.
    """
    if draws < 2:
        raise RepalignError(f"a bootstrap needs at least 2 draws, not {draws}")
    generator = np.random.default_rng(seed)
    index, runs = fitted.runs.index, fitted.runs
    members = [np.flatnonzero(index == place) for place in range(len(runs.languages))]
    out = np.empty((draws, len(fitted.values)))
    for draw in range(draws):
        counts = np.zeros(len(runs))
        for rows in members:
            counts[rows] = generator.multinomial(len(rows), np.full(len(rows), 1 / len(rows)))
        problem = Problem(fitted.form, runs, fitted.deviation, counts)
        out[draw] = problem.solve(fitted.values)[0]
    return out


def bootstrap_interval(
    fitted: Fit, draws: np.ndarray, name: str, confidence: float = 0.95
) -> tuple[float, float]:
    """Percentile interval on the natural scale, widened for the parameters that were fitted (Hesterberg 2015)."""
    from scipy import stats

    place, freedom = fitted.names.index(name), max(len(fitted.runs) - len(fitted.values), 1)
    tail = (1 + confidence) / 2
    wider = stats.t.ppf(tail, freedom) / stats.norm.ppf(tail) * (len(fitted.runs) / freedom) ** 0.5
    ends = np.quantile(draws[:, place], [1 - tail, tail])
    low, high = (side[place] for side in fitted.problem.limits)
    ends = np.clip(fitted.values[place] + wider * (ends - fitted.values[place]), low, high)
    kind = name.split("[")[0]
    return float(to_natural_scale(kind, ends[0])), float(to_natural_scale(kind, ends[1]))
