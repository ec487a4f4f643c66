"""Simulated languages with known scores, to check the coverage of intervals and the validity of p-values."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from repalign import LayerStates, profile


def simulated(seed: int, n: int, strength: float, power: float, checkpoints: int = 1) -> list[LayerStates]:
    """One layer of two languages of one or more checkpoints, with an uneven spectrum and language means."""
    rng = np.random.default_rng([seed, n, int(10 * strength), int(10 * power)])
    spectrum = (1 + np.arange(24.0)) ** -power
    meaning = rng.normal(size=(n, 24)) * spectrum
    return [
        LayerStates.from_arrays(
            {
                language: (strength * meaning + rng.normal(size=(n, 24)) * spectrum + shift)[None]
                for language, shift in (("en", 0.5), ("zh", -0.5))
            },
            checkpoint=f"c{number}",
        )
        for number in range(checkpoints)
    ]


def simulation(draws: int, n: int, strength: float, power: float, metrics: tuple[str, ...]) -> pd.DataFrame:
    tables = []
    for seed in range(draws):
        states = simulated(seed, n, strength, power)
        tables.append(
            profile(states, metrics=metrics, draws=400, permutations=60, seed=seed, progress=False).table
        )
    return pd.concat(tables, ignore_index=True)


def coverage(rows: pd.DataFrame) -> float:
    """Share of intervals that hold the expected value."""
    expected = rows["value"].mean()
    return float(((rows["low"] <= expected) & (expected <= rows["high"])).mean())


def uniformity(p: ArrayLike) -> float:
    """Kolmogorov-Smirnov p of p-values."""
    return float(stats.kstest(p, "uniform").pvalue)
