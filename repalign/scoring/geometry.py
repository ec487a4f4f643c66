"""The geometry of each language's states: anisotropy, rank, hubs, lengths, outlier dims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.metrics import Representation
from repalign.metrics.descriptors import geometry as measures
from repalign.progress import Phase
from repalign.results.schema import RESULTS
from repalign.scoring.measurement import Layer
from repalign.states.layer_states import LayerStates

if TYPE_CHECKING:
    import pandas as pd

LARGE = 10
"""A dim is an outlier if its |mean| is more than this many times the median."""


def geometry(
    states: LayerStates,
    *,
    languages: Sequence[str] | None = None,
    layers: Sequence[int] | None = None,
    device: str = "cpu",
    progress: bool = True,
) -> pd.DataFrame:
    """Anisotropy, rank, hubs, lengths and outlier dims per language and layer: properties that shape cosines.

    Measures: those of `repalign.metrics.descriptors.geometry.MEASURES`; `outlier_dims`, the number of dims whose |mean|
    is more than 10 times the median, the largest named in `detail`; and `length_cosine`, the rank correlation between
    the number of tokens of a sentence and its mean cosine to all others: an effect of length, not of meaning.

    Returns:
        Columns of the table "geometry" (see `repalign.results.schema.RESULTS`).
    """
    rows: list[dict[str, Any]] = []
    layers = layers or states.layers
    with Phase(f"{states.checkpoint}: geometry", len(layers), "layers", shown=progress) as phase:
        for layer in layers:
            at = Layer(states, layer, device)
            for language in languages or states.languages:
                side = at.side(language, "raw")
                common = {
                    "checkpoint": states.checkpoint,
                    "language": language,
                    "layer": layer,
                    "depth": states.depth(layer),
                }
                values = {name: (measure(side), "") for name, measure in measures.MEASURES.items()}
                values["outlier_dims"] = _outlier_dims(side)
                values["length_cosine"] = _length_cosine(side, at.lengths(language)), ""
                rows += [
                    {**common, "measure": name, "value": v, "detail": d} for name, (v, d) in values.items()
                ]
                at.forget(language)
            phase.update()
    return RESULTS["geometry"].frame(rows)


def _outlier_dims(side: Representation) -> tuple[float, str]:
    ratios = measures.dim_ratios(side)
    top = ratios.topk(min(5, len(ratios)))
    named = [
        f"{dim} (x{ratio:.0f})"
        for ratio, dim in zip(*(t.tolist() for t in top), strict=True)
        if ratio > LARGE
    ]
    return float((ratios > LARGE).sum()), ", ".join(named)


def _length_cosine(side: Representation, lengths: np.ndarray) -> float:
    from scipy.stats import rankdata

    mean_cosine = (side.unit @ side.unit.mean(0)).cpu().numpy()
    if np.ptp(lengths) == 0 or np.ptp(mean_cosine) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(lengths), rankdata(mean_cosine))[0, 1])
