"""How often intervals hold the truth and p-values reject it: sentences in documents, and the best layer."""

from __future__ import annotations

import pytest
from simulation import LAYER_COUNTS, best_layers, curve_truth, holds_layer, in_documents, rates

from repalign.metrics import DEFAULT_METRICS

SHARES = ("p_at_1", "mexa")
"""Take few values, so their p and intervals can only be safe."""

ERRORS = 2.5
"""Simulation errors beyond a bar that chance explains."""


def slack(share: float, draws: int) -> float:
    return ERRORS * (share * (1 - share) / draws) ** 0.5


@pytest.mark.heavy
@pytest.mark.parametrize("icc", [0.0, 0.1, 0.4])
@pytest.mark.parametrize(("n", "draws"), [(100, 200), (500, 60)])
def test_intervals_of_sentences_in_documents_hold(n, draws, icc):
    found = rates(*in_documents(draws, n, icc, 1.0, DEFAULT_METRICS))
    for row in found.itertuples():
        case = (row.metric, row.variant)
        known = [row.covered, row.difference]
        if row.metric != "cosine_gap":  # which has no calibrated score
            known.append(row.calibrated)
        for covered in known:
            assert covered >= 0.92 - slack(0.92, draws), case
            if row.metric not in SHARES:
                assert covered <= 0.98 + slack(0.98, draws), case
        assert row.difference_p <= 0.07 + slack(0.07, draws), case


@pytest.mark.heavy
@pytest.mark.parametrize("icc", [0.0, 0.1, 0.4])
@pytest.mark.parametrize(("n", "draws"), [(100, 200), (500, 60)])
def test_documents_that_differ_in_each_language_do_not_align_them(n, draws, icc):
    found = rates(*in_documents(draws, n, icc, 0.0, DEFAULT_METRICS))
    for row in found.itertuples():
        case = (row.metric, row.variant)
        assert row.p <= 0.07 + slack(0.07, draws), case
        assert row.difference_p <= 0.07 + slack(0.07, draws), case
        if row.metric not in SHARES:
            assert row.p >= 0.03 - slack(0.03, draws), case


@pytest.mark.heavy
@pytest.mark.parametrize("layers", LAYER_COUNTS)
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8, 0.95])
@pytest.mark.parametrize("peaked", [False, True])
def test_the_interval_and_the_set_of_the_best_layer_hold_it(layers, rho, peaked):
    draws, truth = 500, curve_truth(layers, peaked)
    peaks = best_layers(draws, truth, rho)
    covered = ((peaks["low"] <= truth.max()) & (truth.max() <= peaks["high"])).mean()
    assert 0.92 - slack(0.92, draws) <= covered <= 0.98 + slack(0.98, draws)
    held = sum(holds_layer(found, layers // 2) for found in peaks["layers"]) / draws
    assert held >= 0.93 - slack(0.93, draws)
