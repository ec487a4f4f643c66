"""Scores by layer: one checkpoint or several, and the paired difference of two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.errors import unknown
from repalign.metrics import Metric
from repalign.results.profile import LayerProfile
from repalign.results.schema import RESULTS
from repalign.scoring.influence import score_interval
from repalign.scoring.measurement import Measurement, Plan
from repalign.scoring.requests import chosen, language_pairs, same_sentences
from repalign.scoring.variants import variant
from repalign.states.layer_states import LayerStates
from repalign.statistics import CORRECTIONS, difference_p, intervals, resamples, wilson

if TYPE_CHECKING:
    import pandas as pd

DEFAULT = ("cka", "mexa", "p_at_1", "anc", "mutual_knn", "cosine_gap")
"""The default metrics."""


def profile(
    states: LayerStates | Sequence[LayerStates],
    *,
    source: str = "en",
    targets: Sequence[str] | None = None,
    metrics: Sequence[str | Metric] = DEFAULT,
    variants: Sequence[str] = ("raw", "centred"),
    pairs: str | Iterable[tuple[str, str]] = "pivot",
    layers: Sequence[int] | None = None,
    baseline: LayerStates | None = None,
    draws: int = 1000,
    permutations: int = 200,
    confidence: float = 0.95,
    interval: str = "bca",
    correction: str = "holm",
    seed: int = 0,
    device: str = "cpu",
    progress: bool = True,
) -> LayerProfile:
    """Score every layer of one checkpoint, or of a series of them, against chance and with intervals.

    Args:
        states: one checkpoint, or several (training steps, say) in one table.
        source: the pivot language.
        targets: the languages to score against it; default all others.
        metrics: names from `METRICS`, or metrics of one's own.
        variants: names from `VARIANTS`; "+" joins several, e.g. "centred+length-matched".
        pairs: "pivot", "all", or a list of (source, target).
        layers: layer numbers; default all.
        baseline: a checkpoint to subtract: value, interval and p are then of the paired difference (see
            `contrast`).
        draws: bootstrap draws, over sentence groups.
        permutations: shuffles for metrics without a closed form; 0 leaves their chance and p empty.
        confidence: of the intervals.
        interval: "bca" or "percentile", of means over sentences; shares of sentences and means over pairs of
            them have score intervals.
        correction: "holm" or "bh", over the layers and languages of a metric and variant.
        seed: of draws and shuffles.
        device: where to compute, e.g. "cuda".
        progress: show a progress bar where stderr is a terminal.

    Raises:
        RepalignError: unknown names, states that cannot be scored, too few sentences.
    """
    from tqdm import tqdm

    series = [states] if isinstance(states, LayerStates) else list(states)
    if correction not in CORRECTIONS:
        raise unknown("correction", correction, CORRECTIONS)
    for spec in variants:
        variant(spec)
    metrics = chosen(metrics)
    if baseline is not None:
        for one in series:
            same_sentences(baseline, one, layers=layers is None)
    rows: list[dict[str, Any]] = []
    resampled = lru_cache(maxsize=2)(lambda groups: resamples(groups, draws, seed))
    steps = [
        (one, some, layer)
        for one in series
        for some in _together(one, language_pairs(one, source, targets, pairs))
        for layer in (one.layers if layers is None else layers)
    ]
    for one, some, layer in tqdm(
        steps, desc="scoring layers", unit="layer", disable=None if progress else True
    ):
        plan = Plan(
            pairs=some,
            metrics=metrics,
            variants=variants,
            permutations=permutations if baseline is None else 0,  # a difference has no chance level
            seed=seed,
            device=device,
        )
        found = list(plan.measured(one, layer))
        if baseline is not None:
            found = list(map(minus, found, plan.measured(baseline, layer)))
        weights = resampled(len(found[0].influence))
        low, high = _ends(found, weights, confidence, interval, paired=baseline is not None)
        for row, measurement in enumerate(found):
            rows.append(_row(one, baseline, measurement, low[row], high[row]))
    signatures = {one.checkpoint: str(one.signature) for one in [*series, *([baseline] if baseline else [])]}
    settings = {
        "source": source,
        "labels": {metric.name: metric.label for metric in metrics},
        "closer": {metric.name: metric.closer for metric in metrics},
        "draws": draws,
        "permutations": permutations,
        "confidence": confidence,
        "interval": interval,
        "correction": correction,
        "seed": seed,
    }
    return LayerProfile(_corrected(rows, correction), signatures, settings)


def _together(states: LayerStates, pairs: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Pairs scored in one go over the layers: all, as they share the pivot; or each alone, to hold two."""
    return [[pair] for pair in pairs] if states.streamed else [pairs]


def contrast(a: LayerStates, b: LayerStates, **same: Any) -> LayerProfile:
    """The difference b - a at every layer, paired: both checkpoints are resampled alike.

    In the table `checkpoint` is b and `baseline` is a; `value`, `low` and `high` are differences and `p` is
    against no difference.

    Args:
        a: the checkpoint to compare with, e.g. the one b was tuned from, or b's twin with random weights.
        b: the checkpoint in question.
        **same: as for `profile`.

    Raises:
        RepalignError: the two do not hold the same sentences or layers; else as for `profile`.
    """
    return profile(b, baseline=a, **same)


def minus(b: Measurement, a: Measurement) -> Measurement:
    """The paired difference b - a; its p is against no difference."""
    value, influence = b.value - a.value, b.influence - a.influence
    p = difference_p(np.array([value]), influence[None])[0]
    return replace(b, value=value, influence=influence, chance=np.nan, p=p, kind="mean")


def _ends(
    found: Sequence[Measurement], weights: np.ndarray, confidence: float, interval: str, paired: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends of the intervals of all measurements; within bounds."""
    values = np.array([m.value for m in found])
    influence = np.stack([m.influence for m in found])
    low, high = intervals(values, influence, weights, confidence, interval)
    for row, m in enumerate(found):
        if m.kind == "share":
            low[row], high[row] = wilson(m.value, m.sentences, confidence)
        elif m.kind == "pairs" and m.null is not None:
            low[row], high[row] = score_interval(m.value, m.influence, m.null, confidence)
    if paired:
        return low, high
    lowest, highest = np.array([m.metric.bounds for m in found]).T
    return np.maximum(low, lowest), np.minimum(high, highest)


def _row(
    states: LayerStates, baseline: LayerStates | None, m: Measurement, low: float, high: float
) -> dict[str, Any]:
    return {
        "checkpoint": states.checkpoint,
        "baseline": baseline.checkpoint if baseline else None,
        "metric": m.metric.name,
        "variant": m.variant,
        "source": m.source,
        "target": m.target,
        "layer": m.layer,
        "depth": states.depth(m.layer),
        "value": m.value,
        "low": low,
        "high": high,
        "chance": m.chance,
        "calibrated": m.metric.calibrated(m.value, m.chance),
        "p": m.p,
        "p_adjusted": np.nan,
        "sentences": m.sentences,
    }


def _corrected(rows: list[dict[str, Any]], correction: str) -> pd.DataFrame:
    """The table, its p-values corrected over the layers and languages of each metric and variant."""
    table = RESULTS["profile"].frame(rows)
    families = table.groupby(["checkpoint", "metric", "variant"], sort=False)["p"]
    table["p_adjusted"] = families.transform(lambda p: CORRECTIONS[correction](p))
    return table
