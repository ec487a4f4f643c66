"""Findings are never stronger than their tests."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from repalign.figures.view import View
from repalign.report.findings import Claim, Finding, findings
from repalign.report.findings.words import count_of, layers_in_words, listing, p_in_words, rounded
from repalign.results.profile import COLUMNS, LayerProfile
from repalign.results.results import Results
from repalign.results.schema import RESULTS

SURE = (1.0, 1e-4, 0.4)
"""Adjusted p by layer: only layer 1 is significant."""
NO = (1.0, 0.3, 1.0)


def rows(target="zh", values=(0.0, 0.3, 0.05), p=SURE, **changes) -> list[dict]:
    """A language's scores, an interval of 0.04 to both sides, chance 0.01."""
    made = []
    for layer, (value, adjusted) in enumerate(zip(values, p, strict=True)):
        row = {
            "checkpoint": "tuned", "baseline": None, "metric": "mexa", "variant": "centred", "source": "en",
            "target": target, "layer": layer, "depth": layer / 2, "value": value, "low": value - 0.04,
            "high": value + 0.04, "chance": 0.01, "calibrated": (value - 0.01) / 0.99, "p": adjusted,
            "p_adjusted": adjusted, "sentences": 240,
        }  # fmt: skip
        made.append({**dict.fromkeys(COLUMNS, np.nan), **row, **changes})
    return made


def peak(target="zh", value=0.29, layers="1", over=(0.29, 0.24), p=1e-4, **changes) -> dict:
    """A language's best layer, 1: an interval of 0.04 to both sides of the value and of the differences to the ends."""
    ends = {
        f"over_{end}{side}": difference + step
        for end, difference in zip(("first", "last"), over, strict=True)
        for side, step in (("", 0), ("_low", -0.04), ("_high", 0.04))
    }
    (row,) = rows(target, (value,), (p,))
    row = {**row, "layer": 1, "layers": layers, "chosen_on_all": value, **ends, **changes}
    return {name: row[name] for name in RESULTS["peaks"].names}


def change(target="zh", values=(0.0, 0.2, 0.0), p=SURE, **changes) -> list[dict]:
    columns = {"baseline": "base", "chance": np.nan, "calibrated": np.nan, **changes}
    return rows(target, values, p, **columns)


def results(*parts: list[dict] | dict, tables: dict | None = None, corpus="everyday", **settings) -> Results:
    """Lists are scores of a language, dictionaries its best layers."""
    table = pd.DataFrame([row for part in parts if isinstance(part, list) for row in part])
    best = [part for part in parts if isinstance(part, dict)]
    peaks = RESULTS["peaks"].frame(best) if best else None
    signature = f"tuned@1|{corpus}#2|raw"
    profile = LayerProfile(table[list(COLUMNS)], {"tuned": signature}, {"pivot": "en", **settings}, peaks)
    return Results("x", profile, tables or {})


def said(*parts: list[dict] | dict, **options) -> dict[str, list[Finding]]:
    found = findings(View(results(*parts, **options)))
    return {word: [f for f in found if f.question == word] for word in ("where", "changed", "sure")}


def controls(*parts: list[dict], control="bag-of-tokens") -> dict[str, pd.DataFrame]:
    return {"controls": pd.DataFrame([row for part in parts for row in part]).assign(control=control)}


def bags(*languages: str, value=0.1) -> dict[str, pd.DataFrame]:
    return controls(*(rows(language, (value,) * 3) for language in languages or ("zh",)))


def words(found: list[Finding]) -> str:
    return " ".join(f.text for f in found)


def claimed(found: dict[str, list[Finding]] | list[Finding], kind: str) -> list[Claim]:
    every = found if isinstance(found, list) else [one for part in found.values() for one in part]
    return [claim for one in every for claim in one.claims if claim.kind == kind]


def test_the_sentence_says_where_alignment_rises_peaks_and_falls():
    (where,) = said(rows(), peak(), tables=bags(), labels={"mexa": "MEXA"})["where"]
    assert where.text == (
        "tuned: Chinese is aligned with English (MEXA, centred, on everyday). Alignment rises from layer 0, "
        "is highest in layer 1 (0.29 [0.25, 0.33]; chance 0.010) and falls again by the last layer, 2."
    )
    (zh,) = where.details
    assert zh.text == "zh (Chinese): aligned, 0.29 [0.25, 0.33]; the best is in layer 1."
    assert zh.evidence.endswith("MEXA, centred, on everyday")
    assert where.choice == {"metric": "mexa", "variant": "centred", "layer": 1}
    assert [claim.kind for claim in where.claims] == ["aligned", "best layers", "rises", "falls"]
    assert where.claims[1].layers == (1,)


