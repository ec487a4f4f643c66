"""Choose a form of the law by its error at sizes it was not fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from repalign.errors import RepalignError
from repalign.scaling.fitting import Fit, fit
from repalign.scaling.forms import FORMS
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
    """

    form: str
    parameters: int
    aicc: float
    left_out: float
    by_size: dict[float, float]


def aicc(fitted: Fit) -> float:
    """n log(2 cost / n) + 2k + 2k(k+1)/(n-k-1), where k counts the parameters and the residual variance.

    Hurvich and Tsai 1989, doi 10.1093/biomet/76.2.297.
    """
    n, k = len(fitted.runs), len(fitted.values) + 1
    correction = 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else np.inf
    return n * np.log(max(2 * fitted.cost, 1e-300) / n) + 2 * k + correction


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
    rest = runs.where(~held_out)
    refitted = fit(rest, fitted.form.name, fitted.values if rest.languages == runs.languages else None)
    numbers = [
        number for number in np.unique(runs.index[held_out]) if runs.languages[number] in rest.languages
    ]
    return [
        float(
            runs.score[held_out & (runs.index == number)].mean()
            - refitted.predict(runs.languages[number], size)[0]
        )
        for number in numbers
    ]


def compare_forms(runs: Runs, forms: Sequence[str] | None = None) -> list[Comparison]:
    """All forms that can be fitted to these runs, the best at held-out sizes first.

    Args:
        runs: scores of finished training runs.
        forms: names in `FORMS`; by default all.

    Raises:
        RepalignError: no form can be fitted.
    """
    comparisons, first_error = [], None
    for name in forms or FORMS:
        try:
            fitted = fit(runs, name)
        except RepalignError as error:
            first_error = first_error or error
            continue
        try:
            by_size = leave_one_size_out(fitted)
        except RepalignError:  # too few sizes to hold one out
            by_size = {}
        error = float(np.sqrt(np.mean(np.square(list(by_size.values()))))) if by_size else float("nan")
        comparisons.append(Comparison(name, len(fitted.values), aicc(fitted), error, by_size))
    if not comparisons:
        raise first_error or RepalignError("no form was given to compare")
    return sorted(comparisons, key=lambda c: (np.isnan(c.left_out), c.left_out if c.by_size else c.aicc))


def preferred(comparison: Sequence[Comparison]) -> str | None:
    """The power law with the fewest parameters among those within one standard error of the smallest error.

    Breiman's one-standard-error rule; the standard error is that of the mean square over sizes. Forms with
    unidentified parameters are not considered. None if no power law could be fitted.
    """
    laws = [
        entry for entry in comparison if FORMS[entry.form].is_power and not FORMS[entry.form].unidentified
    ]
    if not laws or not laws[0].by_size:
        return laws[0].form if laws else None
    squares = np.square(list(laws[0].by_size.values()))
    allowed = (
        squares.mean() + squares.std(ddof=1) / len(squares) ** 0.5 if len(squares) > 1 else squares.mean()
    )
    return min(
        (entry for entry in laws if entry.left_out**2 <= allowed), key=lambda entry: entry.parameters
    ).form
