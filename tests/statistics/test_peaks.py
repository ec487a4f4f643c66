"""The best of several correlated scores, against simulation."""

from __future__ import annotations

import numpy as np
import pytest

from repalign import statistics
from repalign.results.layer_ranges import layer_ranges
from repalign.statistics import cross_fitted, may_be_best


def scores(rng: np.random.Generator, truth: np.ndarray, n: int, rho: float) -> np.ndarray:
    """Scores of each sentence at each layer, float64 [layer, sentence]; neighbouring layers correlate by `rho`."""
    noise = rng.normal(size=(len(truth), n))
    for layer in range(1, len(truth)):
        noise[layer] = rho * noise[layer - 1] + (1 - rho**2) ** 0.5 * noise[layer]
    return truth[:, None] + noise


def split(per_sentence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values = per_sentence.mean(1)
    return values, per_sentence - values[:, None]


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_the_cross_fitted_score_of_a_flat_curve_is_unbiased_and_the_highest_is_not(rho):
    rng, n, fitted, highest = np.random.default_rng(0), 60, [], []
    for _ in range(400):
        values, influence = split(scores(rng, np.zeros(20), n, rho))
        fitted.append(cross_fitted(values, influence, rng.permutation(n) % 3).value)
        highest.append(values.max())
    error = float(np.std(fitted)) / 20
    assert np.mean(fitted) == pytest.approx(0, abs=3 * error)
    assert np.mean(highest) > 10 * error


def test_each_fold_is_scored_by_the_layer_that_is_best_on_the_others():
    rng = np.random.default_rng(1)
    per_sentence = scores(rng, np.array([0.0, 0.1, 0.05]), 31, 0.3)
    folds = rng.permutation(31) % 4
    values, influence = split(per_sentence)
    fitted = cross_fitted(values, influence, folds)
    expected = np.empty(31)
    for fold in range(4):
        chosen = per_sentence[:, folds != fold].mean(1).argmax()
        expected[folds == fold] = per_sentence[chosen, folds == fold]
        assert set(fitted.chosen[folds == fold]) == {chosen}
    assert fitted.value == pytest.approx(expected.mean())
    assert fitted.influence == pytest.approx(expected - expected.mean())


def test_a_clear_peak_is_found_and_scored_as_it_is():
    values, influence = split(scores(np.random.default_rng(0), np.array([0.0, 3, 1]), 90, 0.5))
    fitted = cross_fitted(values, influence, np.arange(90) % 3)
    assert set(fitted.chosen) == {1}
    assert fitted.value == pytest.approx(values[1])
    assert may_be_best(values, influence, statistics.resamples(90, 500, 0)).tolist() == [False, True, False]


@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_the_set_of_the_best_layers_holds_the_true_best(rho):
    rng, n, kept, size = np.random.default_rng(2), 80, [], []
    truth = 0.5 * np.exp(-(((np.arange(12) - 5) / 3) ** 2))
    weights = statistics.resamples(n, 400, 0)
    for _ in range(200):
        found = may_be_best(*split(scores(rng, truth, n, rho)), weights)
        kept.append(found[5])
        size.append(found.sum())
    assert np.mean(kept) >= 0.93
    assert np.mean(size) < 11, "a set of all layers would hold the best too"


def test_layers_that_tie_all_stay():
    values, influence = split(np.repeat(scores(np.random.default_rng(0), np.zeros(1), 50, 0), 4, axis=0))
    weights = statistics.resamples(50, 200, 0)
    assert may_be_best(values, influence, weights).all()
    lower = values - np.array([0, 0, 0.1, 0])
    assert may_be_best(lower, influence, weights).tolist() == [True, True, False, True], (
        "lower for every sentence"
    )
    assert may_be_best(np.ones(3), np.zeros((3, 50)), weights).all(), "no sentence differs"
    assert may_be_best(np.array([1, 1, 0.9]), np.zeros((3, 50)), weights).tolist() == [True, True, False]


def test_one_layer_is_the_best_and_its_score_stays():
    values, influence = split(scores(np.random.default_rng(0), np.zeros(1), 30, 0))
    fitted = cross_fitted(values, influence, np.arange(30) % 3)
    assert fitted.value == pytest.approx(values[0])
    assert fitted.influence == pytest.approx(influence[0])
    assert may_be_best(values, influence, statistics.resamples(30, 200, 0)).tolist() == [True]


def test_layers_are_named_as_ranges():
    assert layer_ranges([7]) == "7"
    assert layer_ranges([8, 3, 5, 4]) == "3-5,8"
    assert layer_ranges([0, 2, 4, 5]) == "0,2,4-5"
    assert layer_ranges([]) == ""
