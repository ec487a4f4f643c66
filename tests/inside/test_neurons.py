"""Neurons of one language, by their rates of activation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from repalign.inside.neurons import activation_rates, language_neurons


def test_neurons_are_counted_where_their_gate_is_open(engine, tokens, llama):
    rates = activation_rates(engine, tokens, 384)
    assert rates.shape == (3, 64, 3)
    model = AutoModelForCausalLM.from_pretrained(llama)
    open_at = []
    model.model.layers[1].mlp.gate_proj.register_forward_hook(
        lambda module, args, output: open_at.append(output[0] > 0)
    )
    with torch.inference_mode():
        for row in tokens["zh"]:
            model(torch.as_tensor(row.ids).long()[None])
    kept = torch.cat(
        [opened[torch.as_tensor(row.content)] for opened, row in zip(open_at, tokens["zh"], strict=True)]
    )
    assert rates[1, :, 2] == pytest.approx(kept.double().mean(0).numpy(), abs=1e-9)


def test_the_chosen_neurons_are_those_of_one_language():
    rates = np.full((4, 50, 3), 0.2)
    rates[1, 7] = [0.9, 0.0, 0.0]
    rates[2, 3] = [0.0, 0.8, 0.8]
    rates[3, 9] = [0.95, 0.95, 0.95]  # busy in every language
    rates[0, 4] = [0.05, 0.0, 0.0]  # of one language, but hardly ever active
    found = language_neurons(rates, share=2 / 200)
    assert list(zip(found.layer, found.neuron, found.language, strict=True)) == [
        (2, 7, 0), (3, 3, 1), (3, 3, 2)
    ]  # fmt: skip
    assert found.entropy == pytest.approx([0, np.log(2) / np.log(3), np.log(2) / np.log(3)])
    assert found.rate == pytest.approx([0.9, 0.8, 0.8])
    assert found.elsewhere == pytest.approx([0, 0.4, 0.4])
    turned = language_neurons(rates[..., ::-1], share=2 / 200)
    assert sorted(2 - turned.language) == sorted(found.language), "the order of languages is no matter"


def test_neurons_that_are_always_active_are_of_no_language():
    assert len(language_neurons(np.ones((2, 30, 3))).layer) == 0
