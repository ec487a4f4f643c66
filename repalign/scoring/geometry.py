"""Tables of the space that states lie in: its geometry, and whether it sorts by language or by meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.metrics import Side
from repalign.metrics.descriptors import geometry as measures
from repalign.metrics.descriptors import separation as against
from repalign.scoring.measurement import Layer
from repalign.scoring.variants import folds_of
from repalign.states.layer_states import LayerStates
from repalign.statistics import intervals, resamples

if TYPE_CHECKING:
    import pandas as pd

GEOMETRY = ("checkpoint", "language", "layer", "depth", "measure", "value", "detail")
IDENTITY = (
    "checkpoint",
    "variant",
    "layer",
    "depth",
    "measure",
    "language",
    "value",
    "low",
    "high",
    "chance",
)
LARGE = 10
"""A dim whose |mean| is so many times the median is listed as an outlier."""


def geometry(
    states: LayerStates,
    *,
    languages: Sequence[str] | None = None,
    layers: Sequence[int] | None = None,
    device: str = "cpu",
    progress: bool = True,
) -> pd.DataFrame:
    """Anisotropy, rank, hubs, lengths and outlier dims per language and layer: what cosines are made of.

    Measures: those of `repalign.metrics.descriptors.geometry.MEASURES`; `outlier_dims`, the number of dims whose |mean|
    is 10 times the median, the largest named in `detail`; and `length_cosine`, the rank correlation between
    the number of tokens of a sentence and its mean cosine to all others, which is length speaking and not
    meaning.

    Returns:
        Columns of the table "geometry" (see `repalign.results.results.TABLES`).
    """
    import pandas as pd
    from tqdm import tqdm

    rows: list[dict[str, Any]] = []
    for layer in tqdm(
        layers or states.layers, desc="geometry", unit="layer", disable=None if progress else True
    ):
        at = Layer(states, layer, device)
        for language in languages or states.languages:
            side = at.side(language, "raw")
            common = {
                "checkpoint": states.checkpoint,
                "language": language,
                "layer": layer,
                "depth": states.depth(layer),
            }
            found = {name: (measure(side), "") for name, measure in measures.MEASURES.items()}
            found["outlier_dims"] = _outlier_dims(side)
            found["length_cosine"] = _length_cosine(side, at.lengths(language)), ""
            rows += [{**common, "measure": name, "value": v, "detail": d} for name, (v, d) in found.items()]
            at.forget(language)
    return pd.DataFrame(rows, columns=list(GEOMETRY))


def _outlier_dims(side: Side) -> tuple[float, str]:
    ratios = measures.dim_ratios(side)
    top = ratios.topk(min(5, len(ratios)))
    named = [
        f"{dim} (x{ratio:.0f})"
        for ratio, dim in zip(*(t.tolist() for t in top), strict=True)
        if ratio > LARGE
    ]
    return float((ratios > LARGE).sum()), ", ".join(named)


def _length_cosine(side: Side, lengths: np.ndarray) -> float:
    from scipy.stats import rankdata

    mean_cosine = (side.unit @ side.unit.mean(0)).cpu().numpy()
    if np.ptp(lengths) == 0 or np.ptp(mean_cosine) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(lengths), rankdata(mean_cosine))[0, 1])


def identity(
    states: LayerStates,
    *,
    source: str = "en",
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
    """Does a state say first in which language it is, or what it means?

    Measures: `silhouette_language` and `silhouette_sentence` (cosine, over all languages, and per language);
    `centroid_distance` and `centroid_cosine` of each language to the source; with `probe`, `probe_accuracy`
    of a linear language probe with folds by sentence, and `probe_selectivity`, what it scores above a control
    task.

    Returns:
        Columns of the table "identity" (see `repalign.results.results.TABLES`).
    """
    import pandas as pd
    from tqdm import tqdm

    languages = list(languages or states.languages)
    rows: list[dict[str, Any]] = []
    steps = [(layer, spec) for layer in layers or states.layers for spec in variants]
    for layer, spec in tqdm(
        steps, desc="language or meaning", unit="layer", disable=None if progress else True
    ):
        at = Layer(states, layer, device)
        sides = [at.side(language, spec) for language in languages]
        weights = resamples(len(at.rows), draws, seed)
        found = _silhouettes(sides, languages, weights, confidence)
        if source in languages:
            found += _centroids(at.side(source, spec), sides, languages, source)
        if probe:
            found += _probed(sides, weights, confidence, seed)
        common = {
            "checkpoint": states.checkpoint,
            "variant": spec,
            "layer": layer,
            "depth": states.depth(layer),
        }
        rows += [{**common, **row} for row in found]
    return pd.DataFrame(rows, columns=list(IDENTITY))


def _mean_row(
    measure: str, language: str | None, per_sentence: np.ndarray, weights: np.ndarray, confidence: float
):
    """The mean over sentences with its interval."""
    value = per_sentence.mean()
    low, high = intervals(value[None], (per_sentence - value)[None], weights, confidence)
    return {"measure": measure, "language": language, "value": value, "low": low[0], "high": high[0]}


def _silhouettes(
    sides: Sequence[Side], languages: Sequence[str], weights: np.ndarray, confidence: float
) -> list[dict[str, Any]]:
    rows = []
    for measure in (against.silhouette_language, against.silhouette_sentence):
        score = measure(sides).cpu().numpy()
        named = [(None, score.mean(1)), *zip(languages, score.T, strict=True)]
        rows += [_mean_row(measure.__name__, language, of, weights, confidence) for language, of in named]
    return rows


def _centroids(
    pivot: Side, sides: Sequence[Side], languages: Sequence[str], source: str
) -> list[dict[str, Any]]:
    return [
        {"measure": measure.__name__, "language": language, "value": measure(pivot, side)}
        for language, side in zip(languages, sides, strict=True)
        if language != source
        for measure in (against.centroid_distance, against.centroid_cosine)
    ]


def _probed(sides: Sequence[Side], weights: np.ndarray, confidence: float, seed: int) -> list[dict[str, Any]]:
    n, count = len(sides[0].states), len(sides)
    folds = folds_of(n) % 5
    right = against.probe(sides, against.language_labels(n, count), folds).mean(1)
    control = against.probe(sides, against.control_labels(n, count, seed), folds).mean(1)
    return [
        {**_mean_row("probe_accuracy", None, right, weights, confidence), "chance": 1 / count},
        {**_mean_row("probe_selectivity", None, right - control, weights, confidence), "chance": 0.0},
    ]
