"""Effects of interventions beside their controls."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from inside.factories import LANGUAGES

from repalign.inside.causal import N_CONTROLS, Effects, adjusted
from repalign.inside.interventions import (
    Edit,
    EditableModel,
    without_directions,
)
from repalign.inside.neurons import language_neurons


def test_effects_are_differences_from_the_baseline_model(model, tokens):
    effects = Effects(model, tokens, "en", draws=50, seed=0)
    means = np.stack([model.engine.pool(rows, ["mean"])[0, 2].mean(0) for rows in tokens.values()])
    rows = list(effects.of_subspace(2, means.astype(np.float64)))
    assert {row["size"] for row in rows} == {2}, "three means span two directions"
    assert {(row["language"], row["outcome"]) for row in rows} == {
        *((lang, outcome) for lang in LANGUAGES for outcome in ("loss", "own")), ("el", "p_at_1"), ("zh", "p_at_1")
    }  # fmt: skip
    centre = means.mean(0)
    _, _, directions = np.linalg.svd(means - centre, full_matrices=False)
    change = without_directions(directions[:2], centre)
    after = model.run(tokens["zh"], [Edit(2, "resid", change)]).loss
    row = next(row for row in rows if (row["language"], row["outcome"]) == ("zh", "loss"))
    assert row["baseline"] == pytest.approx(model.run(tokens["zh"]).loss.mean())
    assert row["value"] == pytest.approx((after - model.run(tokens["zh"]).loss).mean(), abs=1e-6)
    assert row["low"] <= row["value"] <= row["high"]
    steered = list(effects.of_steering(1, means.astype(np.float64)))
    assert [(row["of"], row["language"]) for row in steered] == [
        ("el", "el"),
        ("el", "el"),
        ("zh", "zh"),
        ("zh", "zh"),
    ]
    assert {row["outcome"] for row in steered} == {"own", "pivot"}


def test_controls_take_as_much_from_the_same_layers(model, tokens, monkeypatch):
    taken = []
    said = EditableModel.run

    def noted(self, rows, edits=()):
        taken.append({edit.layer: int((edit.change(torch.ones(1, 1, 64)) == 0).sum()) for edit in edits})
        return said(self, rows, edits)

    monkeypatch.setattr(EditableModel, "run", noted)
    rates = np.full((3, 64, 3), 0.1)
    rates[0, :3], rates[2, 5] = [0.9, 0, 0], [0.9, 0, 0]
    chosen = language_neurons(rates, share=4 / 192, active=0.5)
    rows = list(Effects(model, tokens, "en", draws=20, seed=0).of_neurons(chosen, 64))
    assert [edits for edits in taken if edits] == [{1: 3, 3: 1}] * (1 + N_CONTROLS) * 3
    assert {row["of"] for row in rows} == {"en"}
    assert {row["size"] for row in rows} == {4}


def test_p_is_adjusted_within_each_intervention_and_outcome():
    rows = [
        {"intervention": kind, "outcome": "loss", "p": p}
        for kind, p in (("neurons", 0.01), ("neurons", 0.02), ("subspace", 0.03))
    ]
    assert [row["p_adjusted"] for row in adjusted(rows)] == pytest.approx([0.02, 0.02, 0.03])
