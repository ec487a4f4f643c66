"""Mixtures of the papers: read, weighted, drawn."""

from __future__ import annotations

import pytest
from factories import SEVEN
from flores import FLORES
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
    ("languages", "codes"),
    [("en-pt-BR", ("en", "pt-BR")), ("pt-BR-en", ("pt-BR", "en")), ("en-es_419", ("en", "es_419")), ("pt_BR", ("pt_BR",)),
     ("zh-Hans-CN", ("zh-Hans-CN",)), ("en-zh-Hans-CN", ("en", "zh-Hans-CN")), ("es-419-pt-BR", ("es-419", "pt-BR")),
     ("eng_Latn-zho_Hans", ("eng_Latn", "zho_Hans")), ("en-de", ("en", "de")), ("en-DE", ("en-DE",)), ("en-tr", ("en", "tr")),
     ("{pt-br}", ("pt-br",)), ("{pt-br}-{zh-cn}", ("pt-br", "zh-cn")), ("zh", ("zh",)), ("xx", ("xx",)), ("EN-ZH", ("EN", "ZH"))],
)  # fmt: skip
def test_codes_of_several_parts_are_read_as_their_capitals_have_it(languages, codes):
    (term,) = parse_mixture(f"0.5*translation_{languages}[0:9]", ())
    assert term.languages == codes


@pytest.mark.parametrize("code", [code for code in FLORES if code.split("_")[1] != "Latn"])
def test_codes_of_flores_are_read_in_pairs(code):
    hyphened = code.replace("_", "-")
    assert parse_mixture(f"t_eng_Latn-{code}", ())[0].languages == ("eng_Latn", code)
    assert parse_mixture(f"t_{hyphened}-eng-Latn", ())[0].languages == (hyphened, "eng-Latn")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("a_en-pt-br", r"not understood.*braces, e.g. translation_en-\{zh-cn\}"), ("a_en-", "not understood"),
     ("a_-en", "not understood"), ("a_{en", "not understood"),
     ("alpaca", "not understood"), ("", "not understood"), ("a_en+", "not understood"),
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


def test_drawing_counts_what_is_dropped_as_often_as_it_was_drawn():
    source = Items(10, lambda index: Item("", "", str(index) if index else "\u200b"))
    part = draw(Term("a", ("en",), 2.0), source, 20, 0, lambda item: "small" if item.output <= "4" else None)
    assert {item.output for item in part} == set("56789")
    assert (part.read, len(part.items), part.dropped.counts) == (20, 10, {"small": 8, "empty": 2})
    assert part.dropped.examples == {"small": "item 2: '1'", "empty": r"item 1: '\u200b'"}
    assert (
        part.losses
        == r"2*a_en loses 10 of 20 items: 8 small (e.g. item 2: '1'), 2 empty (e.g. item 1: '\u200b')"
    )


def test_what_is_drawn_is_of_the_slice_and_of_the_seed():
    source = Items(100, lambda index: Item("", "", str(index)))
    terms = [Term("a", ("en",), 0.5, 60, 90), Term("a", ("zh",), 0.5, 60, 90)]
    drawn = [[int(item.output) for item in draw(term, source, 15, seed)] for term in terms for seed in (0, 1)]
    assert all(len(set(chosen)) == 15 and set(chosen) <= set(range(60, 90)) for chosen in drawn)
    assert len(set(map(tuple, drawn))) == 4
