"""Choose a form of the law by its error at sizes it was not fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from repalign.errors import RepalignError
from repalign.progress import Phase
from repalign.scaling.fitting import Fit, check_enough, fit
from repalign.scaling.forms import FORMS
from repalign.scaling.misfit import misfit
from repalign.scaling.problem import Problem
from repalign.scaling.runs import Runs


@dataclass(frozen=True)
class Comparison:
    """How well one form predicts.

    Attributes:
        form: its name.
        parameters: number of parameters.
        aicc: Akaike's information criterion for small samples; lower is better, only differences are meaningful.
        left_out: root mean square error at held-out sizes, one at a time; NaN if no size can be held out.
        by_size: the same error by size.
        fits: whether no misfit was found (see `repalign.scaling.misfit`).
    """

    form: str
    parameters: int
    aicc: float
    left_out: float
    by_size: dict[float, float]
    fits: bool = True


def aicc(fitted: Fit) -> float:
    """-2 log L + 2k + 2k(k+1)/(n-k-1), where k counts the law's parameters and the variance of the runs' noise.

    L is the robust likelihood; the errors of shared test sets are integrated out. Hurvich and Tsai 1989,
    doi 10.1093/biomet/76.2.297.
    """
    n, k = len(fitted.runs), len(fitted.names) + 1
    correction = 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else np.inf
    loads = fitted.runs.shared_error / fitted.deviation[:, None]
    determinant = 2 * np.log(fitted.deviation).sum() + np.log1p((loads**2).sum(0)).sum()
    return 2 * fitted.cost + determinant + 2 * k + correction


def leave_one_size_out(fitted: Fit) -> dict[float, float]:
    """Root mean square error at each size when it is held out: mean score of its runs minus the prediction.

    At the largest size the prediction is an extrapolation.

    Returns:
        Size -> error, in units of the score.

    Raises:
        RepalignError: too few sizes or runs remain without one of the sizes.
    """
    return {
        float(size): float(np.sqrt(np.mean(np.square(left_out(fitted, size))))) for size in fitted.runs.sizes
    }


def left_out(fitted: Fit, size: float) -> list[float]:
    """Mean score minus prediction for each language with runs of that size, from a fit without them.

    Raises:
        RepalignError: too few sizes or runs remain.
    """
    runs = fitted.runs
    held_out = runs.pairs == size
    check_enough(runs.where(~held_out), fitted.form)
    without = Problem(fitted.form, runs, fitted.deviation, counts=(~held_out).astype(float))
    values, _ = without.solve(fitted.values)
    missing = -fitted.problem.residuals(values)[: len(runs)] * fitted.deviation  # score minus prediction
    languages = np.intersect1d(runs.index[held_out], runs.index[~held_out])
    return [float(missing[held_out & (runs.index == number)].mean()) for number in languages]


def compare_forms(runs: Runs, forms: Sequence[str] | None = None) -> list[Comparison]:
    """All forms that can be fitted to these runs, the best at held-out sizes first.

    Args:
        runs: scores of finished training runs.
        forms: names in `FORMS`; by default all.

    Raises:
        RepalignError: no form can be fitted.
    """
    comparisons, first_error = [], None
    names = list(forms or FORMS)
    with Phase("comparing forms of the law", len(names), "forms") as phase:
        for name in names:
            try:
                comparisons.append(_compared(runs, name))
            except RepalignError as error:
                first_error = first_error or error
            phase.update()
    if not comparisons:
        raise first_error or RepalignError("no form was given to compare")
    return sorted(comparisons, key=lambda c: (np.isnan(c.left_out), c.left_out if c.by_size else c.aicc))


def _compared(runs: Runs, name: str) -> Comparison:
    """
    Raises:
        RepalignError: the form cannot be fitted.
    """
    fitted = fit(runs, name)
    try:
        by_size = leave_one_size_out(fitted)
    except RepalignError:  # too few sizes to hold one out
        by_size = {}
    error = float(np.sqrt(np.mean(np.square(list(by_size.values()))))) if by_size else float("nan")
    return Comparison(name, len(fitted.names), aicc(fitted), error, by_size, not misfit(fitted).found)


def preferred(comparison: Sequence[Comparison]) -> str | None:
    """Of the candidates, the form with the fewest parameters among those in which no misfit was found, if there are any.

    Of forms with equally many parameters the one with the smaller error. None if there is no candidate.
    """
    able = candidates(comparison)
    fitting = [entry for entry in able if entry.fits] or able
    return min(fitting, key=lambda entry: entry.parameters).form if able else None


def candidates(comparison: Sequence[Comparison]) -> list[Comparison]:
    """Forms within one standard error of the smallest error at held-out sizes, the best first.

    Breiman's rule; the standard error is that of the mean square over sizes. Where no size can be held out, only the
    form of the lowest AICc. Forms with unidentified parameters are not considered.
    """
    forms = [entry for entry in comparison if not FORMS[entry.form].unidentified]
    if not forms or not forms[0].by_size:
        return forms[:1]
    squares = np.square(list(forms[0].by_size.values()))
    error = squares.std(ddof=1) / len(squares) ** 0.5 if len(squares) > 1 else 0.0
    return [entry for entry in forms if entry.left_out**2 <= squares.mean() + error]


def reason(comparison: Sequence[Comparison]) -> str:
    """Why the preferred form is preferred, as a sentence."""
    able = candidates(comparison)
    if not able:
        return "no form with identified parameters can be fitted"
    chosen = preferred(comparison)
    if not able[0].by_size:
        return f"{chosen} has the lowest AICc; there are too few sizes to hold one out"
    others = [entry.form for entry in able if entry.form != chosen]
    if not others:
        return f"{chosen} has the smallest error at held-out sizes, and no other form is within one standard error of it"
    fitting = sum(entry.fits for entry in able)
    fewest = "the fewest parameters" if fitting in (0, len(able)) else "no misfit and the fewest parameters"
    return (
        f"{chosen} has {fewest} among the forms within one standard error of the smallest error at held-out sizes "
        f"(also {', '.join(others)}); these runs cannot tell which of them is right"
    )
