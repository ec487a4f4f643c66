"""Win rates of one checkpoint over another."""

from __future__ import annotations

import pytest
from evaluation.factories import asked

from repalign.evaluation.judges import find_judge
from repalign.evaluation.scorers import SCORERS
from repalign.evaluation.wins import win_rates


def test_win_rates_by_score():
    items = {"en": asked("en", ["a1", "b1", "c1", "d1"])}
    first, second = {"en": ["a1", "x", "x", "x"]}, {"en": ["x", "b1", "c1", "y"]}
    row = win_rates(items, first, second, find_judge("exact")).iloc[0]
    assert (row["wins"], row["ties"], row["losses"], row["value"]) == (2, 1, 1, 0.625)
    assert (row["position_biased"], row["first_place"], row["unclear"]) == (0, 0.5, 0)
    back = win_rates(items, second, first, find_judge("exact")).iloc[0]
    assert (back["wins"], back["losses"]) == (1, 2)


def test_ties_say_nothing_about_who_is_better():
    items = {"en": asked("en", [f"w{row}" for row in range(10)])}
    better = {"en": [f"w{row}" for row in range(6)] + ["no"] * 4}
    row = win_rates(items, {"en": ["no"] * 10}, better, find_judge("exact")).iloc[0]
    assert row["p"] == pytest.approx(2 / 2**6)
    assert win_rates(items, better, {"en": ["no"] * 10}, find_judge("exact")).iloc[0]["p"] == row["p"]


@pytest.mark.parametrize("reply", [0, None])
def test_a_win_in_one_order_is_a_win(reply):
    items = {"en": asked("en", ["x"] * 3)}
    row = win_rates(
        items, {"en": ["bad"] * 3}, {"en": ["good"] * 3}, lambda item, a, b: 1 if a == "good" else reply
    ).iloc[0]
    assert (row["wins"], row["losses"], row["position_biased"]) == (3, 0, 0)


def test_a_hair_of_chrf_is_a_tie():
    (item,) = asked("en", ["The dog sleeps in the garden behind the old house. " * 16])
    near, far, judge = item.references[0].replace("old", "odd", 1), "The dog sleeps.", find_judge("chrf")
    scores = SCORERS["chrf"].measure([item] * 2, [item.references[0], near]).per_item
    assert 0 < scores[0] - scores[1] < 1
    assert judge(item, item.references[0], near) == 0
    assert (judge(item, near, far), judge(item, far, near)) == (1, -1)


def test_winning_always_has_an_interval():
    items = {"en": asked("en", [f"w{row}" for row in range(20)])}
    right, wrong = {"en": [f"w{row}" for row in range(20)]}, {"en": ["no"] * 20}
    row = win_rates(items, wrong, right, find_judge("f1")).iloc[0]
    assert (row["value"], row["high"]) == (1, 1)
    assert row["low"] == pytest.approx(0.839, abs=0.001)  # Wilson, 20 of 20


def test_p_is_adjusted_over_languages():
    items = {lang: asked(lang, [f"w{row}" for row in range(10)]) for lang in ("en", "zh")}
    right = {lang: [f"w{row}" for row in range(10)] for lang in items}
    few = {"en": ["no"] * 7 + right["en"][7:], "zh": ["no"] * 6 + right["zh"][6:]}
    table = win_rates(items, few, right, find_judge("exact"))
    assert table["p"].tolist() == pytest.approx([2**-6, 2**-5])
    assert table["p_adjusted"].tolist() == pytest.approx([2**-5, 2**-5])
