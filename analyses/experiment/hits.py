"""Which sentences find their translation at which layer: what the claims of `pretrained.py` are computed from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from repalign import LayerStates
from repalign.metrics import Metric, as_metrics
from repalign.metrics.pair import LayerPair
from repalign.scoring.measurement import Layer

HITS, MARGINS = "hits.parquet", "margins.parquet"
VARIANT = "centred"


def hit_tables(
    states: LayerStates, sentences: Sequence[int], names: Sequence[str], pivot: str = "en"
) -> dict[str, pd.DataFrame]:
    """Two tables by file name, without any text.

    `HITS` has the columns language, layer, sentence, and one for each metric: in how many directions the sentence is a hit
    (int8; at most 2, and 1 of a symmetric metric). `MARGINS` has language, layer, sentence and margin: the cosine of the
    translation minus that of the nearest other sentence (float32), at the layer of the largest mean margin. A
    correlation with scores of answers chooses no layer by these scores.

    Args:
        states: on the sentences; duplicates count once, as in `repalign.profile`.
        sentences: a number for each row of the states.
        names: metrics of the kind "share of sentences".
        pivot: the language that all others are compared with.
    """
    metrics = as_metrics(names)
    numbers = np.asarray(sentences)[states.distinct]
    hits: list[pd.DataFrame] = []
    best: dict[str, tuple[float, pd.DataFrame]] = {}
    for language, layer, pair in _pairs(states, pivot):
        where = pd.DataFrame({"language": language, "layer": np.int8(layer), "sentence": numbers})
        hits.append(where.assign(**{metric.name: _hits(metric, pair) for metric in metrics}))
        margin = _margins(pair)
        if language not in best or margin.mean() > best[language][0]:
            best[language] = (float(margin.mean()), where.assign(margin=margin))
    return {
        HITS: pd.concat(hits, ignore_index=True),
        MARGINS: pd.concat([table for _, table in best.values()], ignore_index=True),
    }


def _pairs(states: LayerStates, pivot: str) -> Iterator[tuple[str, int, LayerPair]]:
    for layer in states.layers:
        at = Layer(states, layer, "cpu")
        for language in states.languages:
            if language != pivot:
                yield language, layer, at.pair(pivot, language, VARIANT).pair


def _hits(metric: Metric, pair: LayerPair) -> np.ndarray:
    """In how many directions each sentence is a hit: int8 [sentence]."""
    directions = [pair] if metric.symmetric else [pair, pair.reverse]
    return np.sum([np.asarray(metric(one).per_sentence) for one in directions], axis=0).astype(np.int8)


def _margins(pair: LayerPair) -> np.ndarray:
    """Cosine of each sentence of the target with its translation, minus the largest with another: float32 [sentence]."""
    similar = pair.reverse.cosine.numpy().copy()
    right = similar.diagonal().copy()
    np.fill_diagonal(similar, -np.inf)
    return (right - similar.max(1)).astype(np.float32).round(4)
