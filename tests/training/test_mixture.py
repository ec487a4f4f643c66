"""Mixtures of the papers: read, weighted, drawn."""

from __future__ import annotations

import pytest
from factories import SEVEN
from repalign_training.data.items import Item, Items
from repalign_training.data.mixture import Term, draw, parse_mixture, sizes

from repalign.errors import RepalignError


def test_the_mixture_of_the_papers_code():
    terms = parse_mixture("alpaca_en+alpaca_zh+translation_en-zh[0:100000]", ())
    assert terms == [
        Term("alpaca", ("en",)),
        Term("alpaca", ("zh",)),
        Term("translation", ("en", "zh"), start=0, end=100_000),
    ]


def test_stars_and_braces_stand_for_languages():
    assert len(parse_mixture("0.5 * translation_*-*[10:20]", SEVEN)) == 42
    assert [term.name for term in parse_mixture("translation_en-{ar,zh}", ())] == [
        "translation_en-ar",
        "translation_en-zh",
    ]
    assert parse_mixture("a_en-*", SEVEN)[0].languages == ("en", "ar")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("alpaca", "not understood"), ("", "not understood"), ("a_en+", "not understood"),
     ("a_[5:5]", "understood"),("a_en[5:5]", "empty"), ("a_en+a_en", "twice"),
     ("a_*", "lists no languages"), ("a_en-zh-vi", "not understood"), ("0*a_en", "weight .* is 0")],
)  # fmt: skip
def test_a_mixture_that_cannot_be_read(text, complaint):
    with pytest.raises(RepalignError, match=complaint):
        parse_mixture(text, ())


def test_weights_and_temperature():
    terms = parse_mixture("a_en + 0.5*a_zh[0:100] + 2*a_hi", ())
    assert sizes(terms, [1000, 400, 30], 1.0) == [1000, 50, 60]
    assert sizes([Term("a", ("en",)), Term("a", ("zh",))], [100, 400], 2.0) == [167, 333]  # as 10 to 20
    with pytest.raises(RepalignError, match=r"at least 0.1"):
        sizes(terms, [1000, 400, 30], 1e-3)
    even = sizes(terms, [1000, 400, 30], 1e9)
    assert max(even) - min(even) <= 1
    assert sum(even) == pytest.approx(1110, abs=2)
    with pytest.raises(RepalignError, match="past the end: its source has 99 items"):
        sizes(terms, [1000, 99, 30], 1.0)


def test_drawing_repeats_whole_slices_before_it_chooses():
    source = Items(10, lambda index: Item("", "", str(index)))
    drawn = [item.output for item in draw(Term("a", ("en",), 2.5, 2, 6), source, 10, 0)]
    assert sorted(drawn[:8]) == sorted("2345" * 2)
    assert len(set(drawn[8:])) == 2
    assert draw(Term("a", ("en",)), source, 4, 1) == draw(Term("a", ("en",)), source, 4, 1)
    assert {
        item.output for item in draw(Term("a", ("en",)), source, 10, 0, lambda item: item.output > "4")
    } == set("56789")


def test_what_is_drawn_is_of_the_slice_and_of_the_seed():
    source = Items(100, lambda index: Item("", "", str(index)))
    terms = [Term("a", ("en",), 0.5, 60, 90), Term("a", ("zh",), 0.5, 60, 90)]
    drawn = [[int(item.output) for item in draw(term, source, 15, seed)] for term in terms for seed in (0, 1)]
    assert all(len(set(chosen)) == 15 and set(chosen) <= set(range(60, 90)) for chosen in drawn)
    assert len(set(map(tuple, drawn))) == 4
