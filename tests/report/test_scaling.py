"""The words and formulas of the scaling page."""

from __future__ import annotations

import numpy as np
import pytest

from repalign.report.scaling_findings import certainty, fit_headline, formula, meaning, plan_headline, symbol
from repalign.scaling import Law, plan
from repalign.scaling.forms import FORMS


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.name)
def test_formulas_are_mathematics(form):
    shown = str(formula(form.formula))
    assert not set("_^-") & set(shown)
    assert shown.count("<sup>") == form.formula.count("^")
    assert all(meaning(name, 0.5, form.name) for name in form.parameters)


def test_hostile_text_in_a_formula_stays_text():
    assert "<img" not in str(formula("S = <img src=x> a_L X^<img>"))
    assert "<img" not in str(symbol("k[<img src=x>]"))
    assert "<img" not in str(symbol("<img src=x>"))


def test_the_exponent_is_explained_by_what_doubling_leaves():
    assert "twice the data leaves 50% of it" in meaning("b", 1.0, "power")
    assert "%" not in meaning("b", 1.0, "saturating")


@pytest.mark.parametrize(
    ("largest", "fits", "said"),
    [
        (3.26, True, "The power law of chrf predicts 800 pairs from the smaller sizes with an error of 3.3 chrf."),
        (3.26, False, "3.3 chrf, but does not fit these runs: its intervals and splits cannot be relied on."),
        (None, True, "The power law of chrf fits these runs."),
        (None, False, "The power law of chrf does not fit these runs: its intervals and splits cannot be relied on."),
    ],
)  # fmt: skip
def test_the_headline_of_a_fit(largest, fits, said):
    study = {
        "form": "power",
        "score": "chrf",
        "fits": fits,
        "runs": {"pairs": [100.0, 800.0]},
        "forms": [{"form": "saturating", "largest": 1.0}, {"form": "power", "largest": largest}],
    }
    assert fit_headline(study).endswith(said)


@pytest.mark.parametrize(
    ("spread", "fits", "said"),
    [
        (
            0.0,
            True,
            "The best split of 1,000 pairs: hi 684, zh 316; +0.58 chrf over the uniform split [+0.58, +0.58].",
        ),
        (0.0, False, ", but the form does not fit the runs."),
        (9.0, True, ", but the uniform split is as good a choice."),
    ],
)
def test_the_headline_of_a_split(spread, fits, said):
    values = np.array([[70.0, 70.0], [300.0, 100.0], [0.42, 0.42], [0.0, 0.0]])
    draws = np.repeat(values[None], 40, axis=0)
    draws[:20, 1] = draws[:20, 1] * [1, 1 + spread]
    made = plan(Law(("hi", "zh"), values, draws, fits), 1000)
    assert said in plan_headline(made, "chrf")
    study = {"fits": fits, "notes": ["b is open"]}
    known = certainty(study, made)
    assert "b is open." in known["How sure is this?"]
    assert len(known["Where may the best split be?"]) == 3