def test_a_language_is_found_where_it_is_significant_and_nowhere_else():
    found = said(rows(), peak(), rows("ar", p=NO), peak("ar", p=0.4), tables=bags("zh", "ar"))
    assert "Chinese is aligned with English" in words(found["where"])
    assert "no evidence of alignment with English for Arabic" in words(found["where"])
    assert found["where"][0].details[1].text == "ar (Arabic): no evidence."


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
    assert found["where"][0].details[0].text.endswith("; any layer may be the best.")
    assert not claimed(found, "best layers")


def test_languages_that_peak_at_different_layers_have_the_union_of_their_layers():
    found = said(
        rows(), peak(layers="0-1"), rows("ar"), peak("ar", 0.4, "1", (0, 0)), tables=bags("zh", "ar")
    )
    text = "rises from layer 0 (1 of 2), is highest in layers 0 and 1 (0.29 to 0.40; chance 0.010) and falls"
    assert text in words(found["where"])
    found = said(rows(), peak(layers="0"), rows("ar"), peak("ar", layers="1-2"), tables=bags("zh", "ar"))
    assert "is highest at layers that differ by language" in words(found["where"])


def test_results_of_an_earlier_version_name_no_best_layer():
    found = said(rows(), tables=bags())
    assert words(found["where"]) == "tuned: Chinese is aligned with English (mexa, centred, on everyday)."
    assert found["where"][0].details[0].text == "zh (Chinese): aligned, significant at layer 1."
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


def test_change_names_gains_losses_and_what_did_not_change():
    moved = {"baseline": "base", "chance": np.nan}
    found = said(
        rows(), rows("ar"), rows("el"),
        change("zh"), change("ar", values=(0, -0.15, 0)), change("el", p=(1, 0.06, 1)),
        peak(value=0.19, **moved), peak("ar", -0.14, "1-2", **moved), peak("el", 0.01, **moved),
    )  # fmt: skip
    (changed,) = found["changed"]
    assert changed.text == (
        "tuned over base: Chinese moved closer to English at layer 1, most by +0.19 [+0.15, +0.23] in layer 1; "
        "Arabic moved away from English at layer 1, most by -0.14 [-0.18, -0.10] in layers 1 and 2; "
        "no significant change in Greek (mexa, centred, on everyday)."
    )
    assert [d.text.split(":")[0] for d in changed.details] == ["zh (Chinese)", "ar (Arabic)"]
    assert claimed(found, "closer")[0] == Claim(
        "closer", "tuned", "mexa", "centred", ("zh",), (1,), other="base"
    )
    assert [claim.languages for claim in claimed(found, "further")] == [("ar",)]


@pytest.mark.parametrize(
    ("p", "best"),
    [
        ((1, 0.07, 1), {}),
        ((1, 0.002, 1), {}),
        ((1, 1e-5, 1), {"low": -0.01}),
        ((1, 1e-5, 1), {"p": 0.002}),
    ],
    ids=str,
)
def test_a_change_needs_its_p_and_the_largest_change_chosen_on_other_sentences(p, best):
    largest = peak(value=0.2, baseline="base", chance=np.nan, **best)
    found = said(rows(), change(p=p), largest)
    text = "tuned over base: no significant change in any language at any layer (mexa, centred, on everyday)."
    assert words(found["changed"]) == text


@pytest.mark.parametrize(
    ("targets", "layers", "text"),
    [
        (["zh"], [(1, 1e-4, 0.4)], "Chinese moved closer to English at layer 1 "),
        (["zh"], [(1e-4,) * 3], "Chinese moved closer to English at every layer "),
        (["zh", "ar"], [(1e-4,) * 3] * 2, "both languages moved closer to English at every layer "),
        (
            ["zh", "ar"],
            [(1, 1e-4, 1e-4), (1, 1, 1e-4)],
            "both languages moved closer to English, each at one or more of layers 1 and 2 ",
        ),
    ],
)
def test_a_change_is_claimed_only_for_the_layers_of_every_language_named(targets, layers, text):
    changes = [change(target, (0.1, 0.2, 0.1), p) for target, p in zip(targets, layers, strict=True)]
    assert text in words(said(rows(), *changes)["changed"])


NAMES = {"cka": "CKA", "anc": "ANC", "p_at_1": "P@1", "mexa": "MEXA"}


def test_metrics_that_disagree_are_the_first_thing_said():
    found = said(
        rows(p=NO), rows("ar", p=NO), rows(metric="cka"), rows("ar", metric="cka"),
        rows(metric="anc", p=NO), rows("ar", metric="anc"), labels=NAMES,
    )  # fmt: skip
    assert found["where"][0].text == (
        "tuned: the metrics disagree on Chinese and Arabic (centred, on everyday): CKA finds both languages; ANC finds Arabic; "
        "MEXA finds none."
    )
    assert {claim.metric: claim.languages for claim in claimed(found, "disagree")} == {
        "cka": ("zh", "ar"),
        "anc": ("ar",),
    }


