"""A fitted power law in the form that allocation needs: c, a and b of every language, and bootstrap draws of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from repalign.errors import RepalignError
from repalign.scaling.allocation import allocate, shortfall
from repalign.scaling.fitting import Fit


@dataclass(frozen=True)
class Law:
    """S_L = c_L - a_L X^-b_L.

    Attributes:
        languages: language codes.
        values: c, a, b of the fit, float64 [3, language].
        draws: c, a, b of each bootstrap draw, float64 [draw, 3, language].
    """

    languages: tuple[str, ...]
    values: np.ndarray
    draws: np.ndarray

    @classmethod
    def of(cls, fitted: Fit, draws: np.ndarray) -> Law:
        """From a fit of a power law.

        Args:
            fitted: the fit.
            draws: of its parameters, [draw, parameter], see `bootstrap`.

        Raises:
            RepalignError: the form is not a power law.
        """
        if not fitted.form.is_power:
            raise RepalignError(
                f"{fitted.form.name}, {fitted.form.formula}, is not a power law, so no budget can be allocated by it; "
                "fit power"
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
        """The optimal split, float64 [language].

        Args:
            budget, available, objective: see `allocate`.
            values: c, a, b [3, language]; by default those of the fit.

        Raises:
            RepalignError: see `allocate`.
        """
        _, a, b = self.values if values is None else values
        exponent = float(b[0]) if (b == b[0]).all() else dict(zip(self.languages, b.tolist(), strict=True))
        difficulties = dict(zip(self.languages, a.tolist(), strict=True))
        pairs = allocate(
            difficulties, exponent=exponent, budget=budget, available=available, objective=objective
        )
        return np.array(list(pairs.values()))

    def scores(self, pairs: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
        """Scores of a split, float64 [..., language]; minus infinity for a language without pairs."""
        c, a, b = np.moveaxis(self.values if values is None else values, -2, 0)
        return c - shortfall(a, b, pairs)


def _power(fitted: Fit, draws: np.ndarray, language: int) -> np.ndarray:
    """c, a, b of one language, [draw, 3]."""
    parameters = fitted.problem.of_language(draws, language)
    b = np.exp(parameters["b"])
    if "gamma" in parameters:
        top = np.full(len(draws), fitted.runs.top)
        return np.stack([top, np.exp(parameters["alpha"] - b * parameters["gamma"]), b], axis=-1)
    return np.stack([parameters["c"], np.exp(parameters["a"]), b], axis=-1)
