"""Findings are never stronger than their tests."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from repalign.figures.view import View
from repalign.report.findings import findings
from repalign.report.findings.words import count_of, layers_in_words, listing, p_in_words
from repalign.results.profile import COLUMNS, LayerProfile
from repalign.results.results import Results


def rows(target="zh", values=(0.0, 0.3, 0.05), p=(1.0, 0.001, 0.4), **changes) -> list[dict]:
    """A language's scores, an interval of 0.04 to both sides, chance 0.01."""
    made = []
    for layer, (value, adjusted) in enumerate(zip(values, p, strict=True)):
        row = {
            "checkpoint": "tuned", "baseline": None, "metric": "mexa", "variant": "centred", "source": "en",
            "target": target, "layer": layer, "depth": layer / 2, "value": value, "low": value - 0.04,
            "high": value + 0.04, "chance": 0.01, "calibrated": (value - 0.01) / 0.99, "p": adjusted,
            "p_adjusted": adjusted, "sentences": 240,
        }  # fmt: skip
        made.append({**row, **changes})
    return made


def change(target="zh", values=(0.0, 0.2, 0.0), p=(1.0, 0.001, 1.0), **changes) -> list[dict]:
    columns = {"baseline": "base", "chance": np.nan, "calibrated": np.nan, **changes}
    return rows(target, values, p, **columns)


def said(*parts: list[dict], tables: dict | None = None, **settings) -> dict[str, list]:
    table = pd.DataFrame([row for part in parts for row in part], columns=list(COLUMNS))
    profile = LayerProfile(table, {"tuned": "-"}, {"pivot": "en", **settings})
    found = findings(View(Results("x", profile, tables or {})))
    return {word: [f for f in found if f.question == word] for word in ("where", "changed", "sure")}


def words(found: list) -> str:
    return " ".join(f.text for f in found)


def test_a_language_is_above_chance_where_it_is_significant_and_nowhere_else():
    found = said(rows(), rows("ar", (0.0, 0.02, 0.03), (1, 0.6, 0.051)))
    (where,) = found["where"]
    assert where.text.startswith(
        "tuned: alignment with English peaks at layer 1 (mexa 0.30; chance 0.010); "
        "1 of 2 languages (Chinese) is above chance at layer 1."
    )
    zh, ar = (detail.text for detail in where.details)
    assert zh == "zh (Chinese): above chance at layer 1; peak 0.30 [0.26, 0.34] at layer 1."
    assert ar == "ar (Arabic): not above chance at any layer."
    assert where.choice == {"metric": "mexa", "variant": "centred", "layer": 1}


def test_nothing_above_chance_says_so():
    found = said(rows(values=(0.0, 0.02, 0.01), p=(1, 0.2, 1)))
    assert words(found["where"]) == (
        "tuned: no evidence of alignment with English; no language is above chance at any layer."
    )
    assert "peak" not in words(found["where"] + found["sure"])
    assert "smallest adjusted p\u00a0=\u00a00.20" in found["where"][0].evidence


def test_significantly_worse_than_chance_is_no_alignment():
    found = said(rows(values=(0.0, 0.005, 0.0), p=(0.001, 0.001, 0.001)))
    assert "no language is above chance" in words(found["where"])


@pytest.mark.parametrize(("last", "drops"), [(0.05, True), (0.25, False)])
def test_a_drop_at_the_last_layer_needs_intervals_that_do_not_overlap(last, drops):
    found = said(rows(values=(0.0, 0.3, last), p=(1, 0.001, 0.001)))
    sentence = "It has clearly dropped again by the last layer, 2, for Chinese."
    assert (sentence in words(found["where"])) is drops


def test_lower_is_nearer_for_a_distance():
    distance = {"metric": "procrustes", "chance": 1.0}
    less = change(values=(0.0, -0.2, 0.0), metric="procrustes")
    found = said(rows(values=(0.99, 0.4, 0.9), **distance), less, higher_is_better={"procrustes": False})
    assert "peak 0.40 [0.36, 0.44] at layer 1" in found["where"][0].details[0].text
    assert "Chinese moved closer to English at layer 1 (largest: -0.20 at layer 1)" in words(found["changed"])


def test_change_names_gains_losses_and_what_did_not_change():
    found = said(
        rows(), rows("ar"), rows("el"),
        change("zh"), change("ar", values=(0, -0.15, 0)), change("el", p=(1, 0.06, 1)),
    )  # fmt: skip
    (changed,) = found["changed"]
    assert changed.text == (
        "tuned over base: Chinese moved closer to English at layer 1 (largest: +0.20 at layer 1); "
        "Arabic moved away from English at layer 1 (largest: -0.15 at layer 1); "
        "no significant change in Greek."
    )
    assert [d.text.split(":")[0] for d in changed.details] == ["zh (Chinese)", "ar (Arabic)"]
    assert "+0.20 [+0.16, +0.24] over base at layer 1; significant at layer 1." in changed.details[0].text


def test_no_change_says_so():
    found = said(rows(), change(p=(1, 0.07, 1)))
    assert words(found["changed"]) == "tuned over base: no significant change in any language at any layer."


@pytest.mark.parametrize(
    ("targets", "layers", "text"),
    [
        (["zh"], [(1, 0.001, 0.4)], "Chinese moved closer to English at layer 1 "),
        (["zh"], [(0.01,) * 3], "Chinese moved closer to English at every layer "),
        (["zh", "ar"], [(0.01,) * 3] * 2, "Chinese and Arabic moved closer to English at every layer "),
        (
            ["zh", "ar"],
            [(1, 0.01, 0.01), (1, 1, 0.01)],
            "Chinese and Arabic moved closer to English, each at one or more of layers 1 and 2 ",
        ),
    ],
)
def test_a_change_is_claimed_only_for_the_layers_of_every_language_named(targets, layers, text):
    changes = [change(target, (0.1, 0.2, 0.1), p) for target, p in zip(targets, layers, strict=True)]
    assert text in words(said(rows(), *changes)["changed"])


