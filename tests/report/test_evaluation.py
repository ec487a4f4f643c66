"""Sentences of the evaluation page, on planted scores."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from sample_others import sample_evaluation

from repalign.report.evaluation_examples import examples
from repalign.report.evaluation_findings import evaluation_in_words, headline
from repalign.results.evaluation import Evaluation

LANGUAGES = ("en", "zh", "hi")


def evaluation(
    scores: dict[str, tuple[float, ...]], p: tuple[float, ...] = (), overall: float = 1.0, **settings: object
) -> Evaluation:
    """An evaluation with these scores by checkpoint; p and `overall` are of the second minus the first."""
    rows = []
    for name, values in scores.items():
        rows += _rows(name, None, values, (float("nan"),) * 4)
    if p:
        (first, before), (second, after) = scores.items()
        changes = tuple(b - a for a, b in zip(before, after, strict=True))
        rows += _rows(second, first, changes, (*p, overall))
    table = pd.DataFrame(rows).astype(dict.fromkeys(("baseline", "language"), "string"))
    sample = sample_evaluation()
    return replace(
        sample,
        signatures=dict.fromkeys([*scores, *sample.signatures], "-"),
        tables={"scores": table, "answers": sample.tables["answers"]},
        settings={**sample.settings, **settings},
    )


def _rows(name: str, baseline: str | None, values: tuple[float, ...], p: tuple[float, ...]) -> list[dict]:
    mean = sum(values) / len(values)
    return [
        {"checkpoint": name, "baseline": baseline, "scorer": "exact", "language": language, "value": value,
         "low": value - 5.0, "high": value + 5.0, "p": one, "p_adjusted": one, "items": 40}
        for language, value, one in zip((*LANGUAGES, None), (*values, mean), p, strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("p", "overall", "said"),
    [
        ((0.01, 0.01, 0.01), 0.001, "b is significantly better than a: exact match 30.0 against 20.0 (mean of 3 languages), "
         "+10.0 [+5.0, +15.0]; significantly better in all 3 languages."),
        ((0.2, 0.01, 0.2), 0.001, "; significantly better in 1 of 3 languages."),
        ((0.2, 0.2, 0.2), 0.001, "; significant in no single language."),
        ((0.2, 0.2, 0.2), 0.2, "No significant difference overall between b and a: "),
    ],
)  # fmt: skip
def test_the_headline_claims_what_was_significant(p, overall, said):
    given = evaluation({"a": (20.0, 20.0, 20.0), "b": (30.0, 30.0, 30.0)}, p, overall)
    assert said in headline(given)
    assert ("significantly better than" in headline(given)) == (overall < 0.05)


def test_a_loss_is_called_worse():
    given = evaluation({"a": (30.0, 30.0, 30.0), "b": (20.0, 20.0, 20.0)}, (0.01,) * 3, 0.01)
    assert "b is significantly worse than a" in headline(given)
    assert "significantly worse in all 3 languages" in headline(given)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((20.0, 30.0, 25.0), "m: 25.0 [20.0, 30.0] (exact match, chance 25.0); highest in zh (30.0), lowest in en (20.0)"),
        ((20.0, 30.0, 20.0), "highest in zh (30.0), lowest in 2 languages (20.0)"),
        ((25.0, 25.0, 25.0), "m: 25.0 [20.0, 30.0] (exact match, chance 25.0); the same in all languages"),
    ],
)  # fmt: skip
def test_languages_are_ranked_only_where_they_differ(values, said):
    given = evaluation({"m": values}, chance={"exact": 25.0})
    assert said in evaluation_in_words(given)["Accuracy"][0]
    assert headline(given) == evaluation_in_words(given)["Accuracy"][0] + "."


def test_an_answer_is_right_wrong_or_graded():
    answers = pd.DataFrame({
        "checkpoint": "m", "language": "en", "item": ["0", "1", "2"], "instruction": "Which?", "input": "",
        "reference": "yes", "answer": ["yes", "no", "yes"], "exact": [100.0, 0.0, None], "f1": [100.0, 33.3, None],
    })  # fmt: skip
    right = [one["answers"][0]["right"] for one in examples(answers, "exact")["languages"][0]["questions"]]
    assert right == [True, False, None]
    graded = [one["answers"][0]["right"] for one in examples(answers, "f1")["languages"][0]["questions"]]
    assert graded == ["100", "33", None]
