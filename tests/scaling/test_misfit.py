"""Forms that do not fit are reported, forms that fit are not."""

from __future__ import annotations

import numpy as np
import pytest
from sweeps import RIGHT, WRONG, sweep

from repalign.scaling import Law, compare_forms, diagnose, fit, misfit, plan, preferred
from repalign.scaling.study import study


def notes(seed: int, curve: str, seeds: int, test_error: float) -> bool:
    """Whether anything is said about the fit of the preferred form."""
    runs = sweep(seed, WRONG[curve], test_error, seeds=seeds)
    return not diagnose(fit(runs, preferred(compare_forms(runs)))).identified


@pytest.mark.parametrize("curve", WRONG)
def test_what_no_form_fits_is_said(curve):
    runs = sweep(0, WRONG[curve])
    found = study(runs, draws=2)
    assert not found["fits"]
    assert "the form does not fit" in found["notes"][0]
    split = plan(
        Law.of(fit(runs, found["form"]), np.array([fit(runs, found["form"]).values] * 2), found["fits"]), 900
    )
    assert not split.identified


@pytest.mark.parametrize("form", RIGHT)
def test_what_fits_is_not_called_misfit(form):
    found = [misfit(fit(sweep(seed, RIGHT[form]), form)).found for seed in range(5)]
    assert sum(found) <= 1


def test_p_is_uniform_but_for_its_adjustment():
    p = np.array([misfit(fit(sweep(seed))).p for seed in range(16)])
    assert 0.0 < np.mean(p < 0.5) < 0.75


def test_a_parameter_at_its_bound_is_said():
    runs = sweep(1, WRONG["a step"], seeds=1)
    assert any(
        note.startswith("b is at the end of its range, 1:")
        for note in diagnose(fit(runs, "saturating")).notes
    )


def test_impossible_scores_are_said():
    found = study(sweep(0, seeds=1), "power", draws=2)
    steep = study(sweep(0, lambda pairs, a: 60 - 2 * a * pairs**-0.5, seeds=1), "power", draws=2)
    assert not any("below 0" in note for note in found["notes"])
    assert any("below 0 of zh up to" in note for note in steep["notes"])


def test_exact_scores_are_no_misfit():
    assert not misfit(fit(sweep(0, test_error=0.0, noise=0.0))).found


@pytest.mark.heavy
@pytest.mark.parametrize("form", RIGHT)
@pytest.mark.parametrize("test_error", [0.0, 1.2])
@pytest.mark.parametrize("seeds", [1, 3])
def test_forms_that_fit_are_called_misfit_in_at_most_one_of_twenty_sweeps(form, test_error, seeds):
    found = [
        misfit(fit(sweep(seed, RIGHT[form], test_error, seeds=seeds), form)).found for seed in range(200)
    ]
    print(np.mean(found))
    assert np.mean(found) <= 0.05


@pytest.mark.heavy
@pytest.mark.parametrize("form", RIGHT)
def test_preferred_forms_are_called_misfit_in_at_most_one_of_twenty_sweeps(form):
    found = []
    for seed in range(60):
        runs = sweep(seed, RIGHT[form])
        found.append(misfit(fit(runs, preferred(compare_forms(runs)))).found)
    print(np.mean(found))
    assert np.mean(found) <= 0.05


@pytest.mark.heavy
@pytest.mark.parametrize("curve", WRONG)
@pytest.mark.parametrize("test_error", [0.0, 1.2])
def test_what_no_form_fits_is_said_of_all_sweeps(curve, test_error):
    said = [notes(seed, curve, 3, test_error) for seed in range(25)]
    assert np.mean(said) >= 0.95
