"""Maps: one sheet for languages, layers and checkpoints; faithfulness against scikit-learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from factories import sample_states

from repalign.errors import RepalignError
from repalign.maps.faithfulness import faithfulness
from repalign.maps.projection import _points, project, sample, sentence_table, turn
from repalign.maps.reducers import REDUCERS
from repalign.results.profile import COLUMNS, LayerProfile
from repalign.results.results import Results
from repalign.results.schema import RESULTS
from repalign.states.layer_states import LayerStates

SHAPE = {"languages": ("en", "ar", "zh"), "layers": 4, "sentences": 30, "dim": 10}


def places(table, **equal):
    for column, value in equal.items():
        table = table[table[column] == value]
    return table[["x", "y"]].to_numpy(np.float64)


@pytest.fixture(scope="module")
def states() -> LayerStates:
    return sample_states(**SHAPE)


@pytest.fixture(scope="module")
def table(states):
    return project([states, sample_states("alpaca", 0.35, **SHAPE)], progress=False)


def test_a_row_for_every_sentence_and_nothing_else(table, states):
    assert len(table) == 2 * 2 * 4 * 3 * 30
    assert list(table.columns) == RESULTS["map"].names
    assert not table.duplicated(["checkpoint", "variant", "layer", "language", "sentence"]).any()
    nearest = [name for name in table if name.startswith("nearest_")]
    assert table.drop(columns=["z", *nearest]).notna().all().all()
    assert (table[nearest].notna().all(axis=1) == (table["language"] != "en")).all()


def test_each_layer_is_centred_and_has_unit_spread(table):
    for _, rows in table.groupby(["variant", "layer"], observed=True):
        points = rows[["x", "y"]].to_numpy(np.float64)
        np.testing.assert_allclose(points.mean(0), 0, atol=1e-5)
        assert (points**2).sum(1).mean() == pytest.approx(1, abs=1e-4)


def test_layers_are_turned_onto_the_one_before(table):
    """No rotation or mirroring of a layer would bring it nearer to the layer before."""
    for layer in (1, 2, 3):
        here, before = (places(table, variant="raw", layer=number) for number in (layer, layer - 1))
        np.testing.assert_allclose(turn(here, before), np.eye(2), atol=1e-3)


def test_a_turned_space_gives_the_same_map(states):
    """The map of rotated states is the map, up to one turn of the whole sheet."""
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(10, 10)))[0].astype(np.float32)
    turned = replace(states, arrays={name: array @ rotation for name, array in states.arrays.items()})
    one, other = (project(given, variants=["raw"], progress=False) for given in (states, turned))
    sheet = turn(places(other, layer=0), places(one, layer=0))
    for layer in states.layers:
        np.testing.assert_allclose(places(other, layer=layer) @ sheet, places(one, layer=layer), atol=2e-3)


def test_the_same_checkpoint_twice_lies_on_itself(states):
    twin = replace(states, signature=states.signature.with_(checkpoint="twin"))
    both = project([states, twin], progress=False)
    np.testing.assert_allclose(
        both.loc[both["checkpoint"] == "twin", ["x", "y"]],
        both.loc[both["checkpoint"] == "m-llama", ["x", "y"]],
    )


def test_checkpoints_of_other_dims_and_depth_are_turned_onto_the_first(states):
    wide = {name: np.concatenate([array, 0 * array], -1)[::2] for name, array in states.arrays.items()}
    other = LayerStates.from_arrays(wide, checkpoint="wide", texts=states.texts, layers=[0, 2], n_blocks=3)
    both = project([states, other], variants=["raw"], progress=False)
    for layer in (0, 2):
        one, two = (places(both, checkpoint=name, layer=layer) for name in ("m-llama", "wide"))
        np.testing.assert_allclose(two, one, atol=1e-3)


def test_cosine_and_margin_are_those_of_the_states(states):
    table = project(states, variants=["raw"], progress=False)
    for layer in (0, 3):
        en, zh = (states.layer(name, layer).astype(np.float64) for name in ("en", "zh"))
        en, zh = (m / np.linalg.norm(m, axis=1, keepdims=True) for m in (en, zh))
        similar = zh @ en.T
        rows = table[(table["layer"] == layer) & (table["language"] == "zh")]
        np.testing.assert_allclose(rows["cosine"], similar.diagonal(), atol=1e-5)
        best_wrong = np.where(np.eye(len(en), dtype=bool), -2, similar).max(1)
        np.testing.assert_allclose(rows["margin"], similar.diagonal() - best_wrong, atol=1e-5)


def test_the_nearest_are_those_of_the_states(states):
    table = project(states, progress=False, sentences=20, seed=1)
    rows = table[table["variant"] == "raw"]
    kept = np.sort(rows["sentence"].unique())
    pivot, other = (states.layer(name, 2)[kept].astype(np.float64) for name in ("en", "zh"))
    cosine = (other / np.linalg.norm(other, axis=1, keepdims=True)) @ (
        pivot / np.linalg.norm(pivot, axis=1, keepdims=True)
    ).T
    expected = kept[np.argsort(-cosine, axis=1)[:, :3]]
    shown = rows[(rows["layer"] == 2) & (rows["language"] == "zh")].sort_values("sentence")
    np.testing.assert_array_equal(shown[["nearest_1", "nearest_2", "nearest_3"]].to_numpy(int), expected)


def test_centring_takes_the_language_out(states):
    table = project(states, progress=False)

    def spread(variant):
        own = table[(table["variant"] == variant) & (table["layer"] == 0)]
        return own.groupby("language", observed=True)[["x", "y"]].mean().abs().to_numpy().max()

    assert spread("raw") > 0.3
    assert spread("centred") < 0.1  # dividing by the length comes after, and moves the mean a little


def test_centring_takes_the_mean_of_all_sentences_not_of_those_shown(states):
    rows = np.arange(5)
    shown = states.layer("en", 1) - states.layer("en", 1).mean(0)
    expected = (shown / np.linalg.norm(shown, axis=1, keepdims=True))[rows]
    found = _points(states, 1, rows, "centred")[states.languages.index("en")]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("dims", [2, 3])
def test_trustworthiness_is_that_of_scikit_learn(dims):
    from sklearn.manifold import trustworthiness

    points = np.random.default_rng(1).normal(size=(80, 9))
    for placed in (points[:, :dims], np.random.default_rng(2).normal(size=(80, dims))):
        trust, _ = faithfulness(points, placed)
        assert trust == pytest.approx(trustworthiness(points, placed, n_neighbors=10), abs=1e-12)


def test_knn_overlap_counts_shared_neighbours():
    from sklearn.neighbors import NearestNeighbors

    points = np.random.default_rng(3).normal(size=(60, 5))
    near = [
        NearestNeighbors(n_neighbors=10).fit(p).kneighbors(return_distance=False)
        for p in (points, points[:, :2])
    ]
    shared = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(*near, strict=True)])
    assert faithfulness(points, points[:, :2])[1] == pytest.approx(shared)
    assert faithfulness(points, points) == (1.0, 1.0)


def test_sentences_are_drawn_once_a_group(states):
    groups = np.arange(30) // 2
    twins = replace(states, groups=groups)
    rows = sample(twins, 10, seed=3)
    assert len(rows) == 10 == len(set(groups[rows]))
    assert list(rows) == sorted(rows)
    table = project(twins, sentences=10, seed=3, progress=False)
    assert sorted(set(table["sentence"])) == list(rows)


def test_every_sentence_has_its_text(states):
    table = sentence_table(states).set_index(["language", "sentence"])
    assert len(table) == 3 * 30
    for language in states.languages:
        assert list(table.loc[language, "text"]) == states.texts[language]


COMPILES = pytest.mark.heavy  # UMAP compiles for half a minute on first use


@pytest.mark.parametrize(
    "reducer", [pytest.param(name, marks=COMPILES) if name == "umap" else name for name in REDUCERS]
)
@pytest.mark.filterwarnings("ignore")
def test_every_reducer_finds_two_clusters(reducer):
    if reducer == "umap":
        pytest.importorskip("umap")
    draw = np.random.default_rng(0)
    points = np.concatenate([draw.normal(size=(40, 12)) + 8, draw.normal(size=(40, 12)) - 8]).astype(
        np.float32
    )
    placed = np.asarray(REDUCERS[reducer](points, 2, seed=0))
    assert placed.shape == (80, 2)
    here, there = placed[:40], placed[40:]
    gap = np.linalg.norm(here.mean(0) - there.mean(0))
    assert gap > 2 * max(here.std(0).max(), there.std(0).max())
    again = np.asarray(REDUCERS[reducer](points, 2, seed=0, start=placed))
    assert np.isfinite(again).all()


def test_a_reducer_of_ones_own(states):
    def first_dims(points, dims, *, seed, start=None):
        return points[:, :dims]

    table = project(states, reducer=first_dims, dims=3, progress=False)
    assert set(table["reducer"]) == {"first_dims"}
    assert table["z"].notna().all()


def test_it_survives_the_disk(table, tmp_path):
    Results("empty", LayerProfile(pd.DataFrame(columns=list(COLUMNS)), {}), {"map": table}).save(tmp_path)
    read = Results.load(tmp_path).tables["map"]
    np.testing.assert_array_equal(read[["x", "y"]], table[["x", "y"]])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reducer": "pcaa"}, "did you mean 'pca'"),
        ({"variants": ["raww"]}, "did you mean 'raw'"),
        ({"pivot": "zz"}, "no language named 'zz'"),
        ({"dims": 4}, "2 or 3 dims"),
        ({"sentences": 3}, "at least 4"),
    ],
)
def test_mistakes_are_told(states, changes, said):
    with pytest.raises(RepalignError, match=said):
        project(states, progress=False, **changes)


def test_other_sentences_are_refused(states):
    other = sample_states("alpaca", 0.35, **{**SHAPE, "sentences": 31})
    with pytest.raises(RepalignError, match="same languages and sentences"):
        project([states, other], progress=False)


def test_margins_are_precise_in_a_narrow_cone():
    rng = np.random.default_rng(0)
    axis, meaning, *own = rng.normal(size=(4, 1, 40, 32))
    arrays = {
        name: (axis[:, :1] + 1e-3 * (meaning + noise)).astype(np.float32)
        for name, noise in zip(("en", "zh"), own, strict=True)
    }
    table = project(LayerStates.from_arrays(arrays, checkpoint="narrow"), variants=["raw"], progress=False)
    en, zh = (arrays[name][0].astype(np.float64) for name in ("en", "zh"))
    en, zh = (m / np.linalg.norm(m, axis=1, keepdims=True) for m in (en, zh))
    similar = zh @ en.T
    margin = similar.diagonal() - np.where(np.eye(40, dtype=bool), -2, similar).max(1)
    assert np.abs(margin).max() < 1e-5
    np.testing.assert_allclose(table[table["language"] == "zh"]["margin"], margin, rtol=1e-2, atol=1e-10)
