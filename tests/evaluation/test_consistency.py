"""Consistency of answers over languages."""

from __future__ import annotations

import pytest
from evaluation.factories import asked

from repalign.evaluation.consistency import consistency, matched_references
from repalign.evaluation.items import Item


def test_an_answer_is_matched_references_the_reference_it_matches():
    items = asked("en", ["the red coat", "two birds", "yes", "yes"])
    matched = matched_references(["a red coat", "three birds", "Yes!", "nothing like it"], items)
    assert matched.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]


def test_answers_are_matched_references_references_by_the_rules_of_their_language():
    assert matched_references(["红外套", "狗"], asked("zh", ["红色外套", "两只鸟"])).tolist() == [
        [1, 0],
        [0, 0],
    ]
    assert matched_references(["der Hund"], asked("de", ["ein Hund"])).tolist() == [[1]]


def test_consistency_pairs_the_same_questions_whatever_their_order():
    english = asked("en", [f"word{row}" for row in range(6)])
    chinese = [Item(str(row), "zh", "?", "", (chr(0x4E00 + row),)) for row in (9, 4, 5, 0, 8, 1)]
    taken = {
        "en": (0, 1, 9, 9, 4, 4),
        "zh": (9, 4, 4, 9, 8, 1),
    }  # question whose answer is given, in either order
    answers = {"en": [f"word{row}" for row in taken["en"]], "zh": [chr(0x4E00 + row) for row in taken["zh"]]}
    row = consistency({"en": english, "zh": chinese}, answers, draws=20).iloc[0]
    assert (row["items"], row["value"]) == (4, 3 / 4)  # both 1, both 4, and both 4 to question 5
    assert row["chance"] == 5 / 16
    assert row["calibrated"] == pytest.approx((3 / 4 - 5 / 16) / (1 - 5 / 16))


def test_choices_agree_if_they_are_the_same_choice():
    questions = {
        lang: [Item(str(row), lang, "?", "", ("A",), choices=("A", "B", "C", "D")) for row in range(8)]
        for lang in ("en", "zh")
    }
    row = consistency(questions, {"en": list("AABBCCDD"), "zh": list("ABABCCDD")}, draws=20).iloc[0]
    assert (row["value"], row["chance"], row["items"]) == (6 / 8, 1 / 4, 8)


def test_consistency_against_chance():
    english = [f"word{row}" for row in range(40)]
    chinese = [chr(0x4E00 + row) for row in range(40)]
    items = {"en": asked("en", english), "zh": asked("zh", chinese)}
    shifted = {"en": english[1:] + english[:1], "zh": chinese[1:] + chinese[:1]}  # the same wrong answers
    row = consistency(items, shifted, draws=200).iloc[0]
    assert (row["value"], row["chance"]) == (1, 1 / 40)
    assert row["calibrated"] == 1
    assert row["p"] == pytest.approx(1 / 201)
    stuck = {"en": english[:1] * 40, "zh": chinese[:1] * 40}  # one answer to everything says nothing
    row = consistency(items, stuck, draws=200).iloc[0]
    assert (row["value"], row["chance"], row["p"]) == (1, 1, 1)
    unlike = {"en": english, "zh": chinese[1:] + chinese[:1]}
    row = consistency(items, unlike, draws=200).iloc[0]
    assert row["value"] == 0
    assert row["p"] == 1