NAMES = {"cka": "CKA", "anc": "ANC", "p_at_1": "P@1", "mexa": "MEXA"}
NO = (1, 0.3, 1)


def test_other_metrics_say_whom_they_find_and_whom_not():
    found = said(
        rows(), rows("ar", p=NO),
        rows(metric="p_at_1"), rows("ar", p=NO, metric="p_at_1"),
        rows(metric="cka"), rows("ar", metric="cka"),
        rows(metric="anc", p=NO), rows("ar", metric="anc"),
        labels=NAMES,
    )  # fmt: skip
    assert (
        "P@1 finds the same languages; CKA also finds Arabic; ANC finds Arabic but does not find Chinese."
        in words(found["sure"])
    )


def test_other_metrics_are_compared_even_where_the_leading_one_finds_nobody():
    found = said(
        rows(p=NO), rows("ar", p=NO), rows(metric="cka"), rows("ar", metric="cka"),
        rows(metric="anc", p=NO), rows("ar", p=NO, metric="anc"), labels=NAMES,
    )  # fmt: skip
    assert "CKA finds both languages; ANC finds none either." in words(found["sure"])


def test_other_metrics_name_the_checkpoint_where_there_are_several():
    other = {"checkpoint": "base", "p": NO}
    found = said(
        rows(), rows(**other), rows(metric="cka"), rows(metric="cka", checkpoint="base"), labels=NAMES
    )
    assert "CKA also finds Chinese in base." in words(found["sure"])


@pytest.mark.parametrize(
    ("bags", "text"),
    [
        ({"zh": 0.28, "ar": 0.28}, "weak evidence of alignment with English, which peaks at layer 1"),
        (
            {"zh": 0.28, "ar": 0.28},
            "both languages are above chance at layer 1, none exceeds the shared-token",
        ),
        ({"zh": 0.28, "ar": 0.1}, "above chance at layer 1, 1 of 2 exceeds the shared-token control."),
        ({"zh": 0.1, "ar": 0.1}, "tuned: alignment with English peaks at layer 1"),
        ({"zh": 0.1, "ar": 0.1}, "both languages are above chance at layer 1. "),
    ],
)
def test_the_headline_says_when_languages_do_not_exceed_the_shared_token_control(bags, text):
    controls = [
        pd.DataFrame(rows(target, values=(value,) * 3)).assign(control="bag-of-tokens")
        for target, value in bags.items()
    ]
    assert text in words(said(rows(), rows("ar"), tables={"controls": pd.concat(controls)})["where"])


def test_controls_are_weighed_at_the_best_layer():
    bag = pd.DataFrame(rows(values=(0.28,) * 3)).assign(control="bag-of-tokens")
    twin = pd.DataFrame(rows(values=(0.1,) * 3)).assign(control="random-weights")
    matched = pd.DataFrame(rows(p=(1, 0.2, 1))).assign(control="length-matched")
    found = words(said(rows(), tables={"controls": pd.concat([bag, twin, matched])})["sure"])
    assert "Chinese does not exceed the shared-token control (no model)" in found
    assert "Chinese exceeds the same model with random weights" in found
    assert "Chinese is not above chance on sentences of matched length" in found


def test_languages_that_fail_a_control_are_named():
    bags = [rows(values=(0.28,) * 3), rows("ar", values=(0.1,) * 3)]
    table = pd.concat([pd.DataFrame(bag).assign(control="bag-of-tokens") for bag in bags])
    found = words(said(rows(), rows("ar"), tables={"controls": table})["sure"])
    assert "At the best layer: 1 of 2 exceeds the shared-token control (no model) (not Chinese)." in found


def test_above_chance_before_the_first_block_is_a_warning():
    found = said(rows(values=(0.2, 0.3, 0.1), p=(0.001,) * 3), rows("ar"))
    assert "Above chance already at layer 0, before any block: Chinese." in words(found["sure"])


def test_evidence_follows_the_settings():
    found = said(rows(), correction="bh", confidence=0.9)
    assert "Benjamini-Hochberg-adjusted" in found["where"][0].evidence
    assert "intervals are 90%" in words(found["sure"])


def test_many_languages_are_counted_not_named():
    found = said(*(rows(f"l{i}", p=(1, 0.001 if i < 13 else 1, 1)) for i in range(20)))
    (where,) = found["where"]
    assert (
        "peaks at layer 1 (mexa 0.30; chance 0.010); 13 of 20 languages are above chance at layer 1. "
        "It has clearly dropped again by the last layer, 2, for all of them." in where.text
    )
    assert where.details == ()


def test_no_sentence_claims_a_number_that_is_not_in_the_table():
    found = said(rows(), rows("ar"), change())
    numbers = {
        f"{row[key]:.2f}" for row in rows() + rows("ar") + change() for key in ("value", "low", "high")
    }
    spoken = re.findall(
        r"\d\.\d\d\b", words([d for f in found["where"] + found["changed"] for d in f.details])
    )
    assert spoken
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


def test_small_words():
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert count_of([240, 238, 240]) == "238 to 240"
    assert p_in_words(1e-9) == "p\u00a0<\u00a00.001"
    assert p_in_words(0.04) == "p\u00a0=\u00a00.040"
