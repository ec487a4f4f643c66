"""Sentences of the evaluation page."""

from __future__ import annotations

import pandas as pd
import pytest

from repalign.report.evaluation import _score


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((20.0, 30.0), "highest in zh (30.0), lowest in en (20.0)"),
        ((25.0, 25.0), "m: 25.0 [20.0, 30.0] (acc, chance 25.0); the same in all languages"),
    ],
)
def test_languages_are_ranked_only_where_they_differ(values, said):
    mean = sum(values) / len(values)
    rows = pd.DataFrame(
        {
            "scorer": "acc", "language": ["en", "zh", None], "value": [*values, mean], "low": 20.0, "high": 30.0,
        }
    )  # fmt: skip
    assert said in _score("m", rows, 25.0)
