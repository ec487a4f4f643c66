"""Forms of the law: score S as a function of X, the number of sentence pairs.

Parameters are kept on the fitted scale: c as it is, all others as logarithms, so that they stay positive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Curve = Callable[..., tuple[np.ndarray, dict[str, np.ndarray]]]
"""(log X, top, one value per run of each parameter) -> score, and its derivative by each parameter, all [run]."""

MAX_EXPONENT = 300.0
"""Exponents are clipped here: far beyond any score, but finite."""


def _power(x: np.ndarray, top: float, c: np.ndarray, a: np.ndarray, b: np.ndarray):
    steep = np.exp(b)
    missing = np.exp(np.minimum(a - steep * x, MAX_EXPONENT))
    return c - missing, {"c": np.ones_like(x), "a": -missing, "b": missing * steep * x}


def _paper(x: np.ndarray, top: float, alpha: np.ndarray, gamma: np.ndarray, b: np.ndarray):
    steep = np.exp(b)
    missing = np.exp(np.minimum(alpha - steep * (gamma + x), MAX_EXPONENT))
    by_gamma = missing * steep
    return top - missing, {"alpha": -missing, "gamma": by_gamma, "b": by_gamma * (gamma + x)}


def _saturating(x: np.ndarray, top: float, c: np.ndarray, k: np.ndarray, b: np.ndarray):
    steep = np.exp(b)
    share = 1 / (1 + np.exp(np.clip(k - steep * x, -MAX_EXPONENT, MAX_EXPONENT)))
    slope = c * share * (1 - share)
    return c * share, {"c": share, "k": -slope, "b": slope * steep * x}


@dataclass(frozen=True)
class Form:
    """One form of the law.

    Attributes:
        name: as on the command line.
        formula: for display.
        shared: parameters that all languages share.
        per_language: parameters that each language has separately.
        curve: see `Curve`.
        note: what is shared, or where the form comes from.
        unidentified: what no runs can identify in this form, as a sentence; empty if nothing.
    """

    name: str
    formula: str
    shared: tuple[str, ...]
    per_language: tuple[str, ...]
    curve: Curve
    note: str = ""
    unidentified: str = ""

    @property
    def parameters(self) -> tuple[str, ...]:
        return (*self.shared, *self.per_language)

    def limits(self, parameter: str, top: float) -> tuple[float, float]:
        """Smallest and largest value of a parameter on the fitted scale; scores are at most `top`."""
        if parameter == "b" and "k" in self.per_language:
            return LIMITS["b"][
                0
            ], 0.0  # a steeper Hill curve accelerates first: more pairs would be worth ever more
        return LIMITS[parameter] if parameter != "c" else (0.0, top)

    def count(self, languages: int) -> int:
        """Number of parameters for so many languages."""
        return len(self.shared) + languages * len(self.per_language)


POWER = "S = c - a_L X^-b"
FORMS = {
    form.name: form
    for form in (
        Form("power", POWER, ("c", "b"), ("a",), _power, "ceiling and exponent shared"),
        Form("power-own-c", POWER.replace("c", "c_L"), ("b",), ("c", "a"), _power, "exponent shared"),
        Form("power-own-b", POWER + "_L", ("c",), ("a", "b"), _power, "ceiling shared"),
        Form("power-own", "S = c_L - a_L X^-b_L", (), ("c", "a", "b"), _power, "nothing shared"),
        Form(
            "paper",
            "S = top - alpha (gamma_L X)^-b",
            ("alpha", "b"),
            ("gamma",),
            _paper,
            "the paper's, reconstructed: beta = -b, top = 100; only a_L = alpha gamma_L^-b is identified",
            "gamma is not identified separately from alpha: a larger alpha with smaller gammas gives the same scores; "
            "only a_L = alpha gamma_L^-b is known (fit `power`), and the gammas only relative to each other",
        ),
        Form(
            "saturating",
            "S = c X^b / (X^b + k_L)",
            ("c", "b"),
            ("k",),
            _saturating,
            "Hill's curve, b at most 1: 0 without data, approaches the power law with a_L = c k_L for large X",
        ),
    )
}
"""The forms, by name."""

LIMITS = {
    "a": (-30.0, 60.0),
    "k": (-30.0, 60.0),
    "alpha": (-30.0, 60.0),
    "gamma": (-20.0, 0.0),
    "b": (np.log(0.01), np.log(5.0)),
}
"""Smallest and largest value of each parameter but c, on the fitted scale."""


def to_natural_scale(parameter: str, value: np.ndarray | float) -> np.ndarray:
    """From the fitted scale to the natural one: exp for all parameters but c."""
    return np.asarray(value) if parameter == "c" else np.exp(value)
