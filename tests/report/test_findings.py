"""Findings are never stronger than their tests."""

from __future__ import annotations

import re

import numpy as np
import pytest
from report.factories import NO, SURE, bags, change, claimed, controls, peak, rows, said, words

from repalign.report.findings.words import rounded
from repalign.results.profile import COLUMNS


def test_the_sentence_says_where_alignment_rises_peaks_and_falls():
    (where,) = said(rows(), peak(), tables=bags(), labels={"mexa": "MEXA"})["where"]
    assert where.text == (
        "tuned: Chinese is aligned with English (MEXA, centred, on everyday). Alignment rises from layer 0, "
        "is highest in layer 1 (0.29 [0.25, 0.33]; chance 0.010) and falls again by the last layer, 2."
    )
    (zh,) = where.details
    assert (zh.name, zh.score, zh.layers, zh.verdict) == ("Chinese (zh)", "0.29 [0.25, 0.33]", "1", "aligned")
    assert zh.evidence.endswith("MEXA, centred, on everyday")
    assert where.choice == {"metric": "mexa", "variant": "centred", "layer": 1}
    assert [claim.kind for claim in where.claims] == ["aligned", "best layers", "rises", "falls"]
    assert where.claims[1].layers == (1,)


def test_a_language_is_found_where_it_is_significant_and_nowhere_else():
    found = said(rows(), peak(), rows("ar", p=NO), peak("ar", p=0.4), tables=bags("zh", "ar"))
    assert "Chinese is aligned with English" in words(found["where"])
    assert "no evidence of alignment with English for Arabic" in words(found["where"])
    assert found["where"][0].details[1].verdict == "no evidence"


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ({"p": (1, 0.002, 1)}, {}),
        ({}, {"p": 0.06}),
        ({}, {"p": 0.002}),
        ({}, {"low": 0.005}),
        ({"p": (1, 0.049, 1)}, {"p": 0.04}),
    ],
)
def test_significant_but_not_enough_for_a_sentence_is_called_too_weak(scores, best):
    """p of a layer between .001 and .05, or a best layer that, chosen on other sentences, is not above chance."""
    found = said(rows(**scores), peak(**best), tables=bags())
    assert not claimed(found, "aligned")
    assert not claimed(found, "above chance")
    text = "no evidence of alignment" if best.get("p") == 0.06 else "too weak for Chinese"
    assert text in words(found["where"])


def test_nothing_above_chance_says_so():
    found = said(rows(p=NO), peak(p=0.2), rows("ar", p=NO), peak("ar", p=1))
    assert words(found["where"]) == (
        "tuned: no evidence of alignment with English in any of 2 languages (mexa, centred, on everyday)."
    )
    assert "the smallest is p\u00a0=\u00a00.30" in found["where"][0].evidence


def test_significantly_worse_than_chance_is_no_alignment():
    found = said(rows(values=(0.0, 0.005, 0.0), p=(1e-4,) * 3), peak(value=0.005))
    assert "no evidence of alignment with English for Chinese" in words(found["where"])


@pytest.mark.parametrize(
    ("over", "rises", "falls"),
    [((0.3, 0.3), 1, 1), ((0.3, 0.05), 1, 0), ((0.05, 0.3), 0, 1), ((0.05, 0.05), 0, 0), ((0.0, 0.0), 0, 0)],
)
def test_a_rise_or_fall_needs_more_than_an_interval_of_95_percent(over, rises, falls):
    """0.05 with an interval from 0.01 is above zero at 95%: by chance in one language of forty."""
    found = said(rows(), peak(over=over), tables=bags())
    assert (len(claimed(found, "rises")), len(claimed(found, "falls"))) == (rises, falls)
    assert ("rises from layer 0" in words(found["where"])) is bool(rises)
    assert ("falls again by the last layer, 2" in words(found["where"])) is bool(falls)


def test_the_rounding_of_a_sum_is_no_rise():
    """Where the best layer is the first one, the difference from the first is 0 but for rounding, without an interval."""
    rounding = {f"over_first{side}": 1e-16 for side in ("", "_low", "_high")}
    assert not claimed(said(rows(), peak(**rounding), tables=bags()), "rises")


def test_a_flat_profile_has_no_best_layer():
    found = said(rows(), peak(layers="0-2", over=(0, 0)), tables=bags())
    assert "Alignment has no layer that stands out (0.29 [0.25, 0.33]; chance 0.010)." in words(
        found["where"]
    )
    assert found["where"][0].details[0].layers == "any"
    assert not claimed(found, "best layers")


def test_languages_that_peak_at_different_layers_have_the_union_of_their_layers():
    found = said(
        rows(), peak(layers="0-1"), rows("ar"), peak("ar", 0.4, "1", (0, 0)), tables=bags("zh", "ar")
    )
    text = "rises from layer 0 (in 1 of 2 languages), is highest in layers 0 and 1 (0.29 to 0.40; chance 0.010) and falls"
    assert text in words(found["where"])
    found = said(rows(), peak(layers="0"), rows("ar"), peak("ar", layers="1-2"), tables=bags("zh", "ar"))
    assert "is highest at layers that differ by language" in words(found["where"])


def test_results_of_an_earlier_version_name_no_best_layer():
    found = said(rows(), tables=bags())
    assert words(found["where"]) == "tuned: Chinese is aligned with English (mexa, centred, on everyday)."
    (zh,) = found["where"][0].details
    assert (zh.score, zh.layers, zh.verdict) == ("", "1", "aligned")
    assert "cross-fitted" not in words(found["sure"])


