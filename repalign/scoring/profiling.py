"""Scores by layer: one checkpoint or several, and the paired difference of two."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from repalign.corpora.documents import check_several
from repalign.errors import RepalignError, explained_keywords
from repalign.metrics import DEFAULT_METRICS, Metric, as_metrics
from repalign.progress import Phase
from repalign.results.profile import LayerProfile
from repalign.results.summary import few
from repalign.scoring.estimates import Resampling
from repalign.scoring.parts import Request
from repalign.scoring.requests import find_pivot, language_pairs, same_sentences
from repalign.scoring.variants import variant
from repalign.states.layer_states import LayerStates
from repalign.states.spec import as_layers, check_choice, check_count
from repalign.statistics import CORRECTIONS, INTERVALS

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results.part import ProfilePart
    from repalign.scoring.stored_scores import StoredScores

logger = logging.getLogger(__name__)


@explained_keywords(source="pivot")
def profile(
    states: LayerStates | Sequence[LayerStates],
    *,
    pivot: str = "en",
    targets: str | Sequence[str] | None = None,
    metrics: str | Metric | Sequence[str | Metric] = DEFAULT_METRICS,
    variants: str | Sequence[str] = ("raw", "centred"),
    pairs: Literal["pivot", "all"] | Iterable[tuple[str, str]] = "pivot",
    layers: int | Sequence[int] | None = None,
    baseline: LayerStates | None = None,
    same_document: bool = False,
    draws: int = 1000,
    permutations: int = 200,
    confidence: float = 0.95,
    interval: Literal["bca", "percentile"] = "bca",
    correction: Literal["holm", "bh"] = "holm",
    seed: int = 0,
    device: str = "cpu",
    progress: bool = True,
    stored: StoredScores | None = None,
) -> LayerProfile:
    """Score every layer of one checkpoint, or of a series of them, against chance and with intervals.

    Args:
        states: one checkpoint, or several (training steps, say) in one table.
        pivot: language the others are compared with.
        targets: languages to score against it; default all others.
        metrics: names from `repalign.metrics.METRICS`, FILE.py:NAME, or custom metrics.
        variants: names from `VARIANTS`; "+" joins several, e.g. "centred+length-matched".
        pairs: "pivot", "all", or a list of (source, target).
        layers: layer numbers; default all.
        baseline: a checkpoint to subtract: value, interval and p are then those of the paired difference (see
            `contrast`).
        same_document: pair every sentence with another of its document: what topic alone gives.
        draws: bootstrap draws, over documents where they are known, else over sentence groups; at least 1.
        permutations: shuffles for metrics without a closed form, and for the best of all layers; with 0 their chance
            and p are missing.
        confidence: of the intervals.
        interval: "bca" or "percentile", for means over sentences; shares of sentences and means over pairs of
            sentences have score intervals.
        correction: "holm" or "bh", over the layers and languages of a metric and variant.
        seed: of draws and shuffles.
        device: where to compute, e.g. "cuda".
        progress: show bars on a terminal, and a line now and then in a log: see `repalign.progress`.
        stored: scores that `repalign score` computed before, which are read; by default none.

    Raises:
        RepalignError: unknown names, states that cannot be scored, too few sentences.
    """
    series = _series(states)
    for one in series:
        check_several(one.documents, f"the states of {one.checkpoint}")
    check_choice("correction", correction, tuple(CORRECTIONS))
    check_choice("interval", interval, INTERVALS)
    check_count("draws", draws)
    check_count("permutations", permutations, least=0)
    variants = [variants] if isinstance(variants, str) else list(variants)
    for spec in variants:
        variant(spec)
    pivot = find_pivot(series[0], pivot) if pairs == "pivot" else pivot
    metrics, layers = as_metrics(metrics), as_layers(layers)
    if baseline is not None:
        for one in series:
            same_sentences(baseline, one, layers=layers is None)
    request = Request(
        metrics,
        tuple(variants),
        Resampling(draws, seed, confidence, interval),
        permutations,
        layers,
        same_document,
        device,
    )
    parts = [
        part
        for one in series
        for part in request.parts(one, baseline, language_pairs(one, pivot, targets, pairs))
    ]
    compared = len({pair for part in parts for pair in part.pairs})
    about = f"metrics: {len(metrics)}, variants: {len(variants)}, pairs of languages: {compared}, draws: {draws:,}"
    known = {} if stored is None else stored.find(parts)
    if known:
        others = "" if len(known) == len(parts) else "; the others are computed"
        logger.info("%d of %d parts of the scores are stored%s", len(known), len(parts), others)
    scored: list[ProfilePart] = []
    total = sum(len(part.layers) for part in parts)
    with Phase(_phase(series, baseline), total, "layers", about, progress) as phase:
        for part in parts:
            found = stored.read(known[part.key]) if stored is not None and part.key in known else None
            if found is not None:
                phase.skip(len(part.layers))
            scored.append(part.scored(phase) if found is None else found)
    signatures = {one.checkpoint: str(one.signature) for one in [*series, *([baseline] if baseline else [])]}
    settings = {
        "pivot": pivot,
        "labels": {metric.name: metric.label for metric in metrics},
        "higher_is_better": {metric.name: metric.higher_is_better for metric in metrics},
        "rotation_invariant": [metric.name for metric in metrics if "own rotation" in metric.invariances],
        "draws": draws,
        "permutations": permutations,
        "confidence": confidence,
        "interval": interval,
        "correction": correction,
        "seed": seed,
        "documents": None if series[0].documents is None else len(set(series[0].documents.tolist())),
    }
    table = _corrected([one.table for one in scored], correction)
    return LayerProfile(table, signatures, settings, _corrected([one.peaks for one in scored], correction))


def _series(states: LayerStates | Sequence[LayerStates]) -> list[LayerStates]:
    """
    Raises:
        RepalignError: something other than states, or none.
    """
    series = [states] if isinstance(states, LayerStates) else list(states)
    if not series or not all(isinstance(one, LayerStates) for one in series):
        got = type(series[0]).__name__ if series else "none"
        raise RepalignError(f"profile() takes LayerStates, as extract() gives them, or several; got {got}")
    return series


def _phase(series: Sequence[LayerStates], baseline: LayerStates | None) -> str:
    """What is being scored, for signs of life."""
    names = few(one.checkpoint for one in series)
    return f"scoring {names}" if baseline is None else f"scoring {names} minus {baseline.checkpoint}"


@explained_keywords(source="pivot", a="baseline", b="states")
def contrast(
    baseline: LayerStates,
    states: LayerStates,
    *,
    pivot: str = "en",
    targets: str | Sequence[str] | None = None,
    metrics: str | Metric | Sequence[str | Metric] = DEFAULT_METRICS,
    variants: str | Sequence[str] = ("raw", "centred"),
    pairs: Literal["pivot", "all"] | Iterable[tuple[str, str]] = "pivot",
    layers: int | Sequence[int] | None = None,
    draws: int = 1000,
    confidence: float = 0.95,
    interval: Literal["bca", "percentile"] = "bca",
    correction: Literal["holm", "bh"] = "holm",
    seed: int = 0,
    device: str = "cpu",
    progress: bool = True,
    stored: StoredScores | None = None,
) -> LayerProfile:
    """The difference states - baseline at every layer, paired: each draw resamples both checkpoints alike.

    In the table, `checkpoint` is that of `states` and `baseline` the other; `value`, `low` and `high` are
    differences, and `p` tests against no difference.

    Args:
        baseline: the checkpoint to subtract, e.g. the one before tuning, or a twin with random weights.
        states: the checkpoint that it is subtracted from.
        pivot, targets, metrics, variants, pairs, layers, draws, confidence, interval, correction, seed, device,
            progress, stored: as for `profile`.

    Raises:
        RepalignError: the two do not hold the same sentences or layers; else as for `profile`.
    """
    return profile(
        states,
        baseline=baseline,
        pivot=pivot,
        targets=targets,
        metrics=metrics,
        variants=variants,
        pairs=pairs,
        layers=layers,
        draws=draws,
        confidence=confidence,
        interval=interval,
        correction=correction,
        seed=seed,
        device=device,
        progress=progress,
        stored=stored,
    )


def _corrected(parts: Sequence[pd.DataFrame], correction: str) -> pd.DataFrame:
    """A table of scores or of best layers from its parts, its p-values corrected over all rows of each metric and variant."""
    import pandas as pd

    table = pd.concat(parts, ignore_index=True)
    families = table.groupby(["checkpoint", "metric", "variant"], sort=False)["p"]
    return table.assign(p_adjusted=families.transform(lambda p: CORRECTIONS[correction](p)))
