"""Errors that the runs of a language share, because they were scored on the same test sentences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from sweeps import DIFFICULTY, TRUTH, sweep, true_law

from repalign import RepalignError
from repalign.scaling import (
    Fit,
    Law,
    Runs,
    bootstrap,
    bootstrap_interval,
    fit,
    plan,
    profile_interval,
    read_runs,
)

BUDGET = 1440


def standard_errors(fitted: Fit, test_error: float) -> np.ndarray:
    """Of c, b and a on the fitted scale by generalised least squares, [parameter], with the covariance written out."""
    runs = fitted.runs
    a = np.array([fitted.parameters[f"a[{code}]"] for code in runs.language])
    b = fitted.parameters["b"]
    missing = a * runs.pairs**-b
    slopes = np.column_stack(
        [
            np.ones(len(runs)),
            missing * b * np.log(runs.pairs),
            -missing[:, None] * (runs.index[:, None] == np.arange(len(DIFFICULTY))),
        ]
    )
    same = runs.index[:, None] == runs.index
    covariance = test_error**2 * same + np.diag(fitted.deviation**2)
    return np.sqrt(np.diag(np.linalg.inv(slopes.T @ np.linalg.inv(covariance) @ slopes)))


@pytest.mark.parametrize("seed", [3, 4])
def test_intervals_are_those_of_generalised_least_squares(seed):
    fitted = fit(sweep(seed))
    errors = standard_errors(fitted, 1.2)
    draws = bootstrap(fitted, 200, seed)
    for column, name in enumerate(fitted.names):
        width = 2 * t.ppf(0.975, len(fitted.runs) - 5) * errors[column]
        for low, high in (profile_interval(fitted, name), bootstrap_interval(fitted, draws, name)):
            on_fitted_scale = high - low if name == "c" else np.log(high / low)
            assert on_fitted_scale == pytest.approx(width, rel=0.35), name
    # c is shifted by what three test sets err on average
    assert errors[0] > 1.2 / 3**0.5
    assert errors[0] > 1.2 * standard_errors(fitted, 1e-6)[0]


def test_errors_of_scores_matter_only_to_runs_that_share_them():
    runs = sweep(5)
    alone = replace(runs, test=tuple(map(str, range(len(runs)))))
    without = replace(runs, error=np.zeros(len(runs)))
    assert fit(alone).parameters == pytest.approx(fit(without).parameters, rel=1e-3)
    widths = [np.diff(profile_interval(fit(some), "c"))[0] for some in (runs, alone, without)]
    assert widths[1] == pytest.approx(widths[2], rel=0.02)
    assert widths[0] > 1.2 * widths[1]


def test_what_all_languages_share_moves_the_ceiling_alone():
    runs = sweep(6)
    one_test = replace(runs, test=("flores",) * len(runs))
    errors = {
        name: [np.diff(profile_interval(fit(some), name))[0] for some in (runs, one_test)]
        for name in ("c", "b")
    }
    assert errors["c"][1] > 1.1 * errors["c"][0]
    assert errors["b"][1] < errors["b"][0]


def test_a_table_says_which_runs_share_a_test_set(tmp_path):
    runs, path = sweep(7, seeds=1), tmp_path / "runs.csv"
    rows = pd.DataFrame({"language": runs.language, "pairs": runs.pairs, "score": runs.score})
    rows = rows.assign(score_low=runs.score - 2, score_high=runs.score + 2)
    rows.to_csv(path, index=False)
    assert read_runs(path).shared_error.shape == (18, 3)
    assert read_runs(path, independent=True).shared_error.shape == (18, 0)
    rows.assign(test="flores").to_csv(path, index=False)
    assert read_runs(path).shared_error == pytest.approx(np.full((18, 1), 2 / 1.96), rel=1e-3)
    rows.assign(test=["flores", None] * 9).to_csv(path, index=False)
    with pytest.raises(RepalignError, match="should name the test set of every run"):
        read_runs(path)


def test_a_run_without_an_interval_shares_its_test_set_all_the_same():
    runs = Runs(("x", "x", "y"), np.ones(3), np.ones(3), np.array([3.0, 0.0, 5.0]))
    assert runs.shared_error.tolist() == [[3.0], [3.0], [0.0]]
    assert runs.own_error.tolist() == [0.0, 0.0, 5.0]


def outcomes(draws: int, resamples: int, profiles: bool = True) -> dict[str, float]:
    """Shares of simulations in which intervals hold the truth, and in which identified splits lose more than stated."""
    truth = true_law()
    best, even = (truth.scores(pairs).mean() for pairs in (truth.best(BUDGET), np.full(3, BUDGET / 3)))
    covered: dict[str, list[bool]] = {}
    exceeded, gained = [], []
    for seed in range(draws):
        found = fit(sweep(seed))
        drawn = bootstrap(found, resamples, seed)
        for name, value in TRUTH.items():
            low, high = bootstrap_interval(found, drawn, name)
            covered.setdefault(f"bootstrap {name}", []).append(low <= value <= high)
            if profiles:
                low, high = profile_interval(found, name)
                covered.setdefault(f"profile {name}", []).append(low <= value <= high)
        planned = plan(Law.of(found, drawn), BUDGET)
        score = truth.scores(np.array(list(planned.splits[0].pairs.values()))).mean()
        _, low, high = planned.splits[0].gain
        gained.append(low <= score - even <= high)
        if planned.identified:
            exceeded.append((best - score) / (best - even) > planned.regret_share)
    shares = {name: float(np.mean(hits)) for name, hits in covered.items()}
    return shares | {
        "gain": float(np.mean(gained)),
        "loses more": float(np.mean(exceeded)),
        "identified": len(exceeded) / draws,
    }


def test_intervals_hold_the_truth():
    found = outcomes(8, 40, profiles=False)
    assert min(value for name, value in found.items() if name.startswith(("boot", "gain"))) >= 0.75
    assert found["loses more"] <= 0.3
    assert found["identified"] > 0.5


@pytest.mark.heavy
def test_intervals_hold_the_truth_of_many_sweeps():
    found = outcomes(250, 100)
    print(found)
    intervals = {name: share for name, share in found.items() if name.startswith(("profile", "bootstrap"))}
    assert min(intervals.values()) >= 0.92
    assert np.mean(list(intervals.values())) <= 0.98
    assert found["gain"] >= 0.92
    assert found["loses more"] <= 0.07


def test_the_ends_of_a_profile_are_where_the_best_fit_gets_too_bad():
    """Also where no ceiling is visible, so that all parameters lie on a ridge that ends at the top of the scale."""
    rng = np.random.default_rng(0)
    pairs = np.tile(np.repeat([40.0, 160, 640, 1280], 3), 2)
    score = 0.05 * np.log(pairs / 15) + 0.015 * rng.normal(size=24)
    fitted = fit(Runs(("x",) * 12 + ("y",) * 12, pairs, score, np.full(24, 0.01), top=1.0))
    problem, allowed = fitted.problem, fitted.scale * t.ppf(0.975, 24 - 4) ** 2 / 2
    for column, name in enumerate(fitted.names[1:], 1):
        for end in np.log(profile_interval(fitted, name)):
            path, start = np.linspace(fitted.values[column], end, 30), fitted.values
            for value in path:  # in small steps from the best fit
                start, cost = problem.solve(start, {column: value})
            assert cost - fitted.cost == pytest.approx(allowed, rel=0.2), name
