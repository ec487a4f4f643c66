"""Questions and sentences in clusters: intervals and p-values keep their rates, by simulation."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
from evaluation.factories import SIZE, about
from scipy import stats

from repalign.evaluation.alignment import _correlation
from repalign.evaluation.consistency import consistency
from repalign.evaluation.items import Item
from repalign.evaluation.scorers import mean
from repalign.evaluation.scores import score_table
from repalign.statistics import shuffled_p, spearman


def clustered(rng: np.random.Generator, icc: float, share: float, paragraphs: int) -> np.ndarray:
    """Whether answers are right, whose probability differs between paragraphs: 0 or 1 [paragraph * SIZE]."""
    chances = (
        rng.beta(share * (1 - icc) / icc, (1 - share) * (1 - icc) / icc, size=paragraphs)
        if icc
        else np.full(paragraphs, share)
    )
    return (rng.random((paragraphs, SIZE)) < chances[:, None]).ravel().astype(float)


def graded(rng: np.random.Generator, right: np.ndarray) -> np.ndarray:
    """F1 of answers, which is high if they are right: mean .8 if right, else .1."""
    wrong = rng.beta(2, 3, size=len(right)) * (rng.random(len(right)) < 0.25)
    return np.where(right > 0, rng.beta(4, 1, size=len(right)), wrong)


def simulated(
    scorer: str, n: int, icc: float, trials: int, share: float = 0.4, known: bool = True
) -> dict[str, float]:
    """How often intervals of two systems, and of no difference between them, hold the truth, and p is below .05."""
    items = about(n // SIZE)
    if not known:
        items = {"en": [Item(one.id, "en", "?", "", one.references) for one in items["en"]]}
    truth = 100 * (share if scorer == "exact" else 0.8 * share + 0.1 * (1 - share))
    rows = []
    for trial in range(trials):
        rng = np.random.default_rng([n, int(100 * icc), trial])
        found = {}
        for name in ("one", "two"):
            right = clustered(rng, icc, share, n // SIZE)
            found[name] = {scorer: {"en": mean(right if scorer == "exact" else graded(rng, right), "")}}
        rows.append(score_table(found, items, draws=400, seed=trial))
    table = pd.concat(rows)
    single, change = table[table["baseline"].isna()], table[table["baseline"].notna()]
    return {
        "covers": float(((single["low"] <= truth) & (truth <= single["high"])).mean()),
        "difference covers": float(((change["low"] <= 0) & (change["high"] >= 0)).mean()),
        "false": float((change["p"] < 0.05).mean()),
    }


@pytest.mark.parametrize("scorer", ["exact", "f1"])
def test_intervals_hold_the_truth_where_paragraphs_differ(scorer):
    rates = simulated(scorer, 100, 0.4, trials=60)
    assert rates["covers"] > 0.88
    assert rates["difference covers"] > 0.85
    assert rates["false"] < 0.15
    naive = simulated(scorer, 100, 0.4, trials=30, known=False)
    assert naive["covers"] < 0.88, "so alike are questions of a paragraph that they cannot be ignored"


@pytest.mark.heavy
@pytest.mark.parametrize(("scorer", "n", "icc"), product(["exact", "f1"], [100, 500], [0, 0.1, 0.4]))
def test_intervals_and_tests_of_evaluations_keep_their_rates(scorer, n, icc):
    rates = simulated(scorer, n, icc, trials=1000)
    assert 0.92 < rates["covers"] < 0.98, rates
    assert 0.92 < rates["difference covers"] < 0.98, rates
    least = 0.03 if scorer == "f1" else 0.015  # an exact test rejects a little less often
    assert least < rates["false"] < 0.07, rates


def agreement(rng: np.random.Generator, paragraphs: int, icc: float) -> float:
    """p of the same choices in two languages, whose preferences differ between paragraphs, independently."""
    items = {
        language: [
            Item(str(row), language, "?", "", ("A",), choices=("A", "B"), document=f"{row // SIZE}")
            for row in range(paragraphs * SIZE)
        ]
        for language in ("en", "de")
    }
    said = {
        language: np.where(clustered(rng, icc, 0.5, paragraphs) > 0, "A", "B").tolist() for language in items
    }
    return float(consistency(items, said, draws=5)["p"].iloc[0])


@pytest.mark.parametrize("icc", [0, 0.4])
def test_answers_that_are_alike_within_paragraphs_are_no_agreement_between_languages(icc):
    p = np.array([agreement(np.random.default_rng([7, trial]), 30, icc) for trial in range(150)])
    assert (p < 0.05).mean() < 0.1
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_shuffles_within_clusters_are_all_orders_that_keep_them():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 7))
    within = np.array([0, 1, 0, 1, 1, 0, 2])
    orders = []
    for first, second in product(permutations([0, 2, 5]), permutations([1, 3, 4])):
        order = np.arange(7)
        order[[0, 2, 5]], order[[1, 3, 4]] = first, second
        orders.append(order)
    exact = spearman(a[None], b[orders])
    value = float(spearman(a[None], b[None])[0])
    expected = (np.abs(exact - exact.mean()) >= abs(value - exact.mean()) - 1e-9).mean()
    found = shuffled_p(a, b, value, 4000, seed=0, exact=7, within=within)
    assert found == pytest.approx(expected, abs=0.03)


def test_a_correlation_that_documents_alone_make_is_not_one_of_sentences():
    clusters = np.repeat(np.arange(12), 6)
    p, naive, covered = [], [], []
    for trial in range(30):
        rng = np.random.default_rng([11, trial])
        effects = rng.normal(size=(2, 12))[:, clusters]
        a, b = effects + 0.5 * rng.normal(size=(2, 72))
        row = _correlation(a, b, 100, trial, clusters)
        p.append(row["p"])
        covered.append(row["low"] <= 0 <= row["high"])
        naive.append(_correlation(a, b, 100, trial)["p"])
    assert np.mean(np.array(naive) < 0.05) > 0.3, "the documents of both differ, independently"
    assert np.mean(np.array(p) < 0.05) < 0.14
    assert np.mean(covered) > 0.75


def test_too_few_documents_are_not_resampled():
    a, b = np.random.default_rng(0).normal(size=(2, 40))
    row = _correlation(a, b, 50, 0, np.arange(40) % 3)
    assert row["note"].startswith("3 are too few")
    assert np.isnan([row["low"], row["p"]]).all()
