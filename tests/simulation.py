"""Simulated languages with known scores, to check the coverage of intervals and the validity of p-values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from repalign import LayerStates, contrast, profile
from repalign.metrics import METRICS
from repalign.scoring.estimates import Resampling
from repalign.scoring.measurement import Measurement
from repalign.scoring.peaks import peak_rows

PER_DOCUMENT = 10
"""Sentences of each simulated document."""


def simulated(
    seed: int, n: int, strength: float, power: float, checkpoints: int = 1, icc: float | None = None
) -> list[LayerStates]:
    """One layer of two languages of one or more checkpoints, with an uneven spectrum and language means.

    Args:
        seed: of the random generator.
        n: number of sentences.
        strength: of the shared meaning, relative to what is specific to each language and checkpoint.
        power: with which the standard deviation of dims decays.
        checkpoints: that share the meaning.
        icc: share of the variance that lies between documents, of the meaning and of what is specific alike
            (intraclass correlation); None: documents are unknown, and sentences independent.
    """
    rng = np.random.default_rng([seed, n, int(10 * strength), int(10 * power)])
    spectrum = (1 + np.arange(24.0)) ** -power
    documents = None if icc is None else np.arange(n) // PER_DOCUMENT

    def component() -> np.ndarray:
        own = rng.normal(size=(n, 24))
        if icc is None or documents is None:
            return own * spectrum
        shared = rng.normal(size=(documents[-1] + 1, 24))[documents]
        return (icc**0.5 * shared + (1 - icc) ** 0.5 * own) * spectrum

    meaning = component()
    return [
        LayerStates.from_arrays(
            {
                language: (strength * meaning + component() + shift)[None]
                for language, shift in (("en", 0.5), ("zh", -0.5))
            },
            checkpoint=f"c{number}",
            documents=documents,
        )
        for number in range(checkpoints)
    ]


def simulation(draws: int, n: int, strength: float, power: float, metrics: tuple[str, ...]) -> pd.DataFrame:
    """The table "profile" of independent sentences, for each draw."""
    tables = []
    for seed in range(draws):
        states = simulated(seed, n, strength, power)
        tables.append(
            profile(states, metrics=metrics, draws=400, permutations=60, seed=seed, progress=False).table
        )
    return pd.concat(tables, ignore_index=True)


def in_documents(
    draws: int, n: int, icc: float, strength: float, metrics: tuple[str, ...]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table "profile" of sentences in documents, and that of a contrast without a difference, for each draw."""
    profiles, contrasts = [], []
    for seed in range(draws):
        a, b = simulated(seed, n, strength, 0.5, checkpoints=2, icc=icc)
        quick = {"metrics": metrics, "draws": 400, "seed": seed, "progress": False}
        profiles.append(profile(a, permutations=0, **quick).table)
        contrasts.append(contrast(a, b, **quick).table)
    return pd.concat(profiles, ignore_index=True), pd.concat(contrasts, ignore_index=True)


def rates(profiles: pd.DataFrame, contrasts: pd.DataFrame) -> pd.DataFrame:
    """Of each metric and variant, from English: mean score, coverage of score, calibrated score and difference, and the
    share of p below .05 of the score and of the difference."""
    keys = ["metric", "variant"]
    found = []
    for key, rows in profiles.query("source == 'en'").groupby(keys, sort=False):
        differences = contrasts.query("source == 'en'").groupby(keys).get_group(key).assign(expected=0.0)
        rows = calibrated(rows)
        found.append({
            "metric": key[0], "variant": key[1], "value": rows["value"].mean(),
            "covered": coverage(rows),
            "calibrated": coverage(rows[["low", "high", "calibrated"]].assign(
                value=rows["calibrated"], low=rows["calibrated_low"], high=rows["calibrated_high"])),
            "difference": coverage(differences, 0.0),
            "p": (rows["p"] < 0.05).mean(), "difference_p": (differences["p"] < 0.05).mean(),
            "design_effect": rows["design_effect"].median(),
        })  # fmt: skip
    return pd.DataFrame(found)


LAYER_COUNTS = (7, 19, 33, 81)


def curve_truth(layers: int, peaked: bool) -> np.ndarray:
    """Shares of sentences that are found at each layer: a peak of .35 at the middle layer, or .3 everywhere."""
    if not peaked:
        return np.full(layers, 0.3)
    return 0.15 + 0.2 * np.exp(-(((np.arange(layers) - layers // 2) / (layers / 6)) ** 2))


def best_layers(draws: int, truth: np.ndarray, rho: float, n: int = 200, seed: int = 0) -> pd.DataFrame:
    """The table "peaks" of simulated curves of P@1, one a draw.

    Args:
        draws: number of curves.
        truth: expected share at each layer.
        rho: correlation of what a sentence has at neighbouring layers, before it is found or not.
        n: number of sentences.
        seed: of the random generator.
    """
    layers = len(truth)
    rng = np.random.default_rng([seed, layers, int(100 * rho)])
    states = LayerStates.from_arrays({k: np.zeros((layers, 2, 1)) for k in ("en", "zh")}, checkpoint="c")
    how = Resampling(400, seed, 0.95, "bca")
    made = []
    for draw in range(draws):
        noise = rng.normal(size=(layers, n))
        for layer in range(1, layers):
            noise[layer] = rho * noise[layer - 1] + (1 - rho**2) ** 0.5 * noise[layer]
        found = noise < stats.norm.ppf(truth)[:, None]
        made += [share(layer, str(draw), found[layer]) for layer in range(layers)]
    rows = peak_rows(states, None, made, how.weights(n), how)
    return pd.DataFrame(rows)


def share(layer: int, target: str, found: np.ndarray) -> Measurement:
    """A share of sentences as it is measured at one layer."""
    value = float(found.mean())
    return Measurement(
        metric=replace(METRICS["p_at_1"], symmetric=True), variant="raw", source="en", target=target, layer=layer,
        value=value, influence=found - value, clusters=None, rows=None, kind="share", null=None, shuffles=None,
        chance=1 / len(found), p=np.nan, sentences=len(found),
    )  # fmt: skip


def holds_layer(ranges: str, layer: int) -> bool:
    """Whether a layer is among ranges such as 3-5,8."""
    ends = ([int(end) for end in part.split("-")] for part in ranges.split(","))
    return any(part[0] <= layer <= part[-1] for part in ends)


def calibrated(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of one metric with the ends of the interval of the calibrated score."""
    metric = METRICS[rows["metric"].iloc[0]]
    ends = {
        f"calibrated_{end}": [
            metric.calibrated(*pair) for pair in zip(rows[end], rows["chance"], strict=True)
        ]
        for end in ("low", "high")
    }
    return rows.assign(**ends)


def coverage(rows: pd.DataFrame, expected: float | None = None) -> float:
    """Share of intervals that hold the expected value, by default the mean over all draws; NaN where there is none."""
    if rows["value"].isna().all():
        return float("nan")
    expected = rows["value"].mean() if expected is None else expected
    return float(((rows["low"] <= expected) & (expected <= rows["high"])).mean())


def uniformity(p: ArrayLike) -> float:
    """Kolmogorov-Smirnov p of p-values."""
    return float(stats.kstest(p, "uniform").pvalue)
