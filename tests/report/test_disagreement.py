"""Findings of several metrics: what they disagree on, and that sentences name theirs."""

from __future__ import annotations

from report.factories import NAMES, NO, bags, change, claimed, controls, peak, results, rows, said, words

from repalign.figures.view import View
from repalign.report.findings import findings


def test_metrics_that_disagree_are_the_first_thing_said_of_how_sure_it_is():
    found = said(
        rows(p=NO), rows("ar", p=NO), rows(metric="cka"), rows("ar", metric="cka"),
        rows(metric="anc", p=NO), rows("ar", metric="anc"), labels=NAMES,
    )  # fmt: skip
    assert found["sure"][0].text == (
        "tuned: the metrics disagree on both languages (centred, on everyday): CKA finds both languages; ANC finds Arabic; "
        "MEXA finds none."
    )
    assert {claim.metric: claim.languages for claim in claimed(found, "disagree")} == {
        "cka": ("zh", "ar"),
        "anc": ("ar",),
    }


def test_only_languages_in_dispute_are_named():
    parts = [rows(), rows(metric="cka"), rows("ar", p=NO), rows("ar", metric="cka")]
    (disagreement, *_) = said(*parts, labels=NAMES)["sure"]
    text = "tuned: the metrics disagree on Arabic (centred, on everyday): CKA finds Arabic; MEXA finds none."
    assert disagreement.text == text


def test_it_is_explained_where_just_the_metrics_that_ignore_rotation_find_languages():
    parts = [rows(p=NO), rows(metric="cka"), rows(metric="anc", p=NO)]
    text = "CKA does not change when the states of one language are rotated"
    assert text in said(*parts, labels=NAMES, rotation_invariant=["cka"])["sure"][0].evidence
    parts[2] = rows(metric="anc")
    assert text not in said(*parts, labels=NAMES, rotation_invariant=["cka"])["sure"][0].evidence


def test_metrics_agree_if_none_has_evidence_against_what_another_finds():
    weak = rows(metric="cka", p=(1, 0.03, 1))
    found = said(rows(), weak, rows(metric="anc"), labels=NAMES)
    assert "disagree" not in words(found["sure"])
    assert "The metrics do not contradict one another (centred, on everyday): MEXA, CKA and ANC." in words(
        found["sure"]
    )


def test_a_control_that_one_metric_fails_is_a_disagreement():
    tables = controls(rows(values=(0.28,) * 3), rows(values=(0.1,) * 3, metric="cka"))
    found = said(rows(), rows(metric="cka"), tables=tables, labels=NAMES)
    assert (
        "the metrics disagree on Chinese (centred, on everyday): CKA finds Chinese; MEXA finds none."
        in words(found["sure"])
    )


def test_disagreements_name_the_checkpoints():
    other = {"checkpoint": "base", "p": NO}
    both = rows(metric="cka"), rows(metric="cka", checkpoint="base")
    found = said(rows(), rows(**other), *both, labels=NAMES)
    assert found["sure"][0].text.startswith("base: the metrics disagree")
    found = said(rows(p=NO), rows(**other), *both, labels=NAMES)
    assert found["sure"][0].text.startswith("tuned and base: the metrics disagree")


def test_every_sentence_names_its_metric_variant_and_corpus():
    found = said(
        rows(), peak(), rows("ar", p=NO), change(), rows(metric="cka"), rows("ar", metric="cka"),
        tables=bags(), labels=NAMES,
    )  # fmt: skip
    every = [one for part in found.values() for head in part for one in (head, *head.details)]
    assert len(every) > 6
    for one in every:
        said_there = f"{getattr(one, 'text', '')} {one.evidence}"
        assert "centred, on everyday" in said_there, one
        assert "MEXA" in said_there, one


def test_words_follow_the_metric_and_variant():
    view = View(results(rows(), rows(p=NO, metric="cka"), rows(p=NO, variant="raw"), labels=NAMES))
    heads = {
        choice: next(f.text for f in findings(view, *choice) if "disagree" not in f.text)
        for choice in (("mexa", "centred"), ("cka", "centred"), ("mexa", "raw"))
    }
    assert "Chinese is above chance" in heads["mexa", "centred"]
    assert (
        "no evidence of alignment with English for Chinese (CKA, centred, on everyday)"
        in heads["cka", "centred"]
    )
    assert (
        "no evidence of alignment with English for Chinese (MEXA, raw, on everyday)" in heads["mexa", "raw"]
    )
