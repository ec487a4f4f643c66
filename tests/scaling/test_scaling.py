"""Fitting the law of translation data: recovery, intervals, what cannot be known, and bad input."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from repalign import RepalignError
from repalign.commands import main as cli
from repalign.scaling import (
    FORMS,
    Law,
    Runs,
    bootstrap,
    bootstrap_interval,
    compare_forms,
    diagnose,
    fit,
    leave_one_size_out,
    plan,
    preferred,
    profile_interval,
    read_runs,
)
from repalign.scaling.fitting import Fit, Problem, spread
from repalign.scaling.selection import Comparison, aicc, reason
from repalign.scaling.study import law_of, load, study

SIZES = (250, 500, 1000, 2000, 4000, 8000)
TRUE = {"c": 72.0, "b": 0.45}
DIFFICULTY = {"ar": 150.0, "el": 80.0, "hi": 320.0, "tr": 220.0, "vi": 60.0, "zh": 110.0}
NOISE = 0.8


def simulated(seed: int, noise: float = NOISE, seeds: int = 3, difficulty=DIFFICULTY, sizes=SIZES) -> Runs:
    """Runs by the power law, with the noise that training seeds make."""
    rows = [(language, size) for language in difficulty for size in sizes for _ in range(seeds)]
    language, pairs = tuple(row[0] for row in rows), np.array([row[1] for row in rows], float)
    a = np.array([difficulty[code] for code in language])
    score = TRUE["c"] - a * pairs ** -TRUE["b"]
    score += noise * np.random.default_rng(seed).normal(size=len(pairs))
    return Runs(language, pairs, score, np.zeros(len(pairs)))


def truth() -> dict[str, float]:
    return TRUE | {f"a[{language}]": a for language, a in DIFFICULTY.items()}


@pytest.fixture(scope="module")
def runs() -> Runs:
    return simulated(0)


@pytest.fixture(scope="module")
def fitted(runs):
    return fit(runs)


def test_without_noise_the_parameters_come_back():
    found = fit(simulated(0, noise=0.0)).parameters
    assert found == pytest.approx(truth(), rel=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_derivatives_are_those_of_the_curve(form, runs):
    problem = Problem(FORMS[form], runs, np.ones(len(runs)))
    values = problem.starts()[0]
    step = 1e-6 * np.eye(len(values))
    numeric = [(problem.residuals(values + h) - problem.residuals(values - h)) / 2e-6 for h in step]
    assert problem.jacobian(values) == pytest.approx(np.array(numeric).T, rel=1e-4, abs=1e-5)


def test_one_wild_run_moves_the_fit_little(runs, fitted):
    wild = runs.score.copy()
    wild[20] = 0.0
    moved = fit(Runs(runs.language, runs.pairs, wild, runs.error))
    assert moved.predict("zh", 16000) == pytest.approx(fitted.predict("zh", 16000), abs=3 * NOISE)


def recovery(draws: int, resamples: int = 0) -> tuple[float, float, float]:
    """Coverage of both kinds of interval, and the mean regret of the optimal split as a share of the gain."""
    by_profile, by_bootstrap, lost, room = [], [], 0.0, 0.0
    languages, budget = tuple(sorted(DIFFICULTY)), 20_000
    difficulty = np.array([DIFFICULTY[code] for code in languages])
    exact = np.stack([np.full(6, TRUE["c"]), difficulty, np.full(6, TRUE["b"]), np.zeros(6)])
    true_law = Law(languages, exact, exact[None])
    even = true_law.scores(np.full(6, budget / 6)).mean()
    optimum = true_law.scores(true_law.best(budget)).mean()
    for seed in range(1000, 1000 + draws):
        found = fit(simulated(seed))
        drawn = bootstrap(found, resamples, seed) if resamples else None
        for name, value in truth().items():
            low, high = profile_interval(found, name)
            by_profile.append(low <= value <= high)
            if drawn is not None:
                low, high = bootstrap_interval(found, drawn, name)
                by_bootstrap.append(low <= value <= high)
        split = Law.of(found, found.values[None]).best(budget)
        lost += optimum - true_law.scores(split).mean()
        room += optimum - even
    return float(np.mean(by_profile)), float(np.mean(by_bootstrap or [np.nan])), lost / room


def test_recovery():
    covered, _, regret = recovery(5)
    assert covered >= 0.85
    assert regret < 0.01


@pytest.mark.heavy
def test_recovery_of_many_draws():
    covered, resampled, regret = recovery(300, 100)
    print(f"profile {covered:.3f}, bootstrap {resampled:.3f}, regret {regret:.4f}")
    assert 0.92 <= covered <= 0.98
    assert 0.92 <= resampled <= 0.98
    assert regret < 0.01


def test_intervals_are_as_wide_as_least_squares_says():
    from scipy.optimize import curve_fit
    from scipy.stats import t

    few = simulated(0, noise=0.3, seeds=6, difficulty={"zh": 110.0})
    found = fit(few)
    best, covariance = curve_fit(lambda x, c, a, b: c - a * x**-b, few.pairs, few.score, p0=(72, 110, 0.45))
    width = 2 * t.ppf(0.975, len(few) - 3) * covariance[0, 0] ** 0.5
    assert found.parameters["c"] == pytest.approx(best[0], abs=width / 8)
    low, high = profile_interval(found, "c")
    assert high - low == pytest.approx(width, rel=0.25)
    low, high = bootstrap_interval(found, bootstrap(found, 100), "c")
    assert high - low == pytest.approx(width, rel=0.35)
    low, high = profile_interval(found, "c", confidence=0.5)
    assert high - low == pytest.approx(width * t.ppf(0.75, 33) / t.ppf(0.975, 33), rel=0.25)


@pytest.mark.parametrize("form", FORMS)
def test_the_law_of_a_fit_predicts_the_same(form, runs):
    problem = Problem(FORMS[form], runs, np.ones(len(runs)))
    values = np.stack(problem.starts()[:3])
    found = Fit(FORMS[form], runs, values[0], np.ones(len(runs)), 1.0)
    law, pairs = Law.of(found, values[1:]), np.arange(1, 7) * 900.0
    for place, code in enumerate(runs.languages):
        assert law.scores(pairs)[place] == pytest.approx(found.predict(code, pairs[place])[0])
        drawn = found.predict(code, pairs[place : place + 1], values[1:])
        assert law.scores(pairs, law.draws)[:, place] == pytest.approx(drawn.ravel())


def test_forms_pay_for_their_parameters():
    from scipy.stats import multivariate_normal

    runs = replace(simulated(0), error=np.full(108, 1.2))
    deviation = np.full(108, 40.0)  # so large that no residual counts less than its square
    problem = Problem(FORMS["power"], runs, deviation)
    values, cost = problem.solve(fit(runs).values)
    found = Fit(FORMS["power"], runs, values, deviation, cost)
    loads = runs.shared_error
    law_only = np.concatenate([values[:8], np.zeros(6)])
    missing = problem.residuals(law_only)[:108] * 40
    exact = multivariate_normal(cov=np.diag(deviation**2) + loads @ loads.T).logpdf(missing)
    # 108 runs, 8 parameters and the variance of the runs' noise
    penalty = 18 + 2 * 9 * 10 / (108 - 9 - 1)
    assert aicc(found) == pytest.approx(-2 * exact - 108 * np.log(2 * np.pi) + penalty, abs=1e-3)


def test_of_laws_that_do_as_well_the_simplest_is_trusted():
    def entry(form: str, *errors: float, fits: bool = True) -> Comparison:
        left_out = float(np.sqrt(np.mean(np.square(errors))))
        parameters = {"power": 8, "power-own": 18}.get(form, 9)
        return Comparison(form, parameters, 0.0, left_out, dict(enumerate(errors)), fits)

    best = entry("power-own", 0.9, 1.0, 1.4)
    assert preferred([entry("paper", 0.1, 0.1, 0.1), best, entry("power", 1.0, 1.1, 1.4)]) == "power"
    assert preferred([best, entry("power", 2.0, 2.0, 2.0)]) == "power-own"
    assert preferred([entry("saturating", 0.1, 0.1, 0.1), best]) == "saturating"
    assert preferred([entry("paper", 0.1, 0.1, 0.1)]) is None
    assert preferred([best, entry("power", 1.0, 1.1, 1.4, fits=False)]) == "power-own"
    assert preferred([replace(best, fits=False), entry("power", 1.0, 1.1, 1.4, fits=False)]) == "power"
    assert "also power-own)" in reason([best, entry("power", 1.0, 1.1, 1.4)])
    assert "no other form" in reason([best, entry("power", 2.0, 2.0, 2.0)])
    assert "no misfit" in reason([best, entry("power", 1.0, 1.1, 1.4, fits=False)])


def test_what_is_hardly_known_is_said(fitted):
    notes = diagnose(fitted, {"a[zh]": (1.0, 100.0), "b": (0.4, 0.5), "c": (70.0, 80.0)}).notes
    assert notes == ("only the order of magnitude of a[zh] is known: 1 to 1e+02",)


def test_drawn_curves_have_the_middle_of_the_draws(runs):
    few = runs.where(np.isin(runs.index, [0, 1]))
    found, fitted = study(few, "power", draws=20, seed=3), fit(few, "power")
    curve = found["curves"]["el"]
    drawn = fitted.predict("el", np.array(curve["pairs"]), bootstrap(fitted, 20, 3))
    for side, share in (("low", 0.025), ("high", 0.975)):
        assert curve[side] == pytest.approx(np.quantile(drawn, share, axis=0).tolist())
    assert curve["score"] == pytest.approx(fitted.predict("el", np.array(curve["pairs"])).tolist())


def test_bootstrap_is_that_of_its_seed_and_surrounds_the_fit(fitted):
    draws = bootstrap(fitted, 40, seed=1)
    assert (draws == bootstrap(fitted, 40, seed=1)).all()
    low, high = bootstrap_interval(fitted, draws, "a[zh]")
    assert low < fitted.parameters["a[zh]"] < high


def test_gamma_is_not_identified_separately_from_alpha(runs):
    found = fit(runs, "paper")
    diagnosis = diagnose(found)
    assert not diagnosis.identified
    assert {"alpha", "gamma[zh]"} <= set(diagnosis.groups[0])
    assert "gamma is not identified separately from alpha" in " ".join(diagnosis.notes)
    moved = found.values.copy()  # e times alpha, and gammas that make up for it
    moved[0] += 1e-3
    moved[2:] += 1e-3 / found.parameters["b"]
    assert found.problem.residuals(moved) == pytest.approx(found.problem.residuals(found.values), abs=1e-9)


def test_the_power_law_is_identified_and_a_flat_one_says_no(fitted):
    intervals = {name: profile_interval(fitted, name) for name in fitted.names}
    assert diagnose(fitted, intervals).identified
    early = fit(
        simulated(0, noise=3.0, seeds=2, sizes=(50, 70, 100, 140), difficulty={"zh": 110.0, "tr": 150.0})
    )
    intervals = {name: profile_interval(early, name) for name in early.names}
    assert "no ceiling is visible" in " ".join(diagnose(early, intervals).notes)


def test_forms_are_chosen_by_sizes_left_out(runs, fitted):
    ranked = compare_forms(runs, ["paper", "power", "power-own"])
    assert ranked[0].form == "power"
    assert ranked[0].aicc < ranked[-1].aicc
    assert preferred(ranked) == "power"
    assert ranked[0].by_size == leave_one_size_out(fitted)
    problem = Problem(FORMS["power"], runs.where(runs.pairs != 8000), fitted.deviation[runs.pairs != 8000])
    refitted = replace(fitted, values=problem.solve(fitted.values)[0])
    missed = [
        runs.score[(runs.pairs == 8000) & (runs.index == place)].mean() - refitted.predict(code, 8000)[0]
        for place, code in enumerate(runs.languages)
    ]
    assert ranked[0].by_size[8000.0] == pytest.approx(np.sqrt(np.mean(np.square(missed))), abs=1e-3)


def test_plan_says_whether_the_split_is_identified(fitted):
    known = plan(Law.of(fitted, bootstrap(fitted, 40)), 20_000)
    assert known.certain
    assert known.splits[0].gain[0] > 0
    same = fit(simulated(1, noise=4.0, difficulty=dict.fromkeys(DIFFICULTY, 150.0)))
    unknown = plan(Law.of(same, bootstrap(same, 40)), 20_000)
    assert not unknown.identified
    assert "identified" in unknown.note


def table(runs: Runs) -> pd.DataFrame:
    seeds = np.arange(len(runs)) % 3
    return pd.DataFrame(
        {"language": runs.language, "pairs": runs.pairs, "seed": seeds, "score": runs.score}
    ).assign(score_low=runs.score - 1.0, score_high=runs.score + 1.0)


def change(rows: pd.DataFrame, column: str, value: object) -> pd.DataFrame:
    return rows.assign(**{column: [value, *rows[column].iloc[1:]]})


BAD = {
    "has a negative score": lambda rows: change(rows, "score", -1.0),
    "has no score": lambda rows: change(rows, "score", np.nan),
    "has a score above 100": lambda rows: change(rows, "score", 101.0),
    "has no valid number of pairs; give one above 0": lambda rows: change(rows, "pairs", 0.0),
    "the same run occurs twice": lambda rows: pd.concat([rows, rows.iloc[:1]]),
    "no column named 'pairs'": lambda rows: rows.drop(columns="pairs"),
    "should hold numbers": lambda rows: rows.assign(pairs="many"),
    "no runs to fit": lambda rows: rows.iloc[:0],
    "runs of only 2 size": lambda rows: rows[rows["pairs"] < 600],
    "parameters for": lambda rows: rows[rows["seed"] == 0].groupby("language").head(1),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_runs_are_told_in_one_line(message, runs, tmp_path, capsys):
    BAD[message](table(runs)).to_parquet(tmp_path / "runs.parquet")
    assert cli.main(["scaling", "fit", str(tmp_path / "runs.parquet")]) == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert message in said


def test_files_that_are_no_runs(tmp_path):
    (tmp_path / "runs.txt").write_text("")
    (tmp_path / "runs.csv").write_text("")
    for name in ("runs.txt", "none.csv", "runs.csv"):
        with pytest.raises(RepalignError, match=re.escape(name)):
            read_runs(tmp_path / name)


def test_errors_of_scores_weigh_the_runs(runs, tmp_path):
    table(runs).to_csv(tmp_path / "runs.csv", index=False)
    read = read_runs(tmp_path / "runs.csv")
    assert read.error == pytest.approx(2 / (2 * 1.96), rel=1e-3)
    assert read.top == 100
    # what seeds differ by holds the scores' own errors: these add nothing where all are alike
    assert spread(read) == pytest.approx(spread(runs))
    assert spread(runs) == pytest.approx(np.full(len(runs), NOISE), rel=0.2)
    unsure = np.where(np.arange(len(runs)) == 20, 5.0, 0.1)
    alone = tuple(map(str, range(len(runs))))  # a test set for each run
    deviation = spread(Runs(runs.language, runs.pairs, runs.score, unsure, test=alone))
    assert deviation[20] > 5 > 1 > deviation[19]
    wild = runs.score.copy()
    wild[20] -= 9
    rest, code = runs.where(np.arange(len(runs)) != 20), runs.language[20]
    near, far = (
        abs(
            fit(Runs(runs.language, runs.pairs, wild, error, test=alone)).predict(code, 250)[0]
            - fit(rest).predict(code, 250)[0]
        )
        for error in (unsure.clip(NOISE), np.full(len(runs), NOISE))
    )
    assert near < far / 4


def test_shares_have_1_as_their_top(tmp_path):
    rows = table(simulated(0)).assign(mexa=lambda t: t["score"] / 100)
    rows.to_parquet(tmp_path / "runs.parquet")
    assert read_runs(tmp_path / "runs.parquet", "mexa").top == 1
    assert fit(read_runs(tmp_path / "runs.parquet", "mexa")).parameters["c"] == pytest.approx(0.72, abs=0.03)


def test_the_commands_write_what_they_say(runs, tmp_path, capsys):
    table(runs).to_parquet(tmp_path / "runs.parquet")
    assert cli.main(["scaling", "fit", str(tmp_path / "runs.parquet"), "--draws", "10"]) == 0
    found = load(tmp_path / "fit.json")
    assert found["form"] in FORMS
    assert len(law_of(found).draws) == 10
    command = ["scaling", "allocate", str(tmp_path / "fit.json"), "--budget", "9000", "--available", "hi=500"]
    assert cli.main(command) == 0
    written = json.loads((tmp_path / "allocation.json").read_text())
    assert written["splits"][0]["pairs"]["hi"] == 500
    assert sum(written["splits"][0]["pairs"].values()) == pytest.approx(9000)
    said = capsys.readouterr().out
    assert found["formula"] in said
    assert all(f"\n{name} " in said for name in found["parameters"])
    assert "held-out error in units of" in said
    assert "9,000 sentence pairs, maximising the mean" in said
    assert "gain over the uniform split: " in said
    for names in ("scaling.html, fit.json", "allocation.html, allocation.json"):
        assert f"wrote {tmp_path}: {names}\nopen {tmp_path / names.partition(',')[0]}\n" in said
    assert cli.main([*command[:4], "0"]) == 1
    assert "above 0" in capsys.readouterr().err


def test_any_form_is_allocated():
    runs = simulated(0, difficulty={"zh": 110.0, "tr": 150.0}, seeds=1)
    law, fitted = law_of(study(runs, "saturating", draws=3)), fit(runs, "saturating")
    split = law.best(3000)
    assert split.sum() == pytest.approx(3000)
    assert law.scores(split) == pytest.approx(
        [fitted.predict(code, x)[0] for code, x in zip(("tr", "zh"), split, strict=True)]
    )
    best = max(law.scores(np.array([x, 3000 - x])).mean() for x in np.arange(1.0, 3000))
    assert law.scores(split).mean() == pytest.approx(best, abs=1e-6)


def test_hostile_names_stay_text(tmp_path):
    hostile = "</script><script>alert(1)</script>"
    rows = simulated(0, difficulty={hostile: 150.0, "tr": 220.0}, seeds=1)
    from repalign.files import finite
    from repalign.report.scaling import render_scaling

    page = render_scaling(finite(study(rows, "power", draws=3)))
    assert "<script>alert" not in page
