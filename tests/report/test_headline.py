"""The headline: the answer in one sentence, by the rules of the findings."""

from __future__ import annotations

import numpy as np
import pytest
from report.factories import NAMES, NO, bags, change, controls, peak, results, rows

from repalign.figures.view import View
from repalign.report.findings import Finding, Verdicts, findings, headline

CLOSER = {"baseline": "base", "chance": np.nan}


def head(*parts, metric: str = "mexa", variant: str = "centred", **options) -> Finding:
    return headline(Verdicts(View(results(*parts, labels=NAMES, **options))), metric, variant)


def kinds(said: Finding) -> list[str]:
    return [claim.kind for claim in said.claims]


def test_it_leads_with_the_peak_its_size_chance_and_the_control():
    said = head(rows(), peak(), rows("ar"), peak("ar", 0.4, "1-2"), tables=bags("zh", "ar"))
    assert said.text == (
        "Alignment with English peaks at layers 1 and 2 (MEXA 0.29 to 0.40; chance 0.010); "
        "both languages exceed chance and the shared-token control."
    )
    assert kinds(said) == ["aligned", "passes", "best layers"]


@pytest.mark.parametrize(
    ("others", "text", "claims"),
    [
        (["el"], "no evidence for Greek", ["no evidence"]),
        (["el", "tr", "vi", "hi"], "no evidence for the other 4 languages", ["no evidence"]),
    ],
)
def test_languages_that_are_not_found_are_said(others, text, claims):
    parts = [one for name in others for one in (rows(name, p=NO), peak(name, p=0.4))]
    said = head(rows(), peak(), *parts, tables=bags("zh", *others))
    assert f"Chinese exceeds chance and the shared-token control; {text}." in said.text
    assert kinds(said)[3:] == claims


def test_if_reasons_differ_no_more_is_said_than_that_they_are_not_shown_to_align():
    weak = rows("el", p=(1, 0.01, 1)), peak("el")
    said = head(rows(), peak(), *weak, rows("ar", p=NO), peak("ar", p=0.4), tables=bags("zh", "el", "ar"))
    assert said.text.endswith("; no other language is shown to align.")
    assert {"too weak", "no evidence"} <= set(kinds(said))


@pytest.mark.parametrize(
    ("scores", "best", "tables", "text", "claimed"),
    [
        (rows(), peak(), bags(value=0.28),
         "No evidence of alignment with English by MEXA: Chinese exceeds chance, but not shared tokens.",
         {"above chance", "not beyond"}),
        (rows(), peak(), {},
         "Similarity to English peaks at layer 1 (MEXA 0.29 [0.25, 0.33]; chance 0.010); "
         "Chinese exceeds chance (shared tokens were not controlled for).",
         {"above chance", "best layers"}),
        (rows(p=(1, 0.002, 1)), peak(), bags(),
         "Weak evidence of alignment with English for Chinese by MEXA (adjusted p\u00a0=\u00a00.002).",
         {"too weak"}),
        (rows(p=NO), peak(p=0.3), bags(),
         "No evidence of alignment with English for Chinese by MEXA (smallest adjusted p\u00a0=\u00a00.30).",
         {"no evidence"}),
        (rows(), peak(layers="0-2", over=(0, 0)), bags(),
         "Alignment with English has no layer that stands out (MEXA 0.29 [0.25, 0.33]; chance 0.010); "
         "Chinese exceeds chance and the shared-token control.",
         {"aligned", "passes"}),
    ],
)  # fmt: skip
def test_it_claims_no_more_than_the_verdict(scores, best, tables, text, claimed):
    said = head(scores, best, tables=tables)
    assert said.text == text
    assert set(kinds(said)) == claimed


def test_controls_that_differ_by_language_are_not_named():
    failed = controls(rows(values=(0.28,) * 3), rows("ar", values=(0.1,) * 3))["controls"]
    length = controls(rows("ar", p=NO), control="length-partialled")["controls"]
    table = {"controls": failed.merge(length, how="outer")}
    said = head(rows(), peak(), rows("ar"), peak("ar"), tables=table)
    assert "both languages exceed chance, but not every control." in said.text


def test_the_variant_is_named_unless_it_is_the_one_shown_first():
    parts = rows(), peak(), rows(variant="raw"), peak(variant="raw")
    assert "(raw MEXA 0.29" in head(*parts, variant="raw").text
    assert "(MEXA 0.29" in head(*parts, tables=bags()).text