def test_only_languages_in_dispute_are_named():
    parts = [rows(), rows(metric="cka"), rows("ar", p=NO), rows("ar", metric="cka")]
    (disagreement, *_) = said(*parts, labels=NAMES)["where"]
    text = "tuned: the metrics disagree on Arabic (centred, on everyday): CKA finds Arabic; MEXA finds none."
    assert disagreement.text == text


def test_it_is_explained_where_just_the_metrics_that_ignore_rotation_find_languages():
    parts = [rows(p=NO), rows(metric="cka"), rows(metric="anc", p=NO)]
    text = "CKA does not change when the states of one language are rotated"
    assert text in words(said(*parts, labels=NAMES, rotation_invariant=["cka"])["where"])
    parts[2] = rows(metric="anc")
    assert text not in words(said(*parts, labels=NAMES, rotation_invariant=["cka"])["where"])


def test_metrics_agree_if_none_has_evidence_against_what_another_finds():
    weak = rows(metric="cka", p=(1, 0.03, 1))
    found = said(rows(), weak, rows(metric="anc"), labels=NAMES)
    assert "disagree" not in words(found["where"])
    assert "The metrics do not contradict one another (centred, on everyday): MEXA, CKA and ANC." in words(
        found["sure"]
    )


def test_a_control_that_one_metric_fails_is_a_disagreement():
    tables = controls(rows(values=(0.28,) * 3), rows(values=(0.1,) * 3, metric="cka"))
    found = said(rows(), rows(metric="cka"), tables=tables, labels=NAMES)
    assert (
        "the metrics disagree on Chinese (centred, on everyday): CKA finds Chinese; MEXA finds none."
        in words(found["where"])
    )


def test_disagreements_name_the_checkpoints():
    other = {"checkpoint": "base", "p": NO}
    both = rows(metric="cka"), rows(metric="cka", checkpoint="base")
    found = said(rows(), rows(**other), *both, labels=NAMES)
    assert found["where"][0].text.startswith("base: the metrics disagree")
    found = said(rows(p=NO), rows(**other), *both, labels=NAMES)
    assert found["where"][0].text.startswith("tuned and base: the metrics disagree")


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
    assert "intervals are 90%" in words(found["sure"])


@pytest.mark.parametrize(
    ("documents", "effect", "text"),
    [
        (
            None,
            np.nan,
            "Documents are unknown: intervals and p-values assume that sentences are independent.",
        ),
        (31, np.nan, "31 documents: intervals resample documents, p-values shuffle within them."),
        (31, 1.8, "variances are 1.8 times those of independent sentences (design effect, median)."),
    ],
)
def test_whether_sentences_are_independent_is_said(documents, effect, text):
    columns = {"design_effect": effect} if "design_effect" in COLUMNS else {}
    if not columns and not np.isnan(effect):
        pytest.skip("profiles have no design effect")
    assert text in words(said(rows(**columns), documents=documents)["sure"])


def test_every_sentence_names_its_metric_variant_and_corpus():
    found = said(
        rows(), peak(), rows("ar", p=NO), change(), rows(metric="cka"), rows("ar", metric="cka"),
        tables=bags(), labels=NAMES,
    )  # fmt: skip
    every = [one for part in found.values() for head in part for one in (head, *head.details)]
    assert len(every) > 6
    for one in every:
        said_there = f"{one.text} {one.evidence}"
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
    every = [one for f in found["where"] + found["changed"] for one in (f, *f.details)]
    spoken = re.findall(r"\d\.\d+\b", words(every))
    assert len(spoken) > 10
    assert set(spoken) <= numbers


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        ([3], "layer 3"),
        ([3, 4], "layers 3 and 4"),
        ([5, 3, 4, 8], "layers 3 to 5 and 8"),
        ([0, 2, 4, 5, 6], "layers 0, 2 and 4 to 6"),
    ],
)
def test_layers_in_words(layers, text):
    assert layers_in_words(layers) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.004, "0.0040"),
        (0.314, "0.31"),
        (0.0999, "0.10"),
        (-0.0123, "-0.012"),
        (0.0, "0"),
        (1e-9, "0"),
        (1.0, "1.00"),
    ],
)
def test_small_values_keep_two_significant_digits(value, text):
    assert rounded(value) == text


def test_small_words():
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert count_of([240, 238, 240]) == "238 to 240"
    assert p_in_words(1e-9) == "p\u00a0<\u00a00.001"
    assert p_in_words(0.04) == "p\u00a0=\u00a00.040"
