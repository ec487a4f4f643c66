"""Language or meaning: do states cluster by the language of a sentence, or by what it means?

Each measure takes the states of all languages at one layer; row i of each is a translation of row i of every
other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from repalign.metrics.pair import Representation

if TYPE_CHECKING:
    import torch


def _silhouette(within: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """(b - a) / max(a, b), with mean distances a within the cluster and b to the nearest other (Rousseeuw 1987)."""
    import torch

    largest = torch.maximum(within, other)
    return torch.where(largest > 0, (other - within) / largest.clamp(min=1e-300), 0.0)


def silhouette_language(representations: Sequence[Representation]) -> torch.Tensor:
    """How much nearer a state is to its language than to the nearest other, by cosine: double [sentence, language].

    The mean cosine distance to a cluster is 1 minus the product with its mean, so no distance matrix is needed.
    """
    import torch

    unit = torch.stack([representation.unit for representation in representations], dim=1)
    n, languages, _ = unit.shape
    distance = 1 - torch.einsum("nld,md->nlm", unit, unit.mean(0))
    within = distance.diagonal(dim1=1, dim2=2) * n / (n - 1)
    other = distance.masked_fill(torch.eye(languages, dtype=torch.bool, device=unit.device), torch.inf)
    return _silhouette(within, other.min(2).values)


def silhouette_sentence(representations: Sequence[Representation]) -> torch.Tensor:
    """How much nearer a state is to its translations than to others: double [sentence, language]."""
    import torch

    unit = torch.stack([representation.unit for representation in representations], dim=1)
    n, languages, _ = unit.shape
    distance = 1 - torch.einsum("nld,md->nlm", unit, unit.mean(1))
    same = torch.arange(n, device=unit.device)
    within = distance[same, :, same] * languages / (languages - 1)
    distance[same, :, same] = torch.inf
    return _silhouette(within, distance.min(2).values)


def centroid_distance(source: Representation, target: Representation) -> float:
    """Distance of two languages' means, in standard deviations within a language (arXiv:2004.05160)."""
    apart = (source.states.double().mean(0) - target.states.double().mean(0)).norm()
    within = (
        sum(representation.centred.double().square().sum(1).mean() for representation in (source, target)) / 2
    )
    return float(apart / within**0.5) if within > 0 else float("nan")


def centroid_cosine(source: Representation, target: Representation) -> float:
    """Cosine between the means of two languages."""
    a, b = (representation.states.double().mean(0) for representation in (source, target))
    return float(a @ b / (a.norm() * b.norm()).clamp(min=1e-300))


def probe(representations: Sequence[Representation], labels: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Whether a linear probe trained on other sentences predicts the label: bool [sentence, language].

    Multinomial logistic regression on standardised states.

    Args:
        representations: one per language.
        labels: int [sentence, language].
        folds: int [sentence]; a sentence and its translations are always in one fold.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    states = np.stack([representation.states.cpu().numpy() for representation in representations], axis=1)
    right = np.zeros(labels.shape, dtype=bool)
    for fold in np.unique(folds):
        train, test = folds != fold, folds == fold
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
        model.fit(states[train].reshape(-1, states.shape[2]), labels[train].ravel())
        guesses = model.predict(states[test].reshape(-1, states.shape[2]))
        right[test] = guesses.reshape(-1, len(representations)) == labels[test]
    return right


def language_labels(sentences: int, languages: int) -> np.ndarray:
    """The true labels: int [sentence, language]."""
    return np.tile(np.arange(languages), (sentences, 1))


def control_labels(sentences: int, languages: int, seed: int) -> np.ndarray:
    """Labels of a control task that the states cannot predict: each sentence's languages in random order.

    A probe's accuracy minus that on the control task is its selectivity (arXiv:1909.03368).
    """
    return np.random.default_rng(seed).permuted(language_labels(sentences, languages), axis=1)
