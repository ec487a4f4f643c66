"""Which form to trust: by the sizes it was not fitted to."""

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
    """How one form does.

    Attributes:
        form: its name.
        parameters: their number.
        aicc: Akaike's criterion for small samples; lower is better, differences count.
        left_out: root mean square error at sizes left out, one at a time; NaN where a size cannot be spared.
        by_size: the same by size.
    """

    form: str
    parameters: int
    aicc: float
    left_out: float
    by_size: dict[float, float]


def aicc(fitted: Fit) -> float:
    """n log(2 cost / n) + 2k + 2k(k+1)/(n-k-1), k the parameters and the residuals' variance (Hurvich and Tsai 1989)."""
    n, k = len(fitted.runs), len(fitted.values) + 1
    correction = 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else np.inf
    return n * np.log(max(2 * fitted.cost, 1e-300) / n) + 2 * k + correction


def leave_one_size_out(fitted: Fit) -> dict[float, float]:
    """Root mean square error at each size when it is left out: mean score of its runs minus the prediction.

    The largest is an extrapolation.

    Raises:
        RepalignError: too few sizes or runs without one of them.
    """
    return {
        float(size): float(np.sqrt(np.mean(np.square(left_out(fitted, size))))) for size in fitted.runs.sizes
    }


def left_out(fitted: Fit, size: float) -> list[float]:
    """Mean score minus the prediction of each language with runs of that size, fitted without them."""
    runs = fitted.runs
    held_out = runs.pairs == size
    rest = runs.where(~held_out)
    again = fit(rest, fitted.form.name, fitted.values if rest.languages == runs.languages else None)
    index = [place for place in np.unique(runs.index[held_out]) if runs.languages[place] in rest.languages]
    return [
        float(
            runs.score[held_out & (runs.index == place)].mean()
            - again.predict(runs.languages[place], size)[0]
        )
        for place in index
    ]


def compare_forms(runs: Runs, forms: Sequence[str] | None = None) -> list[Comparison]:
    """All forms that these runs can be fitted with, the best at left-out sizes first.

    Raises:
        RepalignError: there is none.
    """
    found, refused = [], None
    for name in forms or FORMS:
        try:
            fitted = fit(runs, name)
        except RepalignError as error:
            refused = refused or error
            continue
        try:
            by_size = leave_one_size_out(fitted)
        except RepalignError:  # no size to spare
            by_size = {}
        error = float(np.sqrt(np.mean(np.square(list(by_size.values()))))) if by_size else float("nan")
        found.append(Comparison(name, len(fitted.values), aicc(fitted), error, by_size))
    if not found:
        raise refused or RepalignError("no form was given to compare")
    return sorted(found, key=lambda c: (np.isnan(c.left_out), c.left_out if c.by_size else c.aicc))


def preferred(comparison: Sequence[Comparison]) -> str | None:
    """The power law to trust: of those whose error is within one standard error of the least, the one with fewest parameters.

    (Breiman's rule; the standard error is that of the mean square over sizes.) None where no power law could be fitted.
    """
    laws = [entry for entry in comparison if FORMS[entry.form].is_power and entry.form != "paper"]
    if not laws or not laws[0].by_size:
        return laws[0].form if laws else None
    squares = np.square(list(laws[0].by_size.values()))
    allowed = (
        squares.mean() + squares.std(ddof=1) / len(squares) ** 0.5 if len(squares) > 1 else squares.mean()
    )
    return min(
        (entry for entry in laws if entry.left_out**2 <= allowed), key=lambda entry: entry.parameters
    ).form
