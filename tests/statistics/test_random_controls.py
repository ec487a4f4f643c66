"""An intervention among random ones: p holds whatever draws and sentences do, and is small for what is special."""

from __future__ import annotations

import numpy as np
import pytest

from repalign.statistics import against_controls, design_effect, step_down_p

stats = pytest.importorskip("scipy.stats")

DRAWS = {
    "normal": lambda rng, size: rng.normal(size=size),
    "directions": lambda rng, size: (
        (rng.chisquare(6, size=size) - 6) / 12**0.5
    ),  # of a random subspace of six
    "skewed": lambda rng, size: rng.gamma(2, size=size) / 2**0.5 - 2**0.5,
    "heavy": lambda rng, size: rng.standard_t(5, size=size) / (5 / 3) ** 0.5,
}


def studies(number: int, controls: int, sentences: int, draw: str, between: float, within: float, seed: int):
    """Outcomes of interventions that are all random, [1 + control, study, sentence]; the first counts as chosen."""
    rng = np.random.default_rng(seed)
    draws = between * DRAWS[draw](rng, (controls + 1, number, 1))
    of_sentences = rng.normal(size=(1, number, sentences))  # some sentences suffer more, whatever is done
    return draws + of_sentences + within * rng.normal(size=(controls + 1, number, sentences))


def rates(number: int, controls: int, draw: str, between: float, within: float, sentences: int = 40) -> float:
    outcomes = studies(number, controls, sentences, draw, between, within, seed=controls)
    return float((against_controls(outcomes[0], outcomes[1:]).p < 0.05).mean())


@pytest.mark.parametrize("draw", DRAWS)
def test_a_random_intervention_is_rarely_special_light(draw):
    assert 0.025 <= rates(1200, 20, draw, 1.0, 0.5) <= 0.085


@pytest.mark.heavy
@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("controls", [10, 20, 99])
@pytest.mark.parametrize("within", [0.1, 1.0, 3.0])
def test_a_random_intervention_is_rarely_special(draw, controls, within):
    assert 0.03 <= rates(8000 if controls < 99 else 2000, controls, draw, 1.0, within) <= 0.07


def test_where_only_sentences_vary_p_is_safe():
    assert rates(2000, 20, "normal", 0.0, 1.0) <= 0.06


def test_p_of_few_documents_that_move_together_is_safe():
    rng = np.random.default_rng(0)
    outcomes = studies(2000, 20, 40, "normal", 0.3, 0.1, seed=1)
    documents = np.arange(40) // 5
    outcomes += rng.normal(size=(21, 2000, 8))[..., documents]
    assert (against_controls(outcomes[0], outcomes[1:], documents).p < 0.05).mean() <= 0.065
    together = outcomes[0, :1] - outcomes[1:, :1].mean(0)
    assert design_effect(together - together.mean(), documents)[0] > 2


def test_the_mean_of_three_controls_as_if_it_were_fixed_would_be_wrong():
    """The fault that this test exists for: with Student's t over sentences most random interventions look special."""
    outcomes = studies(500, 3, 100, "normal", 1.0, 1.0, seed=0)
    over_sentences = stats.ttest_rel(outcomes[0], outcomes[1:].mean(0), axis=1).pvalue
    assert (over_sentences < 0.05).mean() > 0.6
    assert (against_controls(outcomes[0], outcomes[1:]).p < 0.05).mean() < 0.08


def test_a_special_intervention_is_found():
    outcomes = studies(300, 20, 40, "normal", 1.0, 1.0, seed=2)
    outcomes[0] += 8
    found = against_controls(outcomes[0], outcomes[1:])
    assert (found.p < 1e-4).mean() > 0.9
    assert (outcomes[0].mean(1) > found.high).all()


def test_the_range_of_random_interventions_holds_a_further_one():
    outcomes = studies(4000, 20, 40, "normal", 1.0, 1.0, seed=3)
    found = against_controls(outcomes[0], outcomes[1:])
    value = outcomes[0].mean(1)
    assert ((found.low <= value) & (value <= found.high)).mean() == pytest.approx(0.95, abs=0.015)
    assert ((found.p < 0.05) == ((value < found.low) | (value > found.high))).all()
    assert found.control == pytest.approx(outcomes[1:].mean((0, 2)))


def test_without_sentences_that_differ_it_is_the_t_test_of_one_more_draw():
    rng = np.random.default_rng(4)
    draws = rng.normal(size=(21, 5, 1))
    outcomes = np.repeat(draws, 30, axis=2)
    found = against_controls(outcomes[0], outcomes[1:])
    (chosen, *_), random = draws[:, :, 0], draws[1:, :, 0]
    t = np.abs(chosen - random.mean(0)) / (random.std(0, ddof=1) * (1 + 1 / 20) ** 0.5)
    expected = 2 * stats.t.sf(t, 19)
    assert found.p == pytest.approx(expected)


def test_outcomes_that_never_vary_are_no_evidence_beyond_their_rank():
    same = np.zeros((21, 2, 10))
    same[0, 1] = 1
    assert against_controls(same[0], same[1:]).p == pytest.approx([1, 1 / 21])


def test_a_single_outcome_has_the_rank_of_its_deviation():
    rng = np.random.default_rng(0)
    p = np.array([step_down_p(rng.gamma(1, size=(20, 1)))[0] for _ in range(4000)])
    counts = np.bincount(np.rint(p * 20).astype(int), minlength=21)[1:]
    assert stats.chisquare(counts).pvalue > 1e-3, "uniform on 1/20, 2/20, ... 1 for any distribution"


@pytest.mark.parametrize("draw", DRAWS)
def test_at_most_one_study_in_twenty_has_a_false_row(draw):
    rng, false = np.random.default_rng(0), 0
    for _ in range(1500):
        shared = DRAWS[draw](rng, (21, 7, 1))  # one set of neurons, in the texts of seven languages
        outcomes = shared + 0.5 * DRAWS[draw](rng, (21, 7, 7))
        false += (step_down_p(outcomes.reshape(21, 49)) < 0.05).any()
    assert false / 1500 <= 0.065


def test_one_special_row_does_not_hide_the_next():
    rng = np.random.default_rng(1)
    outcomes = rng.normal(size=(41, 30))
    outcomes[0, 3], outcomes[0, 7] = 40, 12
    p = step_down_p(outcomes)
    assert p[[3, 7]] == pytest.approx([1 / 41, 1 / 41])
    assert (np.delete(p, [3, 7]) > 0.05).all()
    order = rng.permutation(30)
    assert step_down_p(outcomes[:, order]) == pytest.approx(p[order])


def test_step_down_p_is_that_of_all_studies_compared_by_hand():
    outcomes = np.random.default_rng(5).normal(size=(8, 4))
    t = np.array(
        [
            np.abs(one - (rest := np.delete(outcomes, row, 0)).mean(0)) / rest.std(0, ddof=1)
            for row, one in enumerate(outcomes)
        ]
    )
    left, expected, worst = list(np.argsort(-t[0])), {}, 0.0
    while left:
        worst = max(worst, (t[:, left].max(1) >= t[0, left].max()).mean())
        expected[left.pop(0)] = worst
    assert step_down_p(outcomes) == pytest.approx([expected[row] for row in range(4)])
