"""Profiles, contrasts and the tables beside them, on made states."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from repalign import LayerStates, RepalignError, contrast, metric, profile, scoring, statistics
from repalign.metrics import METRICS
from repalign.results.profile import COLUMNS
from repalign.results.schema import RESULTS
from repalign.scoring.influence import score_interval
from repalign.scoring.language_tree import _tree
from repalign.scoring.variants import VARIANTS, folds_of, length_matched

LANGUAGES = ("en", "zh", "ar")
N, D, LAYERS = 80, 16, 3


def made(
    seed: int = 0, strength: float = 1.0, checkpoint: str = "a", languages=LANGUAGES, **changes
) -> LayerStates:
    """States in which translations share more meaning with every layer; layer 0 shares none."""
    rng = np.random.default_rng(100)
    meaning = rng.normal(size=(N, D))
    lengths = {language: rng.integers(4, 30, size=N) for language in languages}
    texts = {language: [f"{language} {row}" for row in range(N)] for language in languages}
    ids = {language: [rng.integers(0, 300, size=k) for k in lengths[language]] for language in languages}
    own = np.random.default_rng(seed)
    arrays = {
        language: np.stack(
            [
                strength * layer * meaning + own.normal(size=(N, D)) + 2 * own.normal(size=D)
                for layer in range(LAYERS)
            ]
        ).astype(np.float32)
        for language in languages
    }
    states = LayerStates.from_arrays(arrays, checkpoint=checkpoint, texts=texts, token_counts=lengths)
    return dataclasses.replace(states, token_ids=ids, **changes)


def quiet(*states, **request):
    return profile(*states, draws=200, progress=False, **request)


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


def test_centring_takes_what_belongs_to_the_language():
    states = made()
    far = {language: a + 50 * k for k, (language, a) in enumerate(states.arrays.items())}
    moved = LayerStates.from_arrays(far, checkpoint="a")
    near, far_away = (quiet(one, metrics=["mexa"]).where(layer=2) for one in (states, moved))
    for target in ("zh", "ar"):
        centred, raw = (
            [one.where(variant=variant, target=target).table["value"].item() for one in (near, far_away)]
            for variant in ("centred", "raw")
        )
        assert centred[0] == pytest.approx(centred[1], abs=0.03)
        assert raw[1] < raw[0]


def test_folds_keep_a_sentence_out_of_its_own_mean():
    import torch

    from repalign.scoring.variants import Language, centred, standardised, without_length

    assert (np.diff(folds_of(30)) != 0).all(), "neighbours, often alike, are in different folds"
    assert [len(set(folds_of(n))) for n in (4, 30)] == [4, 10]
    states = torch.tensor(np.random.default_rng(0).normal(size=(30, 4)) + 3)
    lengths = torch.tensor(np.random.default_rng(1).integers(2, 9, size=30))
    language = Language(states, torch.tensor(folds_of(30)), lengths)
    others = language.folds != language.folds[7]
    assert centred(language)[7].numpy() == pytest.approx((states[7] - states[others].mean(0)).numpy())
    scale = states[others].std(0)
    expected = (states[7] - states[others].mean(0)) / scale
    assert standardised(language)[7].numpy() == pytest.approx(expected.numpy())
    fit = np.polynomial.polynomial.polyfit(np.log(lengths[others]), states[others].numpy(), 1)
    residual = states[7].numpy() - fit[0] - fit[1] * np.log(lengths[7].item())
    assert without_length(language)[7].numpy() == pytest.approx(residual)


def test_length_alone_looks_like_meaning_until_it_is_taken_out():
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 40, size=N)
    direction = rng.normal(size=D)
    arrays = {
        language: (np.log(lengths)[:, None] * direction * 3 + rng.normal(size=(N, D)))[None].astype(
            np.float32
        )
        for language in ("en", "zh")
    }
    states = LayerStates.from_arrays(arrays, token_counts={"en": lengths, "zh": lengths})
    table = quiet(states, metrics=["cka"], variants=["centred", "length-partialled"]).table.set_index(
        "variant"
    )
    assert table.loc["centred", "value"] > 0.5
    assert abs(table.loc["length-partialled", "value"]) < 0.1
    assert table.loc["length-partialled", "p"] > 1e-3


def test_length_matched_takes_the_half_nearest_the_usual_ratio():
    source = np.array([10, 10, 10, 10])
    assert length_matched(source, np.array([20, 21, 60, 5])).tolist() == [0, 1]
    assert length_matched(source[:3], np.array([20, 21, 60])).tolist() == [0, 1], (
        "of an odd number, the larger"
    )
    states = made()
    rows = quiet(
        states, metrics=["mexa", "cka", "anc"], variants=["centred+length-matched"], targets=["zh"]
    ).table
    assert set(rows["sentences"]) == {N // 2}
    half = length_matched(states.token_counts["en"], states.token_counts["zh"])
    alone = LayerStates.from_arrays({language: a[:, half] for language, a in states.arrays.items()})
    widths = [
        (one["high"] - one["low"]).to_numpy()
        for one in (
            rows[rows["metric"] == "anc"],
            quiet(alone, metrics=["anc"], variants=["raw"], targets=["zh"]).table,
        )
    ]
    assert widths[0] == pytest.approx(widths[1], rel=0.3), "the error of half is that among the half"


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_keeps_meaning_and_finds_none_where_there_is_none(name):
    rows = quiet(made(), metrics=["mexa", "cka"], variants=[name], targets=["zh"]).where(metric="cka").table
    assert rows["p"].iloc[0] > 1e-3
    assert rows["value"].iloc[-1] > 0.4


def test_outlier_dims_and_top_directions_are_removed():
    states = made()
    spike = np.random.default_rng(0).normal(size=(1, N, 1)) * 300
    arrays = {language: a.copy() for language, a in states.arrays.items()}
    for k, a in enumerate(arrays.values()):
        a[:, :, :1] += spike if k == 0 else np.roll(spike, 7, axis=1)
    states = LayerStates.from_arrays(arrays)
    for name in ("no-outlier-dims+centred", "no-top-pcs"):
        rows = quiet(states, metrics=["mexa"], variants=["centred", name], targets=["zh"], layers=[2]).table
        assert rows["value"].iloc[0] < 0.2 < 0.4 < rows["value"].iloc[1], name


def test_outlier_dims_are_large_whatever_their_sign():
    import torch

    from repalign.scoring.variants import TOP, Language, without_outlier_dims

    states = torch.tensor(np.random.default_rng(0).normal(size=(20, 6)) + 0.5)
    states[:, 1], states[:, 3], states[:, 4] = -90, torch.tensor([80.0, -80.0] * 10), 70
    left = without_outlier_dims(Language(states, torch.zeros(20), torch.ones(20)))
    assert (left == 0).all(0).nonzero().flatten().tolist() == [1, 3, 4]
    assert TOP == 3
    assert torch.equal(left[:, [0, 2, 5]], states[:, [0, 2, 5]])


def test_top_directions_are_those_around_the_mean():
    import torch

    from repalign.scoring.variants import Language, without_top_directions

    spread = np.array([1, 90, 80, 70, 1, 1])
    states = torch.tensor(np.random.default_rng(0).normal(size=(200, 6)) * spread + 1000 * np.eye(6)[0])
    left = without_top_directions(Language(states, torch.tensor(folds_of(200)), torch.ones(200)))
    assert left.std(0).max() < 3


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


def test_nothing_differs_from_itself():
    table = contrast(made(), made(checkpoint="b"), draws=50, progress=False).table
    assert table["value"].eq(0).all()
    assert table["p"].eq(1).all()
    assert table["low"].eq(0).all()


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


def test_all_pairs_and_the_tree_of_languages():
    rng = np.random.default_rng(0)
    meaning = rng.normal(size=(N, D))
    noise = {"en": 0.3, "de": 0.3, "zh": 1.5, "ja": 1.5}
    branch = {"en": 0, "de": 0, "zh": 1, "ja": 1}
    own = rng.normal(size=(2, N, D))
    arrays = {
        k: (meaning + own[branch[k]] + s * rng.normal(size=(N, D)))[None].astype(np.float32)
        for k, s in noise.items()
    }
    found = quiet(
        LayerStates.from_arrays(arrays), pairs="all", metrics=["cka", "p_at_1"], variants=["centred"]
    )
    assert len(found.where(metric="cka")) == 6
    languages, tree = scoring.language_tree(found)
    cka = languages[languages["metric"] == "cka"]
    matrix = cka.pivot(index="language", columns="other", values="distance")
    assert np.allclose(matrix, matrix.T)
    assert np.diag(matrix).tolist() == [0] * 4
    first, second, last = (tree[tree["metric"] == "cka"].iloc[k] for k in range(3))
    assert {first["left"], first["right"]} == {"en", "de"}
    assert {second["left"], second["right"]} == {"zh", "ja"}
    assert {last["left"], last["right"]} == {"0", "1"}
    assert last["size"] == 4
    order = cka.drop_duplicates("language").set_index("language")["order"]
    assert abs(order["en"] - order["de"]) == 1
    p_at_1 = found.where(metric="p_at_1").table
    ways = p_at_1[p_at_1["source"].isin(["en", "zh"]) & p_at_1["target"].isin(["en", "zh"])]
    cell = languages[languages["metric"] == "p_at_1"].set_index(["language", "other"]).loc[("en", "zh")]
    assert len(ways) == 2
    assert cell["value"] == pytest.approx(ways["value"].mean())
    assert cell["distance"] == pytest.approx(1 - ways["calibrated"].mean())
    with pytest.raises(RepalignError, match="pairs='all'"):
        scoring.language_tree(quiet(made(), metrics=["cka"]))


def test_languages_stand_in_the_order_of_the_tree():
    places = np.array([0.0, 10.0, 1.0, 11.0, 2.5])
    order, _ = _tree(np.abs(places[:, None] - places))
    along = places[np.argsort(order)]
    assert (np.diff(along) > 0).all() or (np.diff(along) < 0).all()


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


def test_geometry_names_the_outlier_dims_and_sees_length():
    states = made()
    arrays = {language: a.copy() for language, a in states.arrays.items()}
    arrays["en"][:, :, 5] += 400
    direction = np.ones(D, dtype=np.float32)
    arrays["zh"] += 3 * np.asarray(states.token_counts["zh"], dtype=np.float32)[None, :, None] * direction
    table = scoring.geometry(dataclasses.replace(states, arrays=arrays), progress=False)
    measure = table.set_index(["language", "measure", "layer"])
    assert measure.loc[("en", "outlier_dims", 1), "value"] == 1
    detail = measure.loc[("en", "outlier_dims", 1), "detail"]
    assert detail.startswith("5 (x")
    assert "," not in detail, "the others are no outliers"
    assert measure.loc[("zh", "length_cosine", 1), "value"] > 0.5
    assert abs(measure.loc[("ar", "length_cosine", 1), "value"]) < 0.5


def test_identity_falls_where_languages_are_centred():
    table = scoring.separation(made(), draws=50, progress=False, probe=True, layers=[2])
    value = table[table["language"].isna()].set_index(["measure", "variant"])["value"]
    assert value["silhouette_language", "raw"] > 0.2 > 0.05 > value["silhouette_language", "centred"]
    assert value["silhouette_sentence", "centred"] > value["silhouette_sentence", "raw"]
    assert value["probe_accuracy", "raw"] > 0.9
    by_chance = value["probe_accuracy", "raw"] - value["probe_selectivity", "raw"]
    assert by_chance == pytest.approx(1 / 3, abs=0.1), "three languages, of which nothing tells the control"
    assert table[table["measure"] == "centroid_distance"]["language"].tolist() == ["zh", "ar"] * 2


def test_neighbours_are_the_mistakes_of_retrieval_in_rows_of_the_corpus():
    states = made()
    groups = np.arange(N)
    groups[1] = 0  # row 1 says what row 0 says, and is not scored
    states = dataclasses.replace(states, groups=groups)
    table = scoring.confusions(states, [("en", "zh")], limit=None, layers=[1])
    found = quiet(states, metrics=["p_at_1"], variants=["centred"], layers=[1]).where(target="zh").table
    errors = len(table[table["target"] == "zh"])
    assert errors == round((1 - found["value"].item()) * (N - 1))
    assert 1 not in set(table["sentence"]) | set(table["taken_for"])
    assert (table["sentence"] != table["taken_for"]).all()
    assert (table["cosine"] >= table["cosine_right"]).all()
    one_way = table[table["target"] == "zh"]
    assert (one_way["cosine"] - one_way["cosine_right"]).is_monotonic_decreasing
    assert scoring.confusions(states, [("en", "zh")], limit=2, layers=[1]).groupby("source").size().max() == 2
    half = ["raw+length-matched"]
    of_half = scoring.confusions(states, [("en", "zh")], limit=None, layers=[1], variants=half)
    scored = np.delete(np.arange(N), 1)
    matched = scored[length_matched(states.token_counts["en"][scored], states.token_counts["zh"][scored])]
    assert set(of_half["sentence"]) | set(of_half["taken_for"]) <= set(matched.tolist())
    with pytest.raises(RepalignError, match="did you mean 'ratio'"):
        scoring.confusions(states, [("en", "zh")], margin="ration")


def test_drift_and_layers_against_layers():
    a = made()
    shift = {language: arr + (language == "zh") * 4 for language, arr in a.arrays.items()}
    noise = np.random.default_rng(0).normal(size=(LAYERS, N, D)).astype(np.float32)
    shift["ar"] = shift["ar"] + 3 * noise
    b = dataclasses.replace(a, arrays=shift, signature=a.signature.with_(checkpoint="b"))
    moved = scoring.drift(a, b, draws=50, progress=False).set_index(["measure", "language", "layer"])["value"]
    assert moved["cka", "en", 1] == pytest.approx(1)
    assert moved["cosine", "en", 1] == pytest.approx(1)
    assert moved["centroid_distance", "zh", 1] > 1 > 0.1 > moved["centroid_distance", "en", 1]
    assert moved["cka", "ar", 1] < 0.9
    one = {language: arr.copy() for language, arr in a.arrays.items()}
    one["en"][:, 7] *= -1  # one sentence of all moved: the interval's end would lie above 1
    ends = scoring.drift(a, dataclasses.replace(a, arrays=one), languages=["en"], draws=50, progress=False)[
        "high"
    ]
    assert ends.max() == 1
    grid = scoring.layer_cka(a, a, languages=["en"], progress=False)
    matrix = grid.pivot(index="layer", columns="baseline_layer", values="value").to_numpy()
    assert np.diag(matrix) == pytest.approx(np.ones(LAYERS), abs=1e-5)
    expected = METRICS["cka"](a.layer("en", 2), a.layer("en", 1)).value
    assert matrix[2, 1] == pytest.approx(expected, abs=1e-5)
    fewer = dataclasses.replace(a, arrays={k: v[:2] for k, v in a.arrays.items()}, layers=(0, 1), n_blocks=1)
    last = scoring.layer_cka(a, fewer, languages=["en"], progress=False).iloc[-1]
    assert (last["depth"], last["baseline_layer"], last["baseline_depth"]) == (1, 2, 1)


def test_a_bag_of_tokens_finds_what_shares_tokens():
    states = made()
    names = [np.array([1000 + row, 1000 + row]) for row in range(N)]
    ids = {
        k: [np.concatenate([a, b]) for a, b in zip(v, names, strict=True)]
        for k, v in states.token_ids.items()
    }
    shared = dataclasses.replace(states, token_ids=ids)
    value = {
        name: quiet(scoring.bag_of_tokens(one), metrics=["mexa"], variants=["raw"], layers=[0])
        .table["value"]
        .min()
        for name, one in (("shared", shared), ("unshared", states))
    }
    assert value["shared"] > 0.9 > 0.1 > value["unshared"]
    two = LayerStates.from_arrays({k: np.ones((1, 2, 3), np.float32) for k in ("en", "zh")})
    few = {"en": [np.array([7, 7]), np.array([8])], "zh": [np.array([7]), np.array([9])]}
    bag = scoring.bag_of_tokens(dataclasses.replace(two, token_ids=few))
    rare = 1 + np.log(4)  # idf: of four sentences one has it
    assert bag.layer("en", 0) == pytest.approx(np.array([[2 * (1 + np.log(2)), 0, 0], [0, rare, 0]]))
    subtracted = contrast(scoring.bag_of_tokens(shared), shared, metrics=["mexa"], draws=50, progress=False)
    assert subtracted.where(layer=0).table["value"].max() < -0.5
    with pytest.raises(RepalignError, match=r"no token ids of en, zh, ar; extract"):
        scoring.bag_of_tokens(dataclasses.replace(states, token_ids={}))


def test_controls_stand_beside_each_curve():
    states, twin = made(), made(7, strength=0.0)
    table = scoring.controls(
        states, twin=twin, unshared=made(3), metrics=["mexa"], draws=50, progress=False, permutations=0
    )
    kinds = {"bag-of-tokens", "random-weights", "unshared-tokens", "length-matched", "length-partialled"}
    assert set(table["control"]) == kinds
    assert set(table["variant"]) == {"centred"}
    assert set(table["checkpoint"]) == {"a"}
    for _, rows in table.groupby("control"):
        assert len(rows) == LAYERS * 2
    means = table[table["layer"] == 2].groupby("control")["value"].mean()
    assert means["length-matched"] > 0.5 > 0.1 > means["random-weights"]


def test_a_curve_that_is_a_control_has_the_other_controls():
    table = scoring.controls(made(), variants=["length-matched"], metrics=["mexa"], draws=50, progress=False)
    assert set(table["control"]) == {"bag-of-tokens", "length-partialled"}
    assert set(table["variant"]) == {"length-matched"}


def test_a_metric_of_ones_own_gets_chance_interval_and_p():
    @metric(label="Top-5", bounds=(0, 1), reference="-", chance=lambda n, d: 5 / n, symmetric=False)
    def top5(pair):
        return (pair.cosine >= pair.cosine.diagonal()[:, None]).sum(1) <= 5

    @metric(label="Euclid", bounds=(0, float("inf")), reference="-", closer="lower", identical=0.0)
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


@pytest.mark.parametrize(
    ("change", "request_", "message"),
    [
        (lambda s: s, {"metrics": ["mexxa"]}, "did you mean 'mexa'"),
        (lambda s: s, {"metrics": []}, "no metric to compute"),
        (lambda s: s, {"variants": ["centered"]}, "did you mean 'centred'"),
        (lambda s: s, {"variants": ["length-matched+length-matched"]}, "selects sentences twice"),
        (lambda s: s, {"source": "eng"}, "did you mean 'en'"),
        (lambda s: s, {"targets": ["fr"]}, "no language named 'fr'"),
        (lambda s: s, {"targets": ["en"]}, "no pair of languages"),
        (lambda s: s, {"pairs": "every"}, "kind of pairs"),
        (lambda s: s, {"layers": [9]}, "no layer 9"),
        (lambda s: s, {"correction": "holms"}, "did you mean 'holm'"),
        (lambda s: s, {"interval": "normal"}, "bca, percentile"),
        (lambda s: s.arrays["zh"].__setitem__((1, 5), np.nan), {}, "layer 1, language 'zh'.*row 5"),
        (lambda s: s.groups.__setitem__(1, 0) or s.arrays["zh"].__setitem__((1, 5), np.nan), {}, "row 5"),
        (lambda s: s.arrays["ar"].__setitem__((2, 7), 0), {}, "layer 2, language 'ar'.*zero vector.*row 7"),
    ],
)
def test_bad_requests_get_one_clear_line(change, request_, message):
    states = made()
    change(states)
    with pytest.raises(RepalignError, match=message) as found:
        quiet(states, **request_)
    assert "\n" not in str(found.value)


def test_too_few_sentences_name_the_metric():
    states = made()
    few = LayerStates.from_arrays({language: a[:, :8] for language, a in states.arrays.items()})
    with pytest.raises(RepalignError, match="'mutual_knn' needs at least 12 sentences, got 8"):
        quiet(few)


def test_contrast_refuses_other_sentences_and_layers():
    a, b = made(), made(checkpoint="b")
    other = {k: ["changed" if row == 3 else text for row, text in enumerate(v)] for k, v in b.texts.items()}
    with pytest.raises(RepalignError, match=r"different sentences: 1 differ in .*row 3"):
        contrast(a, dataclasses.replace(b, texts=other))
    fewer = LayerStates.from_arrays({k: v[:, :50] for k, v in b.arrays.items()}, checkpoint="b")
    with pytest.raises(RepalignError, match="80 and 50"):
        contrast(a, fewer)
    deeper = LayerStates.from_arrays({k: v[:2] for k, v in b.arrays.items()}, checkpoint="b", texts=b.texts)
    with pytest.raises(RepalignError, match=r"0\.\.2 and 0\.\.1"):
        contrast(a, deeper)
    assert len(contrast(a, deeper, layers=[0, 1], metrics=["cka"], draws=20, progress=False))