@pytest.mark.parametrize(
    ("others", "text"),
    [
        (["cka"], "CKA does not agree."),
        (["cka", "anc"], "CKA and ANC do not agree."),
        (["cka", "anc", "p_at_1", "rsa"], "4 other metrics do not agree."),
    ],
)
def test_metrics_that_find_something_else_are_counted_or_named(others, text):
    said = head(rows(), peak(), *(rows(metric=name, p=NO) for name in others), tables=bags())
    assert said.text.endswith(f". {text}")
    agreed = head(rows(), peak(), *(rows(metric=name) for name in others), tables=bags())
    assert "agree" not in agreed.text


def test_a_comparison_leads_with_what_changed():
    said = head(
        rows(), rows("ar"), change(p=(1e-4,) * 3, values=(0.1, 0.2, 0.1)), change("ar", p=NO),
        peak(value=0.19, **CLOSER), peak("ar", 0.01, **CLOSER),
    )  # fmt: skip
    assert said.text == (
        "From base to tuned, Chinese moved closer to English at every layer "
        "(MEXA, largest +0.19 [+0.15, +0.23] at layer 1); no other language changed significantly."
    )
    assert kinds(said) == ["closer", "no evidence"]


def test_languages_that_moved_both_ways_are_said():
    said = head(
        rows(), rows("ar"), change(), change("ar", values=(0, -0.15, 0)),
        peak(value=0.19, **CLOSER), peak("ar", -0.14, **CLOSER),
    )  # fmt: skip
    assert said.text == (
        "From base to tuned, Chinese moved closer to English at layer 1 (MEXA, largest +0.19); "
        "Arabic moved away at layer 1 (largest -0.14)."
    )


def test_layers_that_did_not_change_are_not_said_to():
    p = (1e-4, 1, 1e-4, 1, 1e-4)
    said = head(
        rows(values=(0.1,) * 5, p=(1,) * 5), change(values=(0.2,) * 5, p=p), peak(value=0.19, **CLOSER)
    )
    assert "moved closer to English at 3 of 5 layers (MEXA" in said.text
    assert said.claims[0].layers == (0, 2, 4)


def test_of_several_comparisons_it_is_that_of_the_last_checkpoint_with_the_first():
    first = {"checkpoint": "middle", "baseline": "base"}
    made = [change(**first), change(baseline="base"), change(baseline="middle")]
    assert head(rows(checkpoint="middle"), rows(), *made).text.startswith("From base to tuned, ")


def test_a_series_without_differences_is_answered_for_its_last_checkpoint():
    said = head(rows(checkpoint="base", p=NO), rows(), peak(), tables=bags())
    assert said.text.startswith("tuned: alignment with English peaks at layer 1")


def test_too_few_sentences_are_said_instead():
    said = head(rows(sentences=12), peak(), change(sentences=12))
    assert said.text == "12 sentences are too few for a claim: at least 20 are needed."
    assert kinds(said) == ["too few"]


def test_two_lines_hold_it():
    languages = ("ar", "el", "hi", "tr", "vi", "zh")
    found = [one for name in languages for one in (rows(name), peak(name, layers="0,2"))]
    both = [one for name in languages for one in (change(name), peak(name, 0.2, **CLOSER))]
    for parts in (found, [*found, *both]):
        for metric in ("mexa", "cka"):
            again = [[{**row, "metric": "cka"} for row in part] if isinstance(part, list) else
                     {**part, "metric": "cka"} for part in parts]  # fmt: skip
            assert len(head(*parts, *again, metric=metric, tables=bags(*languages)).text) < 210


@pytest.mark.parametrize(
    ("other", "agrees"),
    [
        (change(metric="cka", p=NO), False),
        (change(metric="cka", values=(0.0, -0.2, 0.0)), False),
        (change(metric="cka", p=(1, 0.01, 1)), True),
        (change(metric="cka", values=(0.0, 0.1, 0.0)), True),
    ],
)
def test_metrics_that_find_another_change_do_not_agree(other, agrees):
    """Without evidence, or the other way; weak evidence takes no side."""
    parts = rows(), rows(metric="cka"), change(), other
    said = head(*parts)
    assert ("CKA does not agree." in said.text) is not agrees
    assert ("CKA does not agree." in head(*parts[:1], change(p=NO), change(metric="cka")).text) is True
    found = findings(View(results(*parts, labels=NAMES)))
    dispute = [one for one in found if "disagree on what changed in" in one.text]
    assert bool(dispute) is not agrees
    if dispute:
        assert dispute[0].question == "sure"
        assert "MEXA: Chinese closer" in dispute[0].evidence
