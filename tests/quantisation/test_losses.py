"""Differences of losses: their intervals cover, their p hold, and the ranks say what is known."""

from __future__ import annotations

import numpy as np
import pytest

from repalign.models.next_token import Predictions
from repalign.quantisation.losses import UNITS, Amounts, Estimator, Ratio, differences, loss_rows
from repalign.quantisation.ranking import ranking
from repalign.statistics import resamples

DOCUMENTS, EACH = 40, 3
CLUSTERS = np.repeat(np.arange(DOCUMENTS), EACH)
WEIGHTS = resamples(DOCUMENTS, 400, 0)
BY_DOCUMENT = Estimator(CLUSTERS, WEIGHTS)


def predictions(nats, tokens):
    nothing = np.full(len(nats), np.nan)
    return Predictions(np.asarray(nats, float), np.asarray(tokens), [], nothing, nothing)


def sample(draw, rise):
    """A version that loses `rise` nats per token more; documents share half of the variance, and lengths vary."""
    tokens = draw.integers(5, 60, len(CLUSTERS))
    noise = draw.normal(0, 0.3, DOCUMENTS)[CLUSTERS] + draw.normal(0, 0.3, len(CLUSTERS))
    before = predictions(tokens * 3.0, tokens)
    return before, predictions(before.nats + tokens * (rise + noise), tokens)


def test_ratios_are_of_sums():
    amounts = Amounts.of(["ab", "жжж"], predictions([2.0, 4.0], [1, 2]))
    rows = {
        row["measure"]: row["value"]
        for row in loss_rows(amounts, predictions([2.0, 4.0], [1, 2]), Estimator(None, resamples(2, 20, 0)))
    }
    assert rows == pytest.approx(
        {"nats_per_token": 2, "nats_per_sentence": 3, "nats_per_character": 6 / 5, "nats_per_byte": 6 / 8}
    )
    more = differences(amounts, predictions([2.0, 4.0], [1, 2]), predictions([3.0, 6.5], [1, 2]))
    assert more["share_of_loss"].value == pytest.approx(3.5 / 6)
    assert [more[unit].value for unit in UNITS] == pytest.approx([3.5 / 3, 3.5 / 2, 3.5 / 5, 3.5 / 8])


def test_nothing_to_divide_by_is_not_a_number():
    assert np.isnan(Ratio.of(np.ones(3), np.zeros(3)).value)


@pytest.mark.parametrize("measure", ["nats_per_token", "share_of_loss"])
def test_intervals_cover_and_p_hold(measure):
    draw, rise, covered, rejected, naive = np.random.default_rng(1), 0.1, [], [], []
    for _ in range(400):
        before, after = sample(draw, rise)
        amounts = Amounts.of(["x"] * len(CLUSTERS), before)
        row = BY_DOCUMENT.row(measure, differences(amounts, before, after)[measure], tested=True)
        truth = rise if measure == "nats_per_token" else rise / 3
        covered.append(row["low"] <= truth <= row["high"])
        before, after = sample(draw, 0.0)
        amounts = Amounts.of(["x"] * len(CLUSTERS), before)
        rejected.append(
            BY_DOCUMENT.row(measure, differences(amounts, before, after)[measure], tested=True)["p"] < 0.05
        )
        alone = Estimator(None, resamples(len(CLUSTERS), 20, 0))
        naive.append(
            alone.row(measure, differences(amounts, before, after)[measure], tested=True)["p"] < 0.05
        )
    assert 0.91 <= np.mean(covered) <= 0.985
    assert 0.015 <= np.mean(rejected) <= 0.09
    assert np.mean(naive) > np.mean(rejected) + 0.05, "sentences of one document are not independent"


def test_the_first_is_named_and_equal_ones_are_not_told_apart():
    draw = np.random.default_rng(2)
    changes = {}
    for language, rise in {"en": 0.0, "el": 1.0, "zh": 1.0, "hi": 0.3}.items():
        before, after = sample(draw, rise)
        changes[language] = differences(Amounts.of(["x"] * len(CLUSTERS), before), before, after)[
            "nats_per_token"
        ]
    rows = {row["language"]: row for row in ranking(changes, BY_DOCUMENT)}
    first, second = list(rows)[:2]
    assert {first, second} == {"el", "zh"}
    assert rows[second]["p_adjusted"] > 0.05
    assert (rows[second]["rank_low"], rows[second]["rank_high"]) == (1, 2)
    assert rows["en"]["p_adjusted"] < 0.001
    assert rows["en"]["rank_low"] == rows["en"]["rank_high"] == 4
    assert np.isnan(rows[first]["p_adjusted"])


def test_among_equal_languages_one_is_seldom_said_to_lose_more():
    """The language that happens to be first is chosen by the same data: the correction over all pairs allows for it."""
    draw, wrong = np.random.default_rng(3), []
    for _ in range(150):
        changes = {}
        for language in "abcdef":
            before, after = sample(draw, 0.2)
            changes[language] = differences(Amounts.of(["x"] * len(CLUSTERS), before), before, after)[
                "nats_per_token"
            ]
        wrong.append(any(row["p_adjusted"] < 0.05 for row in ranking(changes, BY_DOCUMENT)))
    assert np.mean(wrong) <= 0.09
