"""Drift between checkpoints, and layers against layers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scoring.factories import LAYERS, D, N, made, repeated

from repalign import scoring
from repalign.metrics import METRICS


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


def test_drift_is_as_unsure_as_its_documents_are_few():
    a, b = repeated(8), repeated(8, seed=1)
    widths = []
    for documents in (a.documents, None):
        pair = (dataclasses.replace(one, documents=documents) for one in (a, b))
        table = scoring.drift(*pair, layers=[1], draws=2000, progress=False).set_index(
            ["measure", "language"]
        )
        widths.append(table["high"] - table["low"])
    ratio = (widths[0] / widths[1])["cosine"]
    assert ((ratio > 2.3) & (ratio < 5)).all(), "ten documents of eight"
    assert (widths[0] > widths[1])["cka"].all()
