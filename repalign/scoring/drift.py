"""What changed between two checkpoints, language by language: drift, and CKA between layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.metrics import METRICS, LayerPair
from repalign.metrics.descriptors.separation import centroid_distance
from repalign.metrics.kernel import kernel
from repalign.progress import Phase
from repalign.results.schema import RESULTS
from repalign.scoring.measurement import Layer
from repalign.scoring.requests import same_sentences
from repalign.states.layer_states import LayerStates
from repalign.statistics import by_cluster, intervals, resamples

if TYPE_CHECKING:
    import pandas as pd
    import torch


def drift(
    a: LayerStates,
    b: LayerStates,
    *,
    languages: Sequence[str] | None = None,
    layers: Sequence[int] | None = None,
    draws: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    device: str = "cpu",
    progress: bool = True,
) -> pd.DataFrame:
    """How far each language moved from a to b: distinguishes "zh moved to en" from "everything moved".

    Measures: `cka` (debiased) and, if both have the same number of dims, `cosine` of a sentence's states in a and
    in b (both 1 if nothing moved), and `centroid_distance` of the language's mean, in standard deviations within
    the language. Intervals resample documents where they are known, else sentences.

    Returns:
        Columns of the table "drift" (see `repalign.results.schema.RESULTS`); checkpoint is b, baseline is a.

    Raises:
        RepalignError: the two do not hold the same sentences and layers.
    """
    same_sentences(a, b)
    rows: list[dict[str, Any]] = []
    layers = layers or b.layers
    with Phase("drift", len(layers), "layers", shown=progress) as phase:
        for layer in layers:
            before, after = Layer(a, layer, device), Layer(b, layer, device)
            documents = b.clusters(after.rows)
            weights = resamples(
                len(after.rows) if documents is None else int(documents.max()) + 1, draws, seed
            )
            for language in languages or b.languages:
                pair = LayerPair(before.side(language, "raw"), after.side(language, "raw"))
                for measure, value, low, high in _moved(pair, documents, weights, confidence):
                    rows.append(
                        {
                            "checkpoint": b.checkpoint,
                            "baseline": a.checkpoint,
                            "language": language,
                            "layer": layer,
                            "depth": b.depth(layer),
                            "measure": measure,
                            "value": value,
                            "low": low,
                            "high": high,
                        }
                    )
                before.forget(language)
                after.forget(language)
            phase.update()
    return RESULTS["drift"].frame(rows)


def _moved(
    pair: LayerPair, documents: np.ndarray | None, weights: np.ndarray, confidence: float
) -> list[tuple[str, float, float, float]]:
    scores = METRICS["cka"](pair)
    estimates = []
    if scores.influence is not None:
        estimates.append(("cka", scores.value, scores.influence.cpu().numpy()))
    if pair.x.shape == pair.y.shape:
        cosine = (pair.source.unit * pair.target.unit).sum(1).cpu().numpy()
        estimates.append(("cosine", float(cosine.mean()), cosine - cosine.mean()))
    rows = []
    for measure, value, influence in estimates:
        low, high = intervals(np.array([value]), by_cluster(influence[None], documents), weights, confidence)
        rows.append((measure, value, low[0], min(high[0], 1.0)))
    if pair.x.shape == pair.y.shape:
        rows.append(("centroid_distance", centroid_distance(pair.source, pair.target), np.nan, np.nan))
    return rows


def layer_cka(
    a: LayerStates,
    b: LayerStates,
    *,
    languages: Sequence[str] | None = None,
    device: str = "cpu",
    progress: bool = True,
) -> pd.DataFrame:
    """Debiased CKA of every layer of a with every layer of b, per language; a and b may be one checkpoint.

    Returns:
        Columns of the table "layer_cka" (see `repalign.results.schema.RESULTS`); checkpoint is b, baseline is a.

    Raises:
        RepalignError: the two do not hold the same sentences.
    """
    same_sentences(a, b, layers=False)
    rows: list[dict[str, Any]] = []
    languages = languages or b.languages
    with Phase("layers against layers", len(languages), "languages", shown=progress) as phase:
        for language in languages:
            kernels = [(one, _unit_kernel(a, one, language, device)) for one in a.layers]
            for layer in b.layers:
                matrix = _unit_kernel(b, layer, language, device)
                for baseline_layer, other in kernels:
                    rows.append(
                        {
                            "checkpoint": b.checkpoint,
                            "baseline": a.checkpoint,
                            "language": language,
                            "layer": layer,
                            "depth": b.depth(layer),
                            "baseline_layer": baseline_layer,
                            "baseline_depth": a.depth(baseline_layer),
                            "value": float((matrix * other).sum(1).double().sum()),
                        }
                    )
            phase.update()
    return RESULTS["layer_cka"].frame(rows)


def _unit_kernel(states: LayerStates, layer: int, language: str, device: str) -> torch.Tensor:
    """The U-centred kernel divided by its norm: the inner product of two is debiased CKA; NaN for a constant layer."""
    matrix = kernel(Layer(states, layer, device).side(language, "raw")).matrix
    return matrix / matrix.norm()
