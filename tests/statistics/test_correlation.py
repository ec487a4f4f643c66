"""Spearman's correlation over few units."""

from __future__ import annotations

import numpy as np
import pytest

from repalign.statistics import spearman, spearman_interval

stats = pytest.importorskip("scipy.stats")


def test_the_interval_is_that_of_fishers_z_but_for_half_a_step():
    low, high = spearman_interval(0.4, 1000)
    error = stats.norm.ppf(0.975) * np.sqrt(1.08 / 997)
    assert (low, high) == pytest.approx(tuple(np.tanh(np.arctanh(0.4) + np.array([-error, error]))), abs=1e-7)
    assert (-high, -low) == pytest.approx(spearman_interval(-0.4, 1000))


@pytest.mark.parametrize("units", [5, 6, 12])
def test_a_perfect_order_of_few_is_not_sure(units):
    low, high = spearman_interval(1.0, units)
    assert high == 1
    assert 0 < low < 0.99
    swapped = [2, 1, *range(3, units + 1)]  # the nearest correlation below 1
    assert spearman_interval(float(stats.spearmanr(swapped, range(units)).statistic), units)[0] < low
    assert np.isnan(spearman_interval(1.0, 3)).all()
    assert np.isnan(spearman_interval(np.nan, units)).all()


@pytest.mark.parametrize("units", [5, 6, 8, 12, 30])
@pytest.mark.parametrize("strength", [0.0, 0.5, 0.8, 0.95])
def test_the_interval_holds_the_truth(units, strength):
    truth = 6 / np.pi * np.arcsin(strength / 2)  # of two normal variables
    x, noise = np.random.default_rng(units).normal(size=(2, 2000, units))
    y = strength * x + np.sqrt(1 - strength**2) * noise
    ends = np.array([spearman_interval(value, units) for value in spearman(x, y)])
    held = ((ends[:, 0] <= truth) & (truth <= ends[:, 1])).mean()
    assert held >= 0.925
    if units >= 8:
        assert held <= 0.99
