"""Geometry and separation of the languages of made states."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scoring.factories import D, made, repeated

from repalign import scoring


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


def test_means_are_as_unsure_as_their_documents_are_few():
    known = repeated(8)
    widths = []
    for states in (known, dataclasses.replace(known, documents=None)):
        table = scoring.separation(states, draws=2000, progress=False, variants=["raw"], layers=[2])
        rows = table[table["measure"] == "silhouette_language"]
        widths.append((rows["high"] - rows["low"]).to_numpy())
    # ten documents of eight: by the root of eight, and Student's quantiles of ten units
    assert (widths[0] / widths[1] > 2.3).all()
    assert (widths[0] / widths[1] < 5).all()


def test_a_probe_is_tested_on_documents_that_it_was_not_trained_on(monkeypatch):
    seen = []
    descriptors = scoring.separation.__globals__["descriptors"]
    probe = descriptors.probe
    monkeypatch.setattr(descriptors, "probe", lambda *given: seen.append(given[2]) or probe(*given))
    states = dataclasses.replace(made(), documents=np.arange(80) % 12)
    scoring.separation(states, draws=20, progress=False, probe=True, variants=["raw"], layers=[2])
    for folds in seen:
        assert len({*folds}) == 5
        assert all(len({*folds[states.documents == one]}) == 1 for one in range(12))
    assert len(seen) == 2
