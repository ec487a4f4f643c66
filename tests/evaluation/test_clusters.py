"""Questions about one paragraph are resampled together: which they are, and that intervals and p-values then hold."""

from __future__ import annotations

import json
from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
from evaluation.factories import asked, belebele_rows, json_lines
from parallel_text import SHARED
from scipy import stats

from repalign.corpora import ParallelCorpus
from repalign.evaluation.alignment import _correlation
from repalign.evaluation.clusters import Clusters
from repalign.evaluation.consistency import consistency
from repalign.evaluation.items import Item, by_language
from repalign.evaluation.judges import find_judge
from repalign.evaluation.run import evaluate
from repalign.evaluation.scorers import mean
from repalign.evaluation.scores import measure, score_table
from repalign.evaluation.tasks import TASKS, Request, translation_items
from repalign.evaluation.wins import win_rates
from repalign.report.evaluation import render_evaluation
from repalign.report.evaluation_text import print_tables
from repalign.statistics import shuffled_p, spearman

SIZE = 5
"""Questions of a paragraph, as in XQuAD."""


def about(paragraphs: int, languages=("en",), size: int = SIZE) -> dict[str, list[Item]]:
    """Questions that ask for a word of their own, so many about each paragraph."""
    return {
        language: [
            Item(f"{row}.{part}", language, "?", "", (f"w{row}",), document=f"{language} paragraph {row}")
            for row in range(paragraphs)
            for part in range(size)
        ]
        for language in languages
    }


def alone(paragraphs: int, languages=("en",)) -> dict[str, list[Item]]:
    """One question about each paragraph."""
    return about(paragraphs, languages, size=1)


def answered(items, right) -> dict[str, list[str]]:
    """Right answers about the paragraphs that `right` names, by number."""
    return {
        language: [one.references[0] if int(one.id.split(".")[0]) in right else "no" for one in own]
        for language, own in items.items()
    }


def test_questions_belong_together_if_they_do_in_any_language():
    def item(key, language, document):
        return Item(key, language, "?", "", ("x",), document=document)

    items = {
        "en": [item("1", "en", "a"), item("2", "en", "b"), item("3", "en", "c"), item("5", "en", "")],
        "zh": [item("1", "zh", "甲"), item("2", "zh", "甲"), item("4", "zh", "a"), item("5", "zh", "")],
    }
    found = Clusters.of(items)
    assert found is not None
    assert (found.count, found.unit) == (4, "paragraph")
    assert found.numbers(["1", "3", "2"]).tolist() == [0, 1, 0]
    assert found.numbers(["1", "3", "5"]) is None, "no two of these belong together"
    assert Clusters.of({"en": items["en"]}) is None
    assert Clusters.of({"en": asked("en", ["x"] * 4)}) is None


def squad(contexts: dict[str, int]) -> dict[str, object]:
    """SQuAD's JSON: so many questions about each context."""
    return {
        "data": [
            {
                "paragraphs": [
                    {"context": text, "qas": [
                        {"id": f"{text}{n}", "question": "Who?", "answers": [{"text": "dog", "answer_start": 0}]}
                        for n in range(count)
                    ]}
                    for text, count in contexts.items()
                ]
            }
        ]
    }  # fmt: skip


@pytest.fixture
def paragraphs(tmp_path):
    """A folder of three paragraphs with six questions in two languages."""
    for code in ("en", "zh"):
        (tmp_path / f"xquad.{code}.json").write_text(
            json.dumps(squad({"a": 3, "b": 2, "c": 1})), encoding="utf-8"
        )
    return tmp_path


def test_every_task_knows_which_items_belong_together(paragraphs, tmp_path):
    corpus = ParallelCorpus({"en": list("abcd"), "de": list("efgh")}, documents=[1, 1, 1, 2])
    json_lines(tmp_path / "belebele" / "eng_Latn.jsonl", belebele_rows("eng_Latn"))
    for items, expected in (
        (TASKS["xquad"].read(Request(str(paragraphs))), {"paragraph": 3}),
        (TASKS["belebele"].read(Request(str(tmp_path / "belebele"))), {"paragraph": 3}),
        (translation_items(corpus, Request()), {"document": 2}),
        (TASKS["phrasebook"].read(Request(limit=5)), {"sentence": 5}),
    ):
        found = Clusters.of(by_language(items))
        assert found is not None
        assert {found.unit: found.count} == expected
    unknown = translation_items(corpus.with_clusters("none"), Request())
    assert Clusters.of(by_language(unknown)) is None


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not beside the checkout")
def test_xquad_has_240_paragraphs_in_every_language():
    found = Clusters.of(by_language(TASKS["xquad"].read(Request(str(SHARED / "xquad"), ["en", "zh", "de"]))))
    assert found is not None
    assert (found.count, len(found.cluster_of)) == (240, 1190)


