"""Whether states cluster by language or by meaning: silhouettes, centroids, language probes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.corpora.language_choice import matching
from repalign.metrics import Representation
from repalign.metrics.descriptors import separation as descriptors
from repalign.progress import Phase
from repalign.results.schema import RESULTS
from repalign.scoring.measurement import Layer
from repalign.scoring.variants import folds_of
from repalign.states.layer_states import LayerStates
from repalign.statistics import by_cluster, intervals, resamples

if TYPE_CHECKING:
    import pandas as pd


def separation(
    states: LayerStates,
    *,
    pivot: str = "en",
    languages: Sequence[str] | None = None,
    variants: Sequence[str] = ("raw", "centred"),
    layers: Sequence[int] | None = None,
    probe: bool = False,
    draws: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    device: str = "cpu",
    progress: bool = True,
) -> pd.DataFrame:
    """Whether states cluster by language or by meaning.

    Measures: `silhouette_language` and `silhouette_sentence` (cosine, over all languages, and per language);
    `centroid_distance` and `centroid_cosine` of each language to the pivot; with `probe`, `probe_accuracy`
    of a linear language probe with folds by sentence or, where they are known, by document, and `probe_selectivity`, its accuracy above that on a
    control task.

    Returns:
        Columns of the table "separation" (see `repalign.results.schema.RESULTS`).
    """
    languages = list(languages or states.languages)
    pivot = next(iter(matching(pivot, languages)), pivot)
    rows: list[dict[str, Any]] = []
    steps = [(layer, spec) for layer in layers or states.layers for spec in variants]
    with Phase(f"{states.checkpoint}: language or meaning", len(steps), "layers", shown=progress) as phase:
        for layer, spec in steps:
            at = Layer(states, layer, device)
            sides = [at.side(language, spec) for language in languages]
            means = _Means(states.clusters(at.rows), len(at.rows), draws, seed, confidence)
            measured = _silhouettes(sides, languages, means)
            if pivot in languages:
                measured += _centroids(at.side(pivot, spec), sides, languages, pivot)
            if probe:
                measured += _probed(sides, means, seed)
            common = {
                "checkpoint": states.checkpoint,
                "variant": spec,
                "layer": layer,
                "depth": states.depth(layer),
            }
            rows += [{**common, **row} for row in measured]
            phase.update()
    return RESULTS["separation"].frame(rows)


class _Means:
    """Means over sentences, with intervals that resample documents where they are known, else sentences."""

    def __init__(
        self, documents: np.ndarray | None, sentences: int, draws: int, seed: int, confidence: float
    ) -> None:
        self.documents, self.confidence = documents, confidence
        units = sentences if documents is None else int(documents.max()) + 1
        self.weights = resamples(units, draws, seed)

    def row(self, measure: str, language: str | None, per_sentence: np.ndarray) -> dict[str, Any]:
        value = per_sentence.mean()
        influence = by_cluster(per_sentence - value, self.documents)
        low, high = intervals(value[None], influence[None], self.weights, self.confidence)
        return {"measure": measure, "language": language, "value": value, "low": low[0], "high": high[0]}


def _silhouettes(
    sides: Sequence[Representation], languages: Sequence[str], means: _Means
) -> list[dict[str, Any]]:
    rows = []
    for measure in (descriptors.silhouette_language, descriptors.silhouette_sentence):
        score = measure(sides).cpu().numpy()
        named = [(None, score.mean(1)), *zip(languages, score.T, strict=True)]
        rows += [means.row(measure.__name__, language, of) for language, of in named]
    return rows


def _centroids(
    centre: Representation,
    sides: Sequence[Representation],
    languages: Sequence[str],
    pivot: str,
) -> list[dict[str, Any]]:
    return [
        {"measure": measure.__name__, "language": language, "value": measure(centre, side)}
        for language, side in zip(languages, sides, strict=True)
        if language != pivot
        for measure in (descriptors.centroid_distance, descriptors.centroid_cosine)
    ]


def _probed(sides: Sequence[Representation], means: _Means, seed: int) -> list[dict[str, Any]]:
    n, count = len(sides[0].states), len(sides)
    folds = folds_of(n, means.documents) % 5
    right = descriptors.probe(sides, descriptors.language_labels(n, count), folds).mean(1)
    control = descriptors.probe(sides, descriptors.control_labels(n, count, seed), folds).mean(1)
    return [
        {**means.row("probe_accuracy", None, right), "chance": 1 / count},
        {**means.row("probe_selectivity", None, right - control), "chance": 0.0},
    ]
