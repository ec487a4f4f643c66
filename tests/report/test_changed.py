"""Findings on the difference of two checkpoints."""

from __future__ import annotations

import numpy as np
import pytest
from report.factories import change, claimed, peak, rows, said, words

from repalign.report.findings import Claim


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
    assert [(row.name, row.score, row.layers, row.verdict) for row in changed.details] == [
        ("Chinese (zh)", "+0.19 [+0.15, +0.23]", "1", "closer at layer 1"),
        ("Arabic (ar)", "-0.14 [-0.18, -0.10]", "1–2", "further at layer 1"),
        ("Greek (el)", "+0.010 [-0.030, +0.050]", "", "not significant"),
    ]
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
