"""A fitted power law as allocation needs it: c, a and b of every language, and draws of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from repalign.errors import RepalignError
from repalign.scaling.allocation import allocate, missing
from repalign.scaling.fitting import Fit


@dataclass(frozen=True)
class Law:
    """S_L = c_L - a_L X^-b_L.

    Attributes:
        languages: their codes.
        values: c, a, b of the fit, float64 [3, language].
        draws: the same of each bootstrap draw, [draw, 3, language].
    """

    languages: tuple[str, ...]
    values: np.ndarray
    draws: np.ndarray

    @classmethod
    def of(cls, fitted: Fit, draws: np.ndarray) -> Law:
        """From a fit of a form of the power law, and draws of its parameters (see `bootstrap`).

        Raises:
            RepalignError: another form.
        """
        if not fitted.form.is_power:
            raise RepalignError(
                f"{fitted.form.name}, {fitted.form.formula}, is no power law, which allocation is solved for; fit power"
            )
        languages = fitted.runs.languages
        per_language = [_power(fitted, np.vstack([fitted.values, draws]), i) for i in range(len(languages))]
        both = np.stack(per_language, axis=-1)  # [1 + draw, 3, language]
        return cls(languages, both[0], both[1:])

    def best(
        self,
        budget: float,
        available: Mapping[str, float] | None = None,
        objective: str | Mapping[str, float] = "mean",
        values: np.ndarray | None = None,
    ) -> np.ndarray:
        """The best split by these values (by default the fit's), [language]; see `allocate`."""
        _, a, b = self.values if values is None else values
        exponent = float(b[0]) if (b == b[0]).all() else dict(zip(self.languages, b.tolist(), strict=True))
        difficulties = dict(zip(self.languages, a.tolist(), strict=True))
        found = allocate(
            difficulties, exponent=exponent, budget=budget, available=available, objective=objective
        )
        return np.array(list(found.values()))

    def scores(self, pairs: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
        """Scores of a split, [..., language]; minus infinity without pairs."""
        c, a, b = np.moveaxis(self.values if values is None else values, -2, 0)
        return c - missing(a, b, pairs)


def _power(fitted: Fit, draws: np.ndarray, language: int) -> np.ndarray:
    """c, a, b of one language, [draw, 3]."""
    own = fitted.problem.chosen(draws, language)
    b = np.exp(own["b"])
    if "gamma" in own:
        top = np.full(len(draws), fitted.runs.top)
        return np.stack([top, np.exp(own["alpha"] - b * own["gamma"]), b], axis=-1)
    return np.stack([own["c"], np.exp(own["a"]), b], axis=-1)
