"""A fitted law in the form that allocation needs: c, a, b and k of every language, and bootstrap draws of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from repalign.scaling.allocation import allocate, shortfall
from repalign.scaling.fitting import Fit


@dataclass(frozen=True)
class Law:
    """S_L = c_L - a_L / (X^b_L + k_L): a power law if k is 0, else Hill's curve.

    Attributes:
        languages: language codes.
        values: c, a, b, k of the fit, float64 [4, language].
        draws: c, a, b, k of each bootstrap draw, float64 [draw, 4, language].
        fits: whether the form fits the runs (see `repalign.scaling.misfit`).
    """

    languages: tuple[str, ...]
    values: np.ndarray
    draws: np.ndarray
    fits: bool = True

    @classmethod
    def of(cls, fitted: Fit, draws: np.ndarray, fits: bool = True) -> Law:
        """From a fit of any form.

        Args:
            fitted: the fit.
            draws: of its parameters, [draw, parameter], see `bootstrap`.
            fits: whether no misfit was found.
        """
        languages = fitted.runs.languages
        per_language = [_general(fitted, np.vstack([fitted.values, draws]), i) for i in range(len(languages))]
        both = np.stack(per_language, axis=-1)  # [1 + draw, 4, language]
        return cls(languages, both[0], both[1:], fits)

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
            values: c, a, b, k [4, language]; by default those of the fit.

        Raises:
            RepalignError: see `allocate`.
        """
        c, a, b, k = (
            dict(zip(self.languages, row.tolist(), strict=True))
            for row in (self.values if values is None else values)
        )
        pairs = allocate(
            a, exponent=b, budget=budget, available=available, objective=objective, saturation=k, ceilings=c
        )
        return np.array(list(pairs.values()))

    def scores(self, pairs: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
        """Scores of a split, float64 [..., language]; by a power law minus infinity for a language without pairs."""
        c, a, b, k = np.moveaxis(self.values if values is None else values, -2, 0)
        return c - shortfall(a, b, pairs, k)


def _general(fitted: Fit, draws: np.ndarray, language: int) -> np.ndarray:
    """c, a, b, k of one language, [draw, 4]."""
    parameters = fitted.problem.of_language(draws, language)
    b, none = np.exp(parameters["b"]), np.zeros(len(draws))
    if "gamma" in parameters:
        alpha = np.exp(parameters["alpha"] - b * parameters["gamma"])
        return np.stack([none + fitted.runs.top, alpha, b, none], axis=-1)
    if "k" in parameters:  # c X^b / (X^b + k) = c - c k / (X^b + k)
        k = np.exp(parameters["k"])
        return np.stack([parameters["c"], parameters["c"] * k, b, k], axis=-1)
    return np.stack([parameters["c"], np.exp(parameters["a"]), b, none], axis=-1)