def test_five_questions_that_always_fare_alike_are_worth_one():
    tables = []
    for items in (about(40), alone(40)):
        found = {
            name: {"exact": measure("exact", items, answered(items, right))}
            for name, right in (("one", range(12)), ("two", range(6, 25)))
        }
        tables.append(score_table(found, items, draws=4000))
    many, few = tables
    assert many["items"].tolist() == [200] * 3
    single = few["baseline"].isna()
    for end in ("low", "high"):  # Wilson's intervals of 40, but for a ratio of Student's quantiles
        assert many[end][single].to_numpy() == pytest.approx(few[end][single].to_numpy(), abs=1)
    widths = [(table["high"] - table["low"]).to_numpy() for table in tables]
    assert (widths[0][:2] > widths[1][:2]).all()
    assert widths[0][2] == pytest.approx(widths[1][2], rel=0.1), "draws of 0 are rounded to either side"
    assert many["p"].iloc[-1] == pytest.approx(few["p"].iloc[-1])


def test_where_no_answer_is_right_the_paragraphs_count_and_not_their_questions():
    ends = []
    for items in (about(40), alone(40)):
        found = {name: {"exact": measure("exact", items, answered(items, ()))} for name in ("one", "two")}
        table = score_table(found, items, draws=50)
        ends.append(table[["low", "high"]].to_numpy())
        assert table["p"].iloc[-1] == 1
    assert ends[0] == pytest.approx(ends[1])


def test_nothing_is_inferred_from_one_paragraph():
    items = about(1)
    found = {
        name: {"exact": measure("exact", items, {"en": [right] * 3 + ["no"] * 2})}
        for name, right in (("one", "w0"), ("two", "x"))
    }
    table = score_table(found, items, draws=50)
    assert table["p"].iloc[-1] == 1
    assert table["high"].iloc[0] - table["low"].iloc[0] > 75
    wins = win_rates(items, {"en": ["no"] * 5}, {"en": ["w0"] * 3 + ["no"] * 2}, find_judge("exact"))
    assert wins["p"].iloc[0] == 1
    assert wins["high"].iloc[0] - wins["low"].iloc[0] > 0.75


def test_winning_about_one_paragraph_five_times_is_winning_once():
    many, few = (
        win_rates(items, answered(items, range(6)), answered(items, range(4, 16)), find_judge("exact")).iloc[
            0
        ]
        for items in (about(30), alone(30))
    )
    assert many["wins"] == 5 * few["wins"] == 50
    assert many["p"] == few["p"] == pytest.approx(stats.binomtest(10, 14).pvalue)
    for end in ("low", "high"):
        assert many[end] == pytest.approx(few[end], abs=0.03)
    assert many["high"] - many["low"] > few["high"] - few["low"]


def test_agreeing_about_one_paragraph_five_times_is_agreeing_once():
    languages = ("en", "de")
    many, few = (
        consistency(
            items,
            {"en": answered(items, range(15))["en"], "de": answered(items, range(9, 22))["de"]},
            draws=200,
        ).iloc[0]
        for items in (about(30, languages), alone(30, languages))
    )
    assert many["value"] == few["value"]
    assert many["chance"] == pytest.approx(few["chance"])
    for end in ("low", "high"):
        assert many[end] == pytest.approx(few[end], abs=0.02)
    assert 0.2 < many["p"] / few["p"] < 5


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
    assert 0.03 < rates["false"] < 0.07, rates


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


def test_the_page_and_the_text_say_what_was_resampled(llama, paragraphs, capsys):
    options = {"new_tokens": 2, "draws": 20, "template": "raw", "dtype": "float32", "progress": False}
    found = evaluate(str(llama), "xquad", data=paragraphs, store=False, **options)
    assert found.settings["clusters"] == {"paragraph": 3}
    print_tables(found)
    assert "resampled by paragraph (3)" in capsys.readouterr().out
    assert "resampled by paragraph (3)" in render_evaluation(found)
    single = evaluate(str(llama), "xquad", items=asked("en", ["x", "y"]), store=False, **options)
    print_tables(single)
    assert "resampled" not in capsys.readouterr().out
    assert "resampled by" not in render_evaluation(single)
