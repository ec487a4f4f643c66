"""Numbers, expectations and planted faults."""

from __future__ import annotations

import numpy as np
import pytest
from parallel_text import made_text

from repalign.errors import RepalignError
from repalign.suspects.expectation import FLAG, expected, flagged, spread_by, standardised
from repalign.suspects.numbers import differ, numbers, unmatched
from repalign.suspects.planting import PLANTED, plant


@pytest.mark.parametrize(
    ("pivot", "other"),
    [
        ("In 2019, 1,234 people", "२०१९ में १२३४ लोग"),
        ("1.2 million", "120万"),
        ("at 8 p.m.", "um 20 Uhr"),
        ("the 1930s", "20 世纪 30 年代"),
        ("4-4", "44"),
        ("three people", "3 Leute"),
        ("no number", "keine"),
        ("٣٫٥ percent", "3.5 %"),
    ],
)
def test_numbers_that_agree(pivot, other):
    assert not differ([pivot], [other])[1].any()


@pytest.mark.parametrize(
    ("pivot", "other"), [("2.25 billion", "25,2 مليار"), ("in 1995", "1985 में"), ("12", "१३")]
)
def test_numbers_that_differ(pivot, other):
    assert differ([pivot], [other])[1].all()


def test_a_number_has_one_partner():
    assert unmatched(["7", "7"], ["7", "9"]) == (["7"], ["9"])
    assert numbers("²") == [], "a power is no digit of a number"


def test_expectations_ignore_faults_and_constants():
    draw = np.random.default_rng(0)
    cause = draw.normal(size=300)
    values = 3 * cause + 0.1 * draw.normal(size=300)
    values[:6] += 50
    fit = expected(values, cause, np.full(300, 2.0))
    assert np.abs(fit[6:] - 3 * cause[6:]).max() < 0.2
    assert (standardised(values - fit)[:6] > 20).all()
    assert standardised(np.ones(5)).tolist() == [0.0] * 5


def test_spread_is_that_of_rows_like_it():
    draw = np.random.default_rng(0)
    cause = np.repeat([1.0, 5.0], 500)
    z = spread_by(draw.normal(size=1000) * cause, cause)
    assert 0.8 < z[:500].std() / z[500:].std() < 1.25


def test_a_flag_says_less_if_it_is_a_habit():
    every = np.ones(1000, dtype=bool)
    few, many = np.arange(1000) < 5, np.arange(1000) < 400
    assert flagged(few, every)[:6].tolist() == [FLAG] * 5 + [0.0]
    assert 0 < flagged(many, every)[0] < FLAG / 1.5
    assert flagged(every, every).max() < 0.5


def test_faults_are_planted_as_often_as_asked_and_never_touch():
    text = made_text(1000)
    changed, faults = plant(text, "en", 0.02, seed=3)
    assert changed["en"] == text["en"]
    for language in set(text) - {"en"}:
        own = [fault for fault in faults if fault.language == language]
        different = [row for row in range(1000) if changed[language][row] != text[language][row]]
        assert sorted(fault.row for fault in own) == different
        assert {kind: sum(f.kind == kind for f in own) for kind in PLANTED} == dict.fromkeys(PLANTED, 4)
        singles = sorted(fault.row for fault in own if fault.kind != "shifted")
        assert min(np.diff(singles)) > 1
    assert plant(text, "en", 0.02, seed=3) == (changed, faults)
    assert plant(text, "en", 0.02, seed=4)[1] != faults


def test_planted_numbers_differ_from_the_pivot():
    text = made_text(500)
    changed, faults = plant(text, "en", 0.02)
    rows = [fault for fault in faults if fault.kind == "number"]
    assert rows
    for fault in rows:
        assert differ([text["en"][fault.row]], [changed[fault.language][fault.row]])[1].all()


def test_what_cannot_be_planted_is_refused():
    with pytest.raises(RepalignError, match="above 0 and below"):
        plant(made_text(100), "en", 0.5)
    with pytest.raises(RepalignError, match="too few to plant"):
        plant(made_text(20), "en", 0.02)
    with pytest.raises(RepalignError, match="kind 'number'"):
        plant(
            {
                "en": [f"word {'a' * n}" for n in range(100)],
                "el": [f"λέξη {'α' * n} β γ" for n in range(100)],
            },
            "en",
            0.1,
        )
