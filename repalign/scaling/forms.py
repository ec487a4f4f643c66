"""Forms of the law: score S as a function of X, the number of sentence pairs.

Parameters are held as they are fitted: c as it is, all others as logarithms, so that they stay positive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Curve = Callable[..., tuple[np.ndarray, dict[str, np.ndarray]]]
"""(log X, top, a value a run of each parameter) -> score, and its derivative by each parameter, all [run]."""

MAX_EXPONENT = 300.0
"""Exponents are cut here: far beyond any score, and still finite."""


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
        formula: for people.
        own: parameters that every language has of its own; the others are shared.
        shared: parameters that all languages share.
        curve: see `Curve`.
        note: where it comes from.
    """

    name: str
    formula: str
    shared: tuple[str, ...]
    own: tuple[str, ...]
    curve: Curve
    note: str = ""

    @property
    def parameters(self) -> tuple[str, ...]:
        return (*self.shared, *self.own)

    @property
    def is_power(self) -> bool:
        """Whether it is a power law, which allocation is solved for; the paper's is one too."""
        return "k" not in self.own

    def count(self, languages: int) -> int:
        """Parameters in all."""
        return len(self.shared) + languages * len(self.own)


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
            "the paper's, reconstructed: beta = -b, top = 100; only a_L = alpha gamma_L^-b can be known",
        ),
        Form(
            "saturating",
            "S = c X^b / (X^b + k_L)",
            ("c", "b"),
            ("k",),
            _saturating,
            "Hill's curve: 0 without data, the power law with a_L = c k_L far out",
        ),
    )
}
"""The forms, by name."""

LIMITS = {
    "c": (0.0, None),  # up to the top of the scale
    "a": (-30.0, 60.0),
    "k": (-30.0, 60.0),
    "alpha": (-30.0, 60.0),
    "gamma": (-20.0, 0.0),
    "b": (np.log(0.01), np.log(5.0)),
}
"""Least and greatest value of each parameter, on the scale on which it is fitted."""


def to_natural_scale(parameter: str, value: np.ndarray | float) -> np.ndarray:
    """A fitted value on the scale on which people read it."""
    return np.asarray(value) if parameter == "c" else np.exp(value)
