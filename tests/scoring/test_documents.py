"""Scores of sentences in documents, and of the best layer."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scoring.factories import N, made, quiet, repeated
from simulation import best_layers, holds_layer, in_documents, rates, simulated

from repalign import LayerStates, RepalignError, contrast, scoring
from repalign.metrics import DEFAULT_METRICS, METRICS, LayerPair
from repalign.metrics.documents import Documents
from repalign.results.schema import RESULTS
from repalign.scoring.influence import influence_of
from repalign.scoring.measurement import Layer, with_another_of_its_document

SIZES = [1, 2, 3, 3, 5, 6, 8, 12]


def in_documents_of_sizes(seed: int = 0) -> LayerPair:
    rng = np.random.default_rng(seed)
    documents = rng.permutation(np.repeat(np.arange(len(SIZES)), SIZES))
    meaning = rng.normal(size=(len(documents), 6))
    pair = LayerPair.of(
        *(
            meaning + rng.normal(size=(len(SIZES), 6))[documents] + rng.normal(size=meaning.shape) + shift
            for shift in (1.0, -1.0)
        )
    )
    return LayerPair(pair.source, pair.target, Documents(documents))


def influence_by_document(name: str, pair: LayerPair) -> np.ndarray:
    assert pair.documents is not None
    influence = influence_of(METRICS[name], pair, METRICS[name](pair))
    assert influence.mean() == pytest.approx(0, abs=1e-9)
    return np.bincount(pair.documents.number, influence)


@pytest.mark.parametrize("name", ["cka", "anc", "cosine_gap"])
def test_a_document_moves_a_score_as_leaving_it_out_does(name):
    pair = in_documents_of_sizes()
    assert pair.documents is not None
    number, sizes = pair.documents.number, np.bincount(pair.documents.number)
    value = METRICS[name](pair).value
    without = np.array([METRICS[name](pair.take(np.flatnonzero(number != one))).value for one in range(8)])
    moved = (value - without) * (len(number) - sizes)
    moved -= sizes * moved.sum() / len(number)
    found = influence_by_document(name, pair)
    if name == "cka":  # scaled, as pairs of documents count once
        found = found * np.linalg.norm(moved) / np.linalg.norm(found)
    assert found == pytest.approx(moved, abs=1e-4 * np.abs(moved).max())


def test_a_dim_that_varies_in_one_document_only_does_not_break_anc():
    pair = in_documents_of_sizes()
    assert pair.documents is not None
    pair.x[:, 0] = pair.y[:, 0] = 1.0
    rows = pair.documents.number == 4
    pair.x[rows, 0] += 3
    pair.y[rows, 0] += 3
    assert np.isfinite(influence_by_document("anc", pair)).all()


@pytest.mark.parametrize("name", [*DEFAULT_METRICS, "rsa", "procrustes"])
def test_documents_do_not_change_a_score(name):
    states = made()
    free, held = (
        quiet(one, metrics=[name], variants=["raw"], permutations=0).table
        for one in (states, dataclasses.replace(states, documents=np.arange(N) // 8))
    )
    assert np.allclose(free["value"], held["value"], equal_nan=True)
    assert free["design_effect"].isna().all()
    assert held["design_effect"].notna().any()


@pytest.mark.parametrize("name", ["cka", "anc", "cosine_gap", "p_at_1"])
def test_the_design_effect_is_one_for_independent_sentences_and_the_size_for_repeated_ones(name):
    independent = dataclasses.replace(made(), documents=np.arange(N) // 4)
    alone = quiet(independent, metrics=[name], variants=["centred"]).table["design_effect"]
    assert alone.median() == pytest.approx(1, abs=0.5)
    if name == "p_at_1":  # of four sentences that say the same, chance finds one
        return
    together = quiet(repeated(4), metrics=[name], variants=["centred"]).table.query("layer > 0")
    assert together["design_effect"].median() == pytest.approx(4, abs=1.2)


def test_a_score_that_leaves_documents_out_whole_has_no_design_effect():
    held = dataclasses.replace(made(), documents=np.arange(N) // 4)
    table = quiet(held, metrics=["svcca"], variants=["raw"], permutations=0).table
    assert table["design_effect"].isna().all()
    assert table["low"].notna().all()


def test_intervals_of_repeated_sentences_are_as_wide_as_those_of_each_once():
    """Twenty documents of four sentences that say the same hold as much as twenty sentences."""
    width = {}
    for name, states in {
        "known": repeated(4),
        "unknown": dataclasses.replace(repeated(4), documents=None),
    }.items():
        table = quiet(states, metrics=["anc", "cosine_gap"], variants=["centred"], layers=[2]).table
        width[name] = (table["high"] - table["low"]).mean()
    assert width["known"] == pytest.approx(2 * width["unknown"], rel=0.25)


def test_topic_alone_is_above_chance_of_all_but_not_of_its_documents():
    rng = np.random.default_rng(0)
    documents = np.arange(200) // 10
    topics = rng.normal(size=(20, 16))[documents]
    arrays = {language: (topics + rng.normal(size=(200, 16)))[None] for language in ("en", "zh")}
    states = LayerStates.from_arrays(arrays, documents=documents)
    free = quiet(dataclasses.replace(states, documents=None), variants=["centred"]).table.set_index("metric")
    held = quiet(states, variants=["centred"]).table.set_index("metric")
    topic = quiet(states, variants=["centred"], same_document=True).table.set_index("metric")
    for name in ("cka", "anc", "mutual_knn", "cosine_gap"):
        assert free.loc[name, "p"] < 1e-6, name
        assert held.loc[name, "p"] > 0.01, name
        low, high = topic.loc[name, ["low", "high"]]
        assert low <= held.loc[name, "value"] <= high, f"{name}: the topic explains it"


def test_an_alignment_of_sentences_exceeds_its_topic():
    states = simulated(0, 200, 1.0, 0.5, icc=0.4)[0]
    metrics = ["anc", "cosine_gap", "mexa", "p_at_1"]
    table, topic = (
        quiet(states, metrics=metrics, variants=["centred"], same_document=same).table
        for same in (False, True)
    )
    assert (table["low"] > topic["high"]).all()
    found = scoring.controls(states, metrics=metrics, draws=100, progress=False).query(
        "control == 'same-document'"
    )
    assert len(found) == len(topic)
    assert set(found["variant"]) == {"centred"}


def test_no_sentence_meets_its_translation_and_each_meets_one_of_its_document():
    documents = np.array([0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 1])
    arrays = {language: np.arange(12.0).reshape(1, 12, 1) + 1 for language in ("en", "zh")}
    layer = Layer(LayerStates.from_arrays(arrays, documents=documents), 0, "cpu")
    paired = with_another_of_its_document(layer.pair("en", "zh", "raw"))
    source, target = (side.flatten().numpy().astype(int) - 1 for side in (paired.pair.x, paired.pair.y))
    assert source.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 11], "those alone in their document are left out"
    assert (documents[source] == documents[target]).all()
    assert (source != target).all()
    assert sorted(target) == sorted(source)
    assert paired.rows is not None
    assert paired.rows.tolist() == source.tolist()


def test_topic_needs_documents_with_other_sentences():
    with pytest.raises(RepalignError, match=r"documents are unknown; give them by --clusters"):
        quiet(made(), same_document=True)
    with pytest.raises(RepalignError, match="every document has one sentence"):
        quiet(dataclasses.replace(made(), documents=np.arange(N)), same_document=True)
    alone = scoring.controls(
        dataclasses.replace(made(), documents=np.arange(N)), metrics=["anc"], draws=50, progress=False
    )
    assert "same-document" not in set(alone["control"])


def test_one_document_is_refused():
    with pytest.raises(RepalignError, match="one document"):
        quiet(dataclasses.replace(made(), documents=np.zeros(N, dtype=int)))


def test_a_document_for_each_sentence_changes_nothing_but_the_design_effect():
    free = quiet(made(), metrics=["anc", "cosine_gap"]).table
    held = quiet(dataclasses.replace(made(), documents=np.arange(N)), metrics=["anc", "cosine_gap"]).table
    for column in ("value", "low", "high", "p"):
        assert np.allclose(free[column], held[column], rtol=0.05, atol=0.01), column
    assert held["design_effect"].to_numpy() == pytest.approx(np.ones(len(held)), abs=1e-6)


def test_a_peak_for_each_curve_with_both_directions_as_one():
    scores = quiet(made(), variants=["centred"])
    peaks = scores.peaks
    assert peaks is not None
    assert list(peaks.columns) == [column.name for column in RESULTS["peaks"].columns]
    assert len(peaks) == len(DEFAULT_METRICS) * 2
    assert (peaks["source"] == "en").all()
    assert (peaks["layer"] == 2).all(), "translations share more with every layer"
    assert all(holds_layer(layers, 2) for layers in peaks["layers"])
    assert ((peaks["low"] <= peaks["value"]) & (peaks["value"] <= peaks["high"])).all()
    assert (peaks["over_first_low"] > 0).all()
    assert peaks["over_last"].to_numpy() == pytest.approx(np.zeros(len(peaks)), abs=1e-6)
    assert (peaks["p"] < 0.01).all()
    for peak in peaks.itertuples():
        pair = [peak.source, peak.target]
        rows = scores.where(metric=peak.metric, layer=peak.layer).table
        rows = rows[rows["source"].isin(pair) & rows["target"].isin(pair)]
        assert len(rows) == (1 if METRICS[str(peak.metric)].symmetric else 2)
        assert peak.chosen_on_all == pytest.approx(rows["value"].mean())


def test_the_peak_of_a_contrast_is_its_largest_change():
    before, after = made(strength=1.0), made(strength=0.0)
    peaks = contrast(before, after, metrics=["anc", "p_at_1"], draws=200, progress=False).peaks
    assert peaks is not None
    assert (peaks["baseline"] == "a").all()
    assert (peaks["layer"] == 2).all()
    assert (peaks["high"] < 0).all(), "a loss"
    assert (peaks["p"] < 0.01).all()
    assert peaks["chance"].isna().all()
    same = contrast(
        made(0, strength=0.0), made(1, strength=0.0), metrics=["anc"], draws=200, progress=False
    ).peaks
    assert same is not None
    assert (same["p"] > 0.01).all()


@pytest.mark.parametrize("documents", [None, np.arange(60) // 6])
def test_p_of_the_best_of_unrelated_layers_is_uniform(documents):
    found: dict[str, list[float]] = {name: [] for name in ("cka", "anc", "mutual_knn", "p_at_1")}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        arrays = {
            language: rng.normal(size=(1, 60, 12)) + 0.7 * rng.normal(size=(4, 60, 12))
            for language in ("en", "zh")
        }
        states = LayerStates.from_arrays(arrays, documents=documents)
        peaks = quiet(states, metrics=[*found], variants=["centred"], seed=seed).peaks
        assert peaks is not None
        for name, p in zip(peaks["metric"], peaks["p"], strict=True):
            found[name].append(p)
    for name, p in found.items():
        for level in (0.05, 0.2, 0.5):
            slack = 3.5 * (level * (1 - level) / 40) ** 0.5
            assert (np.array(p) <= level).mean() <= level + slack, (name, level)
        if name != "p_at_1":  # which takes few values
            assert np.median(p) < 0.7, name


@pytest.mark.parametrize("peaked", [False, True])
def test_the_interval_of_the_best_layer_holds_its_true_score(peaked):
    truth = np.array([0.2, 0.35, 0.25]) if peaked else np.full(15, 0.3)
    peaks = best_layers(200, truth, rho=0.5, n=100)
    covered = (peaks["low"] <= truth.max()) & (truth.max() <= peaks["high"])
    assert 0.89 <= covered.mean() <= 1
    assert np.mean([holds_layer(layers, 1) for layers in peaks["layers"]]) >= 0.89
    if not peaked:
        assert peaks["value"].mean() == pytest.approx(0.3, abs=0.01)
        assert peaks["chosen_on_all"].mean() > 0.33, (
            "choosing and scoring on the same sentences is optimistic"
        )


def test_rates_of_sentences_in_documents_light():
    for strength in (0.0, 1.0):
        found = rates(*in_documents(25, 100, 0.4, strength, ("anc", "cosine_gap", "cka")))
        assert found["covered"].between(0.76, 1).all()
        assert found["difference"].between(0.76, 1).all()
        assert (found["difference_p"] <= 0.24).all()
        if strength == 0:
            assert (found["p"] <= 0.24).all()
