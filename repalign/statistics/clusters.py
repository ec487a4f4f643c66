"""Clusters: sentences of one document are not independent, so the document is the unit of resampling."""

from __future__ import annotations

import numpy as np


def by_cluster(influence: np.ndarray, clusters: np.ndarray | None) -> np.ndarray:
    """Influence of each cluster from that of its sentences, for `intervals` and `difference_p`.

    The influence of a cluster is the sum over its sentences, scaled so that the mean of its square, divided by the
    number of clusters, is the cluster-robust variance of the score (Liang and Zeger 1986, doi 10.1093/biomet/73.1.13).

    Args:
        influence: of each sentence, float64 [..., sentence], of mean zero.
        clusters: int [sentence], numbered from 0 without gaps; None: every sentence is a cluster by itself.

    Returns:
        float64 [..., cluster], of mean zero.
    """
    if clusters is None:
        return influence
    count = int(clusters.max()) + 1
    rows = influence.reshape(-1, influence.shape[-1])
    sums = np.array([np.bincount(clusters, row, count) for row in rows])
    return sums.reshape(*influence.shape[:-1], count) * (count / influence.shape[-1])


def design_effect(influence: np.ndarray, clusters: np.ndarray | None) -> np.ndarray:
    """Variance of a score with its sentences in clusters, relative to that of as many independent sentences: float64 [...].

    Source: Kish 1965, Survey Sampling. NaN where no sentence has an influence.

    Args:
        influence, clusters: see `by_cluster`.
    """
    clustered = by_cluster(influence, clusters)
    n, count = influence.shape[-1], clustered.shape[-1]
    alone = (influence**2).sum(-1) / (n * max(n - 1, 1))
    together = (clustered**2).sum(-1) / (count * max(count - 1, 1))
    return np.divide(together, alone, out=np.full(np.shape(alone), np.nan), where=alone > 0)
