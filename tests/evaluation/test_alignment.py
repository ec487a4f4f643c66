"""Scores beside alignment: correlations over languages and over sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from factories import complete
from scipy import stats

from repalign.evaluation.alignment import adjusted, alignment_table, over_items, over_languages
from repalign.evaluation.items import Item
from repalign.results.profile import COLUMNS, LayerProfile
from repalign.results.results import Results
from repalign.results.schema import RESULTS


def over_languages_of(alignment: list[float], score: list[float], draws: int = 200) -> pd.Series:
    languages = [f"l{row}" for row in range(len(score))]
    table = pd.DataFrame({"language": languages, "alignment": alignment, "score": score})
    return over_languages(table.assign(checkpoint="m", metric="mexa", scorer="exact"), draws).iloc[0]


def test_correlation_over_languages_against_scipys():
    from scipy.stats import permutation_test, spearmanr

    alignment, score = [0.1, 0.5, 0.3, 0.9, 0.8, 0.2], [3.0, 9.0, 4.0, 8.0, 8.0, 1.0]
    row = over_languages_of(alignment, score)
    assert row["value"] == pytest.approx(spearmanr(alignment, score).statistic)
    every = permutation_test(
        (alignment,), lambda x: spearmanr(x, score).statistic, permutation_type="pairings", n_resamples=np.inf
    )
    assert row["p"] == pytest.approx(every.pvalue)
    assert row["low"] <= row["value"] <= row["high"]


def test_few_languages_and_none_that_vary_are_said():
    row = over_languages_of([0.1, 0.2, 0.3, 0.4], [1.0, 2.0, 3.0, 4.0])
    assert row["value"] == 1
    assert np.isnan(row["p"])
    assert row["note"] == "4 are too few for any permutation to reach p < .05"
    row = over_languages_of([0.1, 0.2, 0.3, 0.4, 0.5], [0.0] * 5)
    assert np.isnan(row["value"])
    assert row["note"] == "alignment or score does not vary"
    one_hit = over_languages_of([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.0] * 5 + [1.0])
    assert one_hit["low"] < 0 < one_hit["value"] < one_hit["high"]


def test_a_perfect_order_of_five_languages_is_not_sure():
    row = over_languages_of([0.1, 0.2, 0.3, 0.4, 0.5], [1.0, 2.0, 3.0, 4.0, 5.0])
    assert row["value"] == row["high"] == 1
    assert 0 < row["low"] < 0.5


@pytest.mark.parametrize(("zh", "el"), [("zh", "el"), ("zho_Hans", "ell_Grek"), ("cmn", "ell")])
def test_alignment_stands_beside_scores_at_its_best_layer_both_ways(zh, el):
    """Also if the evaluation has other codes for the languages of the profile."""
    scores = pd.DataFrame(
        {
            "checkpoint": "m",
            "baseline": pd.NA,
            "scorer": "exact",
            "language": [zh, el, None],
            "value": [70.0, 40.0, 55.0],
        }
    )
    rows = [  # metric, variant, language, layer, value from English and into it
        ("mexa", "raw", "zh", 0, 0.9, 0.9), ("mexa", "raw", "el", 0, 0.9, 0.9),
        ("mexa", "centred", "zh", 0, 0.2, 0.4), ("mexa", "centred", "el", 0, 0.1, 0.1),
        ("mexa", "centred", "zh", 1, 0.6, 0.8), ("mexa", "centred", "el", 1, 0.3, 0.5),
        ("distance", "centred", "zh", 0, 5.0, 5.0), ("distance", "centred", "el", 0, 6.0, 6.0),
        ("distance", "centred", "zh", 1, 8.0, 8.0), ("distance", "centred", "el", 1, 9.0, 9.0),
    ]  # fmt: skip
    table = pd.DataFrame(
        {"metric": metric, "variant": variant, "source": ends[0], "target": ends[1], "layer": layer, "value": value,
         "checkpoint": "m", "baseline": baseline}
        for metric, variant, language, layer, there, back in rows
        for ends, value in ((("en", language), there), ((language, "en"), back))
        for baseline in (pd.NA, "other")
    )  # fmt: skip
    table.loc[table["baseline"].notna(), "value"] = (
        99.0  # differences from another checkpoint are no alignment
    )
    profile = LayerProfile(complete(RESULTS["profile"], table), {}, {"higher_is_better": {"distance": False}})
    found = alignment_table(Results("x", profile), scores)
    assert found[["metric", "layer", "language", "score"]].values.tolist() == [
        ["mexa", 1, zh, 70.0], ["mexa", 1, el, 40.0], ["distance", 0, zh, 70.0], ["distance", 0, el, 40.0]
    ]  # fmt: skip
    assert found["alignment"].tolist() == pytest.approx([0.7, 0.4, -5.0, -6.0])


@pytest.mark.parametrize(
    ("sets", "layer"),
    [
        (["0", "0-1", "1"], 1),  # equal votes: the better mean
        (["0", "0-1", "0"], 0),
        (["2", "2", "2"], 2),
        (None, 1),
    ],
)
def test_alignment_is_read_at_the_layer_that_may_be_the_best_of_the_most_languages(sets, layer):
    means = {0: 0.3, 1: 0.4, 2: 0.1}
    curves = [
        {"checkpoint": "m", "metric": "mexa", "variant": "centred", "source": "en", "target": target, "layer": layer,
         "value": value}
        for target in ("ar", "el", "zh")
        for layer, value in means.items()
    ]  # fmt: skip
    peaks = None
    if sets:
        best = [one | {"layers": layers} for one, layers in zip(curves[::3], sets, strict=True)]
        other = [one | {"layers": "2", "variant": "raw"} for one in best]  # not the leading variant
        peaks = complete(RESULTS["peaks"], pd.DataFrame(best + other).assign(baseline=pd.NA))
    table = complete(RESULTS["profile"], pd.DataFrame(curves).assign(baseline=pd.NA))
    scores = pd.DataFrame({"language": ["ar", "el", "zh"], "value": [1.0, 2.0, 3.0], "scorer": "exact"})
    found = alignment_table(
        Results("x", LayerProfile(table, {}, {}, peaks)), scores.assign(checkpoint="m", baseline=pd.NA)
    )
    assert set(found["layer"]) == {layer}
    assert found["alignment"].tolist() == [means[layer]] * 3


@pytest.mark.parametrize("code", ["zh", "zho_Hans"])
def test_sentences_stand_beside_the_questions_about_them(code):
    rng = np.random.default_rng(0)
    numbers, margins = np.arange(100, 112), rng.normal(size=(2, 12))
    margins[1] += 1  # the layer that is read
    where = pd.DataFrame(
        {"checkpoint": "m", "language": "zh", "variant": "centred", "sentence": number, "layer": layer, "margin": margins[layer, row]}
        for row, number in enumerate(numbers) for layer in (0, 1)
    )  # fmt: skip
    sentences = pd.DataFrame({"language": "zh", "sentence": numbers, "text": [f"s{n}" for n in numbers]})
    about = rng.permutation(np.repeat(np.arange(1, 12), 2))  # none about the first
    items = {
        code: [
            Item(str(i), code, "?", "", ("x",), sentence=f"s{numbers[row]}") for i, row in enumerate(about)
        ]
    }
    scores = rng.normal(size=22)
    profile = LayerProfile(pd.DataFrame(columns=list(COLUMNS)), {})
    results = Results(
        "x",
        profile,
        {"map": complete(RESULTS["map"], where), "sentences": complete(RESULTS["sentences"], sentences)},
    )
    row = over_items(results, items, {"m": {"exact": {code: scores}}}, draws=50).iloc[0]
    means = [scores[about == number].mean() for number in range(1, 12)]
    assert row["value"] == pytest.approx(stats.spearmanr(margins[1, 1:], means).statistic)
    assert (row["units"], row["over"], row["language"]) == (11, "sentences", code)


def test_two_scripts_of_a_language_are_not_joined():
    table = pd.DataFrame(
        {"source": ["en", "en"], "target": ["zho_Hant", "sr"], "value": [0.5, 0.5], "metric": "mexa"}
    )
    profile = LayerProfile(
        complete(RESULTS["profile"], table.assign(checkpoint="m", baseline=pd.NA, layer=0, variant="raw")), {}
    )
    scores = pd.DataFrame({"language": ["zh", "srp_Latn"], "value": [1.0, 2.0]})
    found = alignment_table(
        Results("x", profile), scores.assign(checkpoint="m", scorer="exact", baseline=pd.NA)
    )
    assert found.empty


def test_correlations_are_adjusted_over_languages_and_sentences_apart():
    table = pd.DataFrame({"p": [0.01, 0.02, 0.03, 0.01], "over": ["languages"] * 2 + ["sentences"] * 2})
    found = adjusted(table.assign(checkpoint="m", scorer="exact"))["p_adjusted"]
    assert found.tolist() == pytest.approx([0.02, 0.02, 0.03, 0.02])
