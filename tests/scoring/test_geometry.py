"""Geometry and separation of the languages of made states."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scoring.factories import D, made

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