def test_lower_is_nearer_for_a_distance():
    distance = {"metric": "procrustes", "chance": 1.0}
    best = peak(value=0.4, over=(-0.59, -0.5), **distance)
    less = change(values=(0.0, -0.2, 0.0), metric="procrustes")
    down = peak(value=-0.2, baseline="base", metric="procrustes", chance=np.nan)
    bag = controls(rows(values=(0.9,) * 3, **distance))
    found = said(
        rows(values=(0.99, 0.4, 0.9), **distance), best, less, down, tables=bag, higher_is_better={"procrustes": False},
    )  # fmt: skip
    assert "Alignment rises from layer 0, is highest in layer 1 (0.40 [0.36, 0.44]" in words(found["where"])
    text = "Chinese moved closer to English at layer 1, most by -0.20 [-0.24, -0.16] in layer 1"
    assert text in words(found["changed"])


@pytest.mark.parametrize(
    ("sentences", "documents", "text"),
    [
        (19, None, "19 sentences are too few for a claim: at least 20 are needed"),
        (240, 9, "9 documents are too few"),
    ],
)
def test_too_few_sentences_are_said_instead_of_a_claim(sentences, documents, text):
    parts = rows(sentences=sentences), peak(), change(sentences=sentences)
    found = said(*parts, documents=documents, tables=bags())
    assert f"tuned: {text}" in words(found["where"])
    assert f"tuned over base: {text}" in words(found["changed"])
    assert {claim.kind for part in found.values() for one in part for claim in one.claims} == {"too few"}


@pytest.mark.parametrize(
    ("tables", "text", "kinds"),
    [
        (bags(value=0.1), "Chinese is aligned with English (mexa", {"aligned"}),
        (bags(value=0.28), "Chinese is above chance, but not above shared tokens: no evidence of alignment (mexa",
         {"above chance", "not beyond"}),
        ({}, "Chinese is above chance; shared tokens were not controlled for (mexa", {"above chance"}),
        (controls(rows(values=(0.28,) * 3), control="same-document"),
         "not above sentences of the same document: no evidence", {"above chance", "not beyond"}),
        (controls(rows(p=NO), control="length-partialled"),
         "not above chance with sentence length regressed out: no evidence", {"above chance", "not beyond"}),
        (controls(rows(p=(1e-4, 1e-4, 0.002)), control="length-partialled"),
         "not above chance with sentence length regressed out", {"above chance", "not beyond"}),
        (controls(rows(p=NO), control="length-matched"), "Chinese is above chance; shared tokens were not", {"above chance"}),
    ],
)  # fmt: skip
def test_controls_decide_the_headline(tables, text, kinds):
    found = said(rows(), peak(layers="0-2", over=(0, 0)), tables=tables)
    assert text in words(found["where"])
    assert {claim.kind for claim in found["where"][0].claims} == kinds


def test_a_control_is_weighed_where_it_is_strongest_among_the_layers_that_may_be_the_best():
    bag = controls(rows(values=(0.1, 0.1, 0.28)))
    assert claimed(said(rows(), peak(layers="0-1"), tables=bag), "aligned")
    assert not claimed(said(rows(), peak(layers="1-2"), tables=bag), "aligned")


def test_languages_that_fail_a_control_are_named():
    table = controls(rows(values=(0.28,) * 3), rows("ar", values=(0.1,) * 3))
    found = said(rows(), rows("ar"), tables=table)
    assert "Controls of what is above chance: 1 of 2 exceeds shared tokens (not Chinese)." in words(
        found["sure"]
    )
    assert [claim.languages for claim in claimed(found, "passes")] == [("ar",)]


def test_above_chance_before_the_first_block_is_a_warning():
    found = said(rows(values=(0.2, 0.3, 0.1), p=(1e-4,) * 3), rows("ar"))
    assert "Above chance already at layer 0, before any block: Chinese." in words(found["sure"])


def test_evidence_follows_the_settings():
    found = said(rows(), correction="bh", confidence=0.9)
    assert "Benjamini-Hochberg-adjusted" in found["where"][0].evidence
    assert "intervals are 90%" in found["sure"][0].evidence


@pytest.mark.parametrize(
    ("documents", "effect", "text"),
    [
        (
            None,
            np.nan,
            "Documents are unknown: intervals and p-values assume that sentences are independent.",
        ),
        (31, np.nan, "31 documents: intervals resample documents, p-values shuffle within them."),
        (31, 1.8, "Variances are 1.8 times those of independent sentences (design effect, median)."),
    ],
)
def test_whether_sentences_are_independent_is_said(documents, effect, text):
    columns = {"design_effect": effect} if "design_effect" in COLUMNS else {}
    if not columns and not np.isnan(effect):
        pytest.skip("profiles have no design effect")
    found = said(rows(**columns), documents=documents)["sure"]
    assert text in " ".join(f"{one.text} {one.evidence}" for one in found)


def test_many_languages_are_counted_not_named():
    every = [rows(f"l{i}", p=SURE if i < 13 else NO) for i in range(20)]
    (where,) = said(*every, *(peak(f"l{i}") for i in range(13)))["where"]
    assert "tuned: 13 of 20 languages are above chance; shared tokens were not controlled for" in where.text
    assert "no evidence of alignment with English for l13" in where.text
    assert where.details == ()


def test_no_sentence_claims_a_number_that_is_not_in_the_table():
    largest = peak(value=0.19, baseline="base", chance=np.nan)
    made = [*rows(), *rows("ar"), *change(), peak(), peak("ar", 0.4), largest]
    found = said(rows(), rows("ar"), change(), peak(), peak("ar", 0.4), largest)
    numbers = {rounded(row[key]).lstrip("+-") for row in made for key in ("value", "low", "high", "chance")}
    every = found["where"] + found["changed"]
    spoken = re.findall(
        r"\d\.\d+\b", " ".join([words(every), *(row.score for one in every for row in one.details)])
    )
    assert len(spoken) > 10
    assert set(spoken) <= numbers
