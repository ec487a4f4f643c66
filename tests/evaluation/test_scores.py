"""The table of scores: intervals, paired differences, p-values."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation.factories import asked
from scipy import stats

from repalign.evaluation.items import Item
from repalign.evaluation.scorers import SCORERS
from repalign.evaluation.scores import measure, score_table


def two_systems(languages=("en", "zh"), n=60):
    """A system that is right on the first half, and one that is right on the first three quarters."""
    items = {lang: asked(lang, [f"w{row}" for row in range(n)]) for lang in languages}
    found = {}
    for name, upto in (("one", n // 2), ("two", n * 3 // 4)):
        answers = {lang: [f"w{row}" if row < upto else "no" for row in range(n)] for lang in languages}
        found[name] = {"exact": measure("exact", items, answers)}
    return found, items


def test_table_of_scores_and_paired_differences():
    found, items = two_systems()
    table = score_table(found, items, draws=500)
    own = table[table["baseline"].isna()].set_index(["checkpoint", "language"])
    assert own.loc[("one", "en"), "value"] == 50
    assert own.loc[("one", "en"), "low"] == pytest.approx(37.7, abs=0.1)  # Wilson, 30 of 60
    assert own.loc[("one", "en"), "high"] == pytest.approx(62.3, abs=0.1)
    change = table[table["baseline"].notna()]
    assert set(change["value"]) == {25}
    assert (change["low"] > 10).all()
    assert (change["high"] < 40).all()
    assert (change["p_adjusted"] < 0.01).all()
    # both languages fail on the same questions: their mean is no surer than either
    mean, single = (change[change["language"].isna() == which].iloc[0] for which in (True, False))
    # within 10%: draws that are zero but for rounding fall on either side, and move the percentiles
    assert mean["high"] - mean["low"] == pytest.approx(single["high"] - single["low"], rel=0.1)


def right_on(items: dict[str, list[Item]], rows: range) -> dict:
    """Exact match of answers that are right on those rows alone."""
    return {"exact": measure("exact", items, {
        lang: [item.references[0] if row in rows else "no" for row, item in enumerate(own)]
        for lang, own in items.items()
    })}  # fmt: skip


@pytest.mark.parametrize("rows", [range(50), range(80, 100)])
def test_differences_are_paired_question_by_question(rows):
    items = {"en": asked("en", [f"w{row}" for row in range(100)])}
    one, two = right_on(items, range(40)), right_on(items, rows)
    change = score_table({"one": one, "two": two}, items, draws=2000).dropna(subset="baseline").iloc[0]
    moved = two["exact"]["en"].per_item - one["exact"]["en"].per_item
    half = 1.96 * moved.std(ddof=1) / 10
    assert change["value"] == moved.mean()
    assert (change["high"] - change["low"]) / 2 == pytest.approx(half, rel=0.15)
    exact = stats.binomtest(int((moved > 0).sum()), int((moved != 0).sum()))
    assert change["p"] == pytest.approx(exact.pvalue)


def test_differences_of_partly_right_answers_have_students_t():
    items = {"en": asked("en", [f"a{row} b{row}" for row in range(60)])}
    partly = [f"a{row} b{row}" if row % 4 else f"a{row} x" for row in range(60)]
    found = {
        name: {"f1": measure("f1", items, {"en": answers})}
        for name, answers in (("one", partly), ("two", [*partly[:30], *["x"] * 30]))
    }
    change = score_table(found, items, draws=2000).dropna(subset="baseline").iloc[0]
    one, two = (found[name]["f1"]["en"].per_item for name in ("one", "two"))
    assert change["p"] == pytest.approx(stats.ttest_rel(two, one).pvalue)


@pytest.mark.parametrize(("right", "p"), [(5, 0.0625), (6, 0.03125)])
def test_a_few_questions_that_all_turn_right_are_not_sure(right, p):
    languages = {lang: asked(lang, [f"w{row}" for row in range(right)]) for lang in ("en", "zh")}
    found = {
        name: {"exact": measure("exact", languages, {lang: [answer(row) for row in range(right)] for lang in languages})}
        for name, answer in (("one", "no{}".format), ("two", "w{}".format))
    }  # fmt: skip
    change = score_table(found, languages, draws=100).dropna(subset="baseline")
    assert change["p"].tolist() == [p] * 3
    assert change["p_adjusted"].tolist() == [2 * p, 2 * p, p]
    assert change["high"].tolist() == [100] * 3
    assert (change["low"] < 40).all()


def test_p_is_adjusted_over_languages_and_not_for_their_mean():
    rows = {"en": 15, "tr": 8, "zh": 4}
    items = {lang: asked(lang, [f"w{row}" for row in range(40)]) for lang in rows}
    right = {lang: right_on({lang: items[lang]}, range(n))["exact"][lang] for lang, n in rows.items()}
    found = {"one": right_on(items, range(0)), "two": {"exact": right}}
    table = score_table(found, items, draws=50).dropna(subset="baseline").set_index("language")
    p = table.loc[list(rows), "p"]
    assert p.is_monotonic_increasing
    assert table.loc[list(rows), "p_adjusted"].tolist() == pytest.approx((p * [3, 2, 1]).tolist())
    mean = table[table.index.isna()].iloc[0]
    assert mean["p_adjusted"] == mean["p"]


def test_a_language_with_fewer_questions_is_as_unsure_as_alone():
    items = {"en": asked("en", ["a1 b1"] * 200), "zh": asked("zh", ["a1 b1"] * 40)}
    said = {lang: ["a1 b1", "a1 x", "x", "y"] * (len(own) // 4) for lang, own in items.items()}
    both = score_table({"m": {"f1": measure("f1", items, said)}}, items, draws=4000).set_index("language")
    only = {"zh": items["zh"]}
    alone = score_table({"m": {"f1": measure("f1", only, said)}}, only, draws=4000).iloc[0]
    width = both.loc["zh", "high"] - both.loc["zh", "low"]
    assert width == pytest.approx(alone["high"] - alone["low"], rel=0.15)


def test_intervals_have_a_width_where_all_items_fare_alike():
    items = {"en": asked("en", ["a1"] * 20)}
    found = {name: {"f1": measure("f1", items, {"en": ["no"] * 20})} for name in ("one", "two")}
    table = score_table(found, items, draws=100).set_index("baseline")
    own, change = table[table.index.isna()].iloc[0], table.loc["one"]
    assert own["low"] == 0
    assert own["high"] == pytest.approx(16.1, abs=0.1)
    assert change["low"] == pytest.approx(-16.1, abs=0.1)
    assert change["high"] == pytest.approx(16.1, abs=0.1)
    assert change["p"] == 1


def test_one_partly_right_answer_is_no_surer_than_none():
    items = {"en": asked("en", ["a1 b1 c1"] * 40)}
    highs = []
    for first in ("x", "a1 x"):
        found = {"m": {"f1": measure("f1", items, {"en": [first] + ["x"] * 39})}}
        highs.append(score_table(found, items, draws=200)["high"].iloc[0])
    assert highs[0] < highs[1] < 12


def test_languages_with_other_questions_share_what_they_share():
    items = {"en": asked("en", ["a1", "b1", "c1"]), "zh": asked("zh", ["a1"])}
    found = {"m": {"exact": measure("exact", items, {"en": ["a1", "b1", "x"], "zh": ["a1"]})}}
    table = score_table(found, items, draws=50)
    assert table["value"].round(3).tolist() == [66.667, 100.0, 83.333]
    assert table["items"].tolist() == [3, 1, 3]


@pytest.mark.parametrize("seed", range(3))
def test_intervals_hold_the_truth(seed):
    generator = np.random.default_rng(seed)
    n, held = 80, 0
    for trial in range(60):
        values = generator.beta(0.6, 0.9, n)  # mean .4
        items = {"en": asked("en", ["x"] * n)}
        found = SCORERS["f1"].measure(items["en"], ["y"] * n)
        found.statistics[:, 0] = values
        row = score_table({"m": {"f1": {"en": found}}}, items, draws=200, seed=trial).iloc[0]
        held += row["low"] <= 40 <= row["high"]
    assert held >= 52


def test_intervals_of_translation_scores_stay_within_their_range():
    import repalign.evaluation.translation  # noqa: F401  (registers its scorers)

    pytest.importorskip("sacrebleu")
    references = [f"The dog sees {row} birds in the garden." for row in range(6)]
    items = {"en": asked("en", references)}
    answers = {"en": [references[0], *["x"] * 5]}
    table = score_table({"m": {"chrf": measure("chrf", items, answers)}}, items, draws=500)
    assert 0 <= table["low"].iloc[0] <= table["value"].iloc[0] <= table["high"].iloc[0] <= 100
