"""Simulated sweeps of training runs of which the truth is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from repalign.scaling import Law, Runs

SIZES = (40, 80, 160, 320, 640, 1280)
DIFFICULTY = {"el": 150.0, "tr": 220.0, "zh": 300.0}
CEILING, EXPONENT = 60.0, 0.45
TRUTH = {"c": CEILING, "b": EXPONENT} | {f"a[{code}]": a for code, a in DIFFICULTY.items()}


def power(pairs: np.ndarray, a: np.ndarray) -> np.ndarray:
    return CEILING - a * pairs**-EXPONENT


RIGHT: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "power": power,
    "power-own-c": lambda pairs, a: power(pairs, a) + (a - 220) / 8,
    "power-own-b": lambda pairs, a: CEILING - a * pairs ** -(0.35 + (a - 150) / 750),
    "saturating": lambda pairs, a: CEILING * pairs**0.7 / (pairs**0.7 + a / 4),
}
"""Form -> a curve that it fits: (pairs [run], difficulty [run]) -> scores [run]."""

WRONG: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "a step": lambda pairs, a: np.where(pairs < 200, 5.0, 50.0),
    "a floor at 0": lambda pairs, a: np.maximum(50 - 3 * a * pairs**-0.5, 0),
    "falling scores": lambda pairs, a: 50 - 6 * np.log(pairs / 40),
    "flat from 320 pairs": lambda pairs, a: power(np.minimum(pairs, 320), a),
}
"""Curves that no form fits."""


def sweep(seed: int, curve=power, test_error: float = 1.2, noise: float = 1.0, seeds: int = 3) -> Runs:
    """Runs of three languages and six sizes.

    Args:
        seed: of the simulation.
        curve: of the scores, see `RIGHT`.
        test_error: standard deviation of the error that all runs of a language share, and which they report.
        noise: standard deviation of each run's own error.
        seeds: runs of each size.
    """
    rng = np.random.default_rng([seed, seeds])
    language = tuple(code for code in DIFFICULTY for _ in range(len(SIZES) * seeds))
    pairs = np.tile(np.repeat(np.array(SIZES, float), seeds), len(DIFFICULTY))
    score = curve(pairs, np.array([DIFFICULTY[code] for code in language]))
    score = score + np.repeat(test_error * rng.normal(size=len(DIFFICULTY)), len(SIZES) * seeds)
    score = np.clip(score + noise * rng.normal(size=len(pairs)), 0, 100)
    return Runs(language, pairs, score, np.full(len(pairs), test_error))


def true_law() -> Law:
    """The law of `power`."""
    a = np.array(list(DIFFICULTY.values()))
    values = np.stack([np.full(3, CEILING), a, np.full(3, EXPONENT), np.zeros(3)])
    return Law(tuple(DIFFICULTY), values, values[None])
