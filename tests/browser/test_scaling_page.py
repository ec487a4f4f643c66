"""The scaling page in a real browser: its own water-filling against Python's, and its slider."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from repalign.files import finite
from repalign.report.scaling import render_scaling
from repalign.scaling import Law, Runs, allocate, plan
from repalign.scaling.study import law_of, study

pytestmark = pytest.mark.browser
AVAILABLE = {"hi": 900.0}


@pytest.fixture(scope="module")
def found() -> dict:
    difficulty = {"hi": 320.0, "tr": 220.0, "zh": 110.0}
    rows = [(code, size) for code in difficulty for size in (250, 500, 1000, 2000, 4000) for _ in range(2)]
    pairs = np.array([size for _, size in rows], float)
    noise = np.random.default_rng(0).normal(size=len(rows))
    score = 72 - np.array([difficulty[code] for code, _ in rows]) * pairs**-0.45 + 0.5 * noise
    runs = Runs(tuple(code for code, _ in rows), pairs, score, np.zeros(len(rows)))
    return json.loads(json.dumps(finite(study(runs, "power", draws=20))))


@pytest.fixture(scope="module")
def law(found) -> Law:
    return law_of(found)


@pytest.fixture(scope="module")
def page(silent, found, law, tmp_path_factory):
    path = tmp_path_factory.mktemp("scaling") / "scaling.html"
    path.write_text(render_scaling(found, plan(law, 6000, AVAILABLE), AVAILABLE), encoding="utf-8")
    return silent(path)


def shown(page) -> dict[str, float]:
    rows = page.evaluate(
        "() => [...document.querySelectorAll('#rows tr')].map(row => [...row.children].map(c => c.textContent))"
    )
    return {row[0]: float(row[1].replace(",", "")) for row in rows}


def test_the_slider_solves_as_python_does(page, law):
    for budget, objective in ((6000, "mean"), (800, "mean"), (50_000, "min"), (12_345, "min")):
        page.fill("#budget-exact", str(budget))
        page.select_option("#objective", objective)
        expected = law.best(budget, AVAILABLE, objective)
        assert shown(page) == pytest.approx(dict(zip(law.languages, expected, strict=True)), abs=0.51)
    before = shown(page)
    page.locator("#budget").fill("100")
    assert sum(shown(page).values()) < sum(before.values())
    assert "uniform" in page.inner_text("#gain")


def test_water_filling_equals_pythons(page):
    rng, problems, expected = random.Random(0), [], []
    for _ in range(200):
        count = rng.randint(1, 6)
        a = [rng.choice([0.0, 7.0, rng.uniform(1, 300)]) for _ in range(count)]
        b = [0.4] * count if rng.random() < 0.5 else [rng.uniform(0.1, 1.4) for _ in range(count)]
        caps = [rng.choice([None, 0.0, rng.uniform(1, 2000)]) for _ in range(count)]
        budget, objective = rng.uniform(5, 9000), rng.choice(["mean", "min"])
        k = [0.0 if x > 1 or rng.random() < 0.5 else rng.uniform(0, 50) for x in b]
        c = [70.0 if rng.random() < 0.5 else rng.uniform(40, 90) for _ in range(count)]
        problems.append(
            {"a": a, "b": b, "c": c, "k": k, "available": caps, "budget": budget, "objective": objective}
        )
        names = [str(place) for place in range(count)]
        limits = {name: cap for name, cap in zip(names, caps, strict=True) if cap is not None}
        split = allocate(
            dict(zip(names, a, strict=True)),
            exponent=b[0] if len(set(b)) == 1 else dict(zip(names, b, strict=True)),
            budget=budget,
            available=limits,
            objective=objective,
            saturation=dict(zip(names, k, strict=True)),
            ceilings=dict(zip(names, c, strict=True)),
        )
        expected.append(list(split.values()))
    solved = page.evaluate("(problems) => problems.map(waterfill)", problems)
    for problem, here, there in zip(problems, solved, expected, strict=True):
        assert here == pytest.approx(there, rel=1e-6, abs=1e-6), problem


def test_the_page_draws_and_turns_dark(page):
    page.wait_for_function("() => document.getElementById('curves').data")
    names = page.evaluate("() => document.getElementById('curves').data.map(trace => trace.name)")
    assert {"hi", "tr", "zh"} <= set(names)
    page.click("#theme")
    assert page.inner_text("#theme") == "Light"
    assert page.locator("text=profile likelihood").count() >= 1


def test_axe_finds_nothing_serious(page, serious):
    assert serious(page) == []


def test_a_weighted_allocation_is_solved_on_its_page_too(silent, found, law, tmp_path):
    weights = {"hi": 1.0, "tr": 3.0, "zh": 0.0}
    made = plan(law, 2000, AVAILABLE, weights)
    path = tmp_path / "weighted.html"
    path.write_text(render_scaling(found, made, AVAILABLE), encoding="utf-8")
    page = silent(path)
    assert page.input_value("#objective") == "weighted"
    assert shown(page) == pytest.approx(made.splits[0].pairs, abs=0.51)
    said = page.inner_text("#gain")
    assert f"weighted mean score {made.splits[0].value:.1f}" in said
    assert f"uniform split {made.splits[1].value:.1f}" in said


def test_the_gain_is_of_a_tenth_of_the_budget_and_of_pairs_that_exist(page, law):
    page.select_option("#objective", "mean")
    for budget, more in ((480, "20"), (6000, "500"), (90_000, "1,000")):
        page.fill("#budget-exact", str(budget))
        assert page.inner_text("#more") == f"Gain in score from {more} more pairs"
    gains = page.locator("#rows tr td:last-child").all_inner_texts()
    assert gains[law.languages.index("hi")] == "all are used"
    assert all(text.startswith("+") for text in gains[1:])


def test_ticks_are_the_sizes_of_the_runs(page):
    ticks = page.locator("#curves .xtick text").all_text_contents()
    assert ticks == ["250", "500", "1,000", "2,000", "4,000", "16,000"]
