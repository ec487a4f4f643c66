"""Interventions against changed weights and plain hooks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from inside.factories import opened
from transformers import AutoModelForCausalLM, AutoTokenizer

from repalign.inside.interventions import (
    Edit,
    EditableModel,
    add_vector,
    without_directions,
    without_neurons,
)


def test_baseline_the_loss_is_the_models_own(model, tokens, llama):
    said = model.run(tokens["en"])
    plain = AutoModelForCausalLM.from_pretrained(llama)
    for number in (0, 11):
        ids = torch.as_tensor(tokens["en"][number].ids).long()[None]
        with torch.inference_mode():
            assert said.loss[number] == pytest.approx(float(plain(ids, labels=ids).loss), abs=1e-5)
    assert said.states == pytest.approx(model.engine.pool(tokens["en"], ["mean"])[0, -1], abs=1e-5)
    assert ((said.mass >= 0) & (said.mass <= 1)).all()


def test_a_neuron_set_to_nothing_is_a_column_of_zeros(model, tokens, llama, own, tmp_path):
    edits = [
        Edit(3, "mlp-act", without_neurons(np.array([5, 8]))),
        Edit(1, "mlp-act", without_neurons(np.array([0]))),
    ]
    changed = AutoModelForCausalLM.from_pretrained(llama)
    changed.model.layers[2].mlp.down_proj.weight.data[:, [5, 8]] = 0
    changed.model.layers[0].mlp.down_proj.weight.data[:, 0] = 0
    changed.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(llama).save_pretrained(tmp_path)
    expected = EditableModel(opened(tmp_path), own).run(tokens["zh"])
    found, untouched = model.run(tokens["zh"], edits), model.run(tokens["zh"])
    assert found.loss == pytest.approx(expected.loss, abs=1e-6)
    assert found.states == pytest.approx(expected.states, abs=1e-5)
    assert not np.allclose(found.states, untouched.states, atol=1e-5)


def test_a_state_changed_in_the_trace_is_one_changed_by_a_hook(model, engine, tokens):
    generator = np.random.default_rng(0)
    directions = np.linalg.qr(generator.normal(size=(32, 2)))[0].T
    change = without_directions(directions, generator.normal(size=32))
    found = model.run(tokens["el"], [Edit(2, "resid", change)])
    handle = engine.reader.blocks[1].register_forward_hook(lambda module, args, output: change(output))
    expected = engine.pool(tokens["el"], ["mean"])[0, -1]
    handle.remove()
    assert found.states == pytest.approx(expected, abs=1e-5)


def test_directions_are_gone_and_all_others_stay():
    generator = np.random.default_rng(0)
    directions, centre = np.linalg.qr(generator.normal(size=(8, 3)))[0].T, generator.normal(size=8)
    change = without_directions(directions, centre)
    states = torch.from_numpy(generator.normal(size=(2, 5, 8))).float()
    moved = change(states)
    assert (moved.numpy() - centre) @ directions.T == pytest.approx(np.zeros((2, 5, 3)), abs=1e-5)
    rest = np.eye(8) - directions.T @ directions
    assert moved.numpy() @ rest == pytest.approx(states.numpy() @ rest, abs=1e-5)
    assert torch.allclose(change(moved), moved, atol=1e-5)
    assert change(states.bfloat16()).dtype == torch.bfloat16


def test_a_step_that_undoes_itself_changes_nothing(model, tokens):
    step = np.random.default_rng(0).normal(size=32)
    edits = [Edit(1, "resid", add_vector(step)), Edit(1, "resid", add_vector(-step))]
    assert model.run(tokens["en"], edits).loss == pytest.approx(model.run(tokens["en"]).loss, abs=1e-4)
    assert model.run(tokens["en"], edits[:1]).loss != pytest.approx(model.run(tokens["en"]).loss, abs=1e-4)
