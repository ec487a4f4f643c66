"""Profiles and contrasts on made states."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scoring.factories import LAYERS, N, made, quiet

from repalign import LayerStates, contrast, metric, scoring, statistics
from repalign.metrics import METRICS
from repalign.results.profile import COLUMNS
from repalign.results.schema import RESULTS
from repalign.scoring.influence import score_interval
from repalign.scoring.variants import VARIANTS


def test_a_profile_says_everything_about_every_layer():
    found = quiet(made())
    table = found.table
    assert list(table.columns) == list(COLUMNS)
    one_way, both_ways = 5, 1  # metrics
    assert len(table) == 2 * LAYERS * 2 * (one_way + 2 * both_ways)
    assert table["low"].le(table["value"]).all()
    assert table["high"].ge(table["value"]).all()
    assert table[["chance", "p", "p_adjusted"]].notna().all().all()
    for _, family in table.groupby(["metric", "variant"]):  # all layers and languages of a metric and variant
        assert family["p_adjusted"].to_numpy() == pytest.approx(statistics.holm(family["p"]))
    assert set(table["sentences"]) == {N}
    p_at_1 = found.where(metric="p_at_1", variant="raw", layer=2)
    ways = {("en", "zh"), ("zh", "en"), ("en", "ar"), ("ar", "en")}
    assert set(zip(p_at_1.table["source"], p_at_1.table["target"], strict=True)) == ways
    for name in ("cka", "mexa"):
        rows = found.where(metric=name, variant="centred", target="zh").table
        assert rows["value"].is_monotonic_increasing
        assert rows["p"].iloc[0] > 1e-3 > rows["p_adjusted"].iloc[-1]
        assert rows["calibrated"].iloc[-1] > 0.5 > abs(rows["calibrated"].iloc[0])
    assert list(found.where(metric="mexa", variant="raw", target="zh").table["depth"]) == [0, 0.5, 1]


def test_values_are_those_of_the_metrics():
    states = made()
    table = quiet(states, metrics=["cka", "p_at_1"], variants=["raw"]).table
    x, y = states.layer("en", 1), states.layer("ar", 1)
    expected = {
        ("cka", "en"): METRICS["cka"](x, y).value,
        ("p_at_1", "en"): METRICS["p_at_1"](x, y).value,
        ("p_at_1", "ar"): METRICS["p_at_1"](y, x).value,
    }
    for (name, source), value in expected.items():
        rows = table[(table["metric"] == name) & (table["source"] == source) & (table["layer"] == 1)]
        rows = rows[(rows["source"] == "ar") | (rows["target"] == "ar")]
        assert rows["value"].item() == pytest.approx(value, abs=1e-6)


def test_intervals_are_of_the_kind_and_confidence_that_the_score_asks_for():
    states = made()
    table = quiet(
        states, metrics=["mexa", "cka"], variants=["raw"], layers=[1], targets=["zh"], confidence=0.8
    ).table
    low, high = (table.set_index("metric")[end] for end in ("low", "high"))
    value = table.set_index("metric")["value"]
    assert (low["mexa"], high["mexa"]) == pytest.approx(statistics.wilson(value["mexa"], N, 0.8))
    scores = METRICS["cka"](states.layer("en", 1), states.layer("zh", 1))
    expected = score_interval(scores.value, scores.influence.numpy(), scores.null, 0.8)
    assert (low["cka"], high["cka"]) == pytest.approx(expected, abs=1e-6)


def test_intervals_stay_within_bounds():
    @metric(label="All but one", bounds=(0, 1), reference="-")
    def all_but_one(pair):
        return (pair.x[:, 0] > pair.x[:, 0].min()).float()

    table = quiet(made(), metrics=[all_but_one], layers=[1], permutations=2).table
    assert table["value"].to_numpy() == pytest.approx(1 - 1 / N)
    assert set(table["high"]) == {1}


def test_p_is_corrected_as_asked_for_each_checkpoint():
    both = quiet([made(), made(1, 0.2, "b")], metrics=["anc"], correction="bh").table
    for (_, _), family in both.groupby(["checkpoint", "variant"]):
        assert family["p_adjusted"].to_numpy() == pytest.approx(statistics.benjamini_hochberg(family["p"]))


def test_the_same_seed_gives_the_same_table():
    first, again, other = (quiet(made(), metrics=["anc"], seed=seed).table for seed in (0, 0, 1))
    assert first.equals(again)
    assert not first["low"].equals(other["low"])
    assert first["value"].equals(other["value"])


def test_identical_texts_count_once():
    states = made()
    arrays = {language: np.concatenate([a, a[:, :20]], axis=1) for language, a in states.arrays.items()}
    groups = np.concatenate([np.arange(N), np.arange(20)])
    doubled = LayerStates.from_arrays(arrays, groups=groups)
    plain = LayerStates.from_arrays(dict(states.arrays))
    once, twice = (quiet(one, permutations=0).table.drop(columns="checkpoint") for one in (plain, doubled))
    assert once.equals(twice)
    ungrouped = quiet(LayerStates.from_arrays(arrays), metrics=["mexa"], variants=["centred"]).table
    assert ungrouped["value"].max() <= 0.65 < once[once["metric"] == "mexa"]["value"].max()


def test_duplicates_are_left_out_wherever_they_stand_and_however_groups_are_numbered():
    states, kept = made(), np.delete(np.arange(N), 1)
    groups = np.arange(N)[::-1].copy()
    same = {"metrics": ["cka"], "variants": ["length-partialled", "length-matched"]}
    expected = quiet(states, **same).table
    assert quiet(dataclasses.replace(states, groups=groups), **same).table.equals(expected)
    groups[1] = groups[0]
    without = LayerStates.from_arrays(
        {language: a[:, kept] for language, a in states.arrays.items()},
        checkpoint="a",
        token_counts={language: lengths[kept] for language, lengths in states.token_counts.items()},
    )
    assert quiet(dataclasses.replace(states, groups=groups), **same).table.equals(
        quiet(without, **same).table
    )


def test_contrast_is_the_paired_difference():
    a, b = made(strength=0.6), made(strength=1.2, checkpoint="b")
    found = contrast(a, b, draws=200, progress=False)
    single = {one.checkpoint: quiet(one).table for one in (a, b)}
    table = found.table
    assert set(table["checkpoint"]) == {"b"}
    assert set(table["baseline"]) == {"a"}
    assert table["value"].to_numpy() == pytest.approx(
        (single["b"]["value"] - single["a"]["value"]).to_numpy()
    )
    assert found.where(layer=2, metric="mexa").table["p"].max() < 0.01
    assert set(found.signatures) == {"a", "b"}


def test_a_difference_averaged_over_directions_is_as_certain_as_those_that_it_averages():
    a, b = made(strength=0.5), made(seed=1, strength=0.9, checkpoint="b")
    found = contrast(a, b, metrics=["p_at_1"], layers=[2], draws=200, progress=False)
    table = found.table[found.table["variant"] == "centred"]
    pair = np.where(table["source"] == "en", table["target"], table["source"])
    directions = table.groupby(pair)[["value", "low", "high"]].mean()
    assert found.peaks is not None
    averaged = found.peaks[found.peaks["variant"] == "centred"].set_index("target").loc[directions.index]
    assert averaged["value"].to_numpy() == pytest.approx(directions["value"].to_numpy())
    assert averaged["low"].ge(directions["low"] - 0.01).all()
    assert averaged["high"].le(directions["high"] + 0.01).all()
    below, above = averaged["value"] - averaged["low"], averaged["high"] - averaged["value"]
    assert below.between(0.5 * above, 2 * above).all()


def test_a_design_effect_is_given_only_where_single_sentences_have_an_influence():
    documents = np.arange(N) // 4
    both = [
        quiet(made(documents=own), metrics=["anc", "cka", "svcca"], permutations=0).table
        for own in (documents, None)
    ]
    assert both[1]["design_effect"].isna().all()
    effect = both[0].set_index("metric")["design_effect"]
    assert effect[["anc", "cka"]].between(0.2, 5).all()  # these sentences are independent: 1, but for chance
    assert effect[["svcca"]].isna().all()


def test_nothing_differs_from_itself():
    table = contrast(made(), made(checkpoint="b"), draws=50, progress=False).table
    assert table["value"].eq(0).all()
    assert table["p"].eq(1).all()
    shares = table["metric"].isin(
        ["mexa", "p_at_1"]
    )  # whether others of these sentences would change is open
    assert table.loc[shares, "low"].lt(0).all()
    assert table.loc[~shares, "low"].eq(0).all()


def test_pairing_narrows_the_interval():
    a = made(strength=1.0)
    jitter = np.random.default_rng(5)
    close = {k: v + 0.05 * jitter.normal(size=v.shape).astype(np.float32) for k, v in a.arrays.items()}
    b = dataclasses.replace(a, arrays=close, signature=a.signature.with_(checkpoint="b"))
    difference = contrast(a, b, metrics=["anc"], draws=200, progress=False).where(layer=2).table
    single = quiet(a, metrics=["anc"]).where(layer=2).table
    assert ((difference["high"] - difference["low"]) < 0.5 * (single["high"] - single["low"])).all()


def test_a_series_is_one_table():
    table = quiet([made(), made(1, checkpoint="b"), made(2, checkpoint="c")], metrics=["cka"]).table
    assert list(dict.fromkeys(table["checkpoint"])) == ["a", "b", "c"]
    assert table["baseline"].isna().all()


def test_tables_have_the_declared_columns():
    a, b = made(), made(1, checkpoint="b")
    quick = {"draws": 50, "progress": False}
    languages, tree = scoring.language_tree(quiet(a, pairs="all", metrics=["cka"]))
    tables = {
        "geometry": scoring.geometry(a, progress=False),
        "separation": scoring.separation(a, **quick),
        "confusions": scoring.confusions(a, [("en", "zh")]),
        "drift": scoring.drift(a, b, **quick),
        "layer_cka": scoring.layer_cka(a, b, progress=False),
        "languages": languages,
        "tree": tree,
    }
    for name, table in tables.items():
        assert {column: str(dtype) for column, dtype in table.dtypes.items()} == {
            column.name: column.dtype for column in RESULTS[name].columns
        }, name
        assert len(table), name
    assert list(scoring.controls(a, metrics=["mexa"], **quick).columns) == ["control", *COLUMNS]


def test_a_metric_of_ones_own_gets_chance_interval_and_p():
    @metric(label="Top-5", bounds=(0, 1), reference="-", chance=lambda n, d: 5 / n, symmetric=False)
    def top5(pair):
        return (pair.cosine >= pair.cosine.diagonal()[:, None]).sum(1) <= 5

    @metric(label="Euclid", bounds=(0, float("inf")), reference="-", higher_is_better=False, identical=0.0)
    def euclid(pair):
        return float((pair.x - pair.y).norm(dim=1).mean())

    table = quiet(made(), metrics=[top5, euclid, "mexa"], targets=["zh"], permutations=99).table
    assert table[["chance", "low", "high", "p"]].notna().all().all()
    last = table[(table["layer"] == 2) & (table["variant"] == "centred")].groupby("metric")["p"].max()
    assert (last < 0.01).all()
    first = table[(table["layer"] == 0) & (table["variant"] == "centred")].groupby("metric")["p"].max()
    assert (first > 0.01).all()


def test_inputs_are_not_changed():
    states = made()
    before = {language: a.copy() for language, a in states.arrays.items()}
    quiet(states, metrics=["mexa", "rsa"], variants=list(VARIANTS), permutations=2)
    scoring.geometry(states, progress=False)
    assert all(np.array_equal(before[k], a) for k, a in states.arrays.items())
