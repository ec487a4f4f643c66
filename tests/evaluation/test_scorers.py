"""Scorers go by the language of the question, and know the influence of every item."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation.factories import asked

from repalign.evaluation.scorers import SCORERS


@pytest.mark.parametrize(
    ("language", "answer", "reference", "exact", "squad"),
    [
        ("zh_Hans", "308分。", "308 分", 100, 0),
        ("de", "der Hund", "Hund", 100, 0),
        ("en", "The dog", "dog", 100, 100),
    ],
)
def test_a_scorer_goes_by_the_language_of_the_question(language, answer, reference, exact, squad):
    items = asked(language, [reference])
    assert SCORERS["exact"].measure(items, [answer]).value == exact
    assert SCORERS["f1"].measure(items, [answer]).value == exact
    assert SCORERS["squad-exact"].measure(items, [answer]).value == squad


def test_influence_is_leaving_out():
    found = SCORERS["exact"].measure(asked("en", ["a1", "b1", "c1", "d1"]), ["a1", "x", "c1", "x"])
    assert found.value == 50
    np.testing.assert_allclose(found.influence, [50, -50, 50, -50])
