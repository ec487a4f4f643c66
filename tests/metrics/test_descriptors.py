"""Descriptors of one language, and of several against each other."""

from __future__ import annotations

import numpy as np
import pytest
from metrics.factories import golden_inputs

from repalign.metrics import Representation
from repalign.metrics.contract import related
from repalign.metrics.descriptors import geometry as shape
from repalign.metrics.descriptors import separation as against


def test_golden_geometry():
    representation = Representation.of(golden_inputs()[0])
    assert shape.average_cosine(representation) == pytest.approx(0.23165286369844382, abs=1e-6)
    assert shape.isoscore(representation) == pytest.approx(0.35591521336218834, abs=1e-6)
    assert shape.effective_rank(representation) == pytest.approx(18.814865641704266, abs=1e-6)
    assert shape.participation_ratio(representation) == pytest.approx(9.18604990733033, abs=1e-6)


def languages(count: int = 3, n: int = 40, d: int = 8) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    meaning = rng.normal(size=(n, d))
    return [meaning + 0.7 * rng.normal(size=(n, d)) + rng.normal(size=d) for _ in range(count)]


def test_silhouettes_equal_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    arrays = languages()
    representations = [Representation.of(array) for array in arrays]
    flat = np.stack(arrays, axis=1).reshape(-1, 8)
    labels = {
        against.silhouette_language: np.tile(np.arange(3), 40),
        against.silhouette_sentence: np.repeat(np.arange(40), 3),
    }
    for measure, label in labels.items():
        expected = metrics.silhouette_samples(flat, label, metric="cosine")
        assert measure(representations).flatten().numpy() == pytest.approx(expected, abs=1e-9)


def test_the_probe_reads_language_but_no_control_task():
    pytest.importorskip("sklearn")
    representations = [Representation.of(array + 3 * k) for k, array in enumerate(languages())]
    folds = np.arange(40) % 5
    assert against.probe(representations, against.language_labels(40, 3), folds).mean() > 0.9
    assert against.probe(representations, against.control_labels(40, 3, seed=0), folds).mean() < 0.5


def test_geometry_tells_what_is_unlike():
    rng = np.random.default_rng(0)
    even = Representation.of(rng.normal(size=(200, 10)))
    cone = Representation.of(rng.normal(size=(200, 10)) + 20)
    line = Representation.of(rng.normal(size=(200, 1)) * np.arange(1, 11))
    assert abs(shape.average_cosine(even)) < 0.02 < 0.95 < shape.average_cosine(cone)
    assert shape.isoscore(even) > 0.9 > 1e-6 > shape.isoscore(line)
    assert shape.participation_ratio(line) == pytest.approx(1)
    assert shape.effective_rank(even) > 9
    spiked = rng.normal(size=(200, 10)) + 0.1
    spiked[:, 3] += 500
    assert shape.outlier_ratio(Representation.of(spiked)) > 100
    assert shape.tied(Representation.of(np.repeat(rng.normal(size=(20, 10)), 2, axis=0))) == 1
    assert shape.tied(even) == 0
    assert np.isnan(shape.isoscore(Representation.of(rng.normal(size=(20, 1)))))


def test_lengths_hubs_and_centroids_are_what_they_are_called():
    stats = pytest.importorskip("scipy.stats")
    x, y = related(60, 8, 1.0)
    representation, other = Representation.of(x), Representation.of(y)
    lengths = np.linalg.norm(x, axis=1)
    assert shape.norm_mean(representation) == pytest.approx(lengths.mean())
    assert shape.norm_spread(representation) == pytest.approx(stats.variation(lengths))
    cosine = representation.unit.numpy() @ representation.unit.numpy().T - 2 * np.eye(60)
    popularity = np.bincount(cosine.argsort(1)[:, -10:].ravel(), minlength=60)
    assert shape.hubness_skew(representation) == pytest.approx(stats.skew(popularity))
    apart = np.linalg.norm(x.mean(0) - y.mean(0))
    within = np.sqrt((x.var(0).sum() + y.var(0).sum()) / 2)
    assert against.centroid_distance(representation, other) == pytest.approx(apart / within)
    cosine = x.mean(0) @ y.mean(0) / np.linalg.norm(x.mean(0)) / np.linalg.norm(y.mean(0))
    assert against.centroid_cosine(representation, other) == pytest.approx(cosine)
