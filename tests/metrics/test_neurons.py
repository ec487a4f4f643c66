"""NeuronXA against its formula, and as published on the states of single tokens."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from repalign.metrics import METRICS, LayerPair
from repalign.metrics.contract import related
from repalign.models.pooling import POOLINGS, weighted


def weak_alignment(x: np.ndarray, y: np.ndarray) -> float:
    """The published rule: c_ii above all c_ij and c_ji."""
    lengths = (np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-300) for side in (x, y))
    cosine = np.divide(x, next(lengths)) @ np.divide(y, next(lengths)).T
    found = 0
    for i in range(len(cosine)):
        others = np.r_[np.delete(cosine[i], i), np.delete(cosine[:, i], i)]
        found += bool((cosine[i, i] > others + 1e-9).all())
    return found / len(cosine)


@pytest.mark.parametrize("seed", range(4))
def test_neuronxa_is_weak_alignment_of_neuron_states(seed):
    x, y = related(60, 50, 1.0, seed)
    assert METRICS["nasca"](x, y).value == weak_alignment((x > 0) * 1.0, (y > 0) * 1.0)
    assert METRICS["navca"](x, y).value == weak_alignment(abs(x), abs(y))
    assert 0 < METRICS["nasca"](x, y).value < 1


def test_sentences_with_the_same_active_neurons_are_ties():
    x, _ = related(40, 64, 1.0)
    assert METRICS["nasca"](x, x).value == 1
    x[1] = x[0] * np.linspace(1, 2, 64)
    assert METRICS["nasca"](x, x).value == 38 / 40
    assert METRICS["navca"](x, x).value == 1


def test_shifts_change_neuron_states_but_scales_do_not():
    x, y = related(60, 50, 3.0)
    for name in ("nasca", "navca"):
        value = METRICS[name](x, y).value
        assert METRICS[name](5 * x, 0.1 * y).value == value
        assert METRICS[name](x + 1, y - 1).value < value


def test_as_published_needs_a_pooling_of_three_lines():
    """The recipe of docs/metrics.md: token by token 1 or 0, averaged with weights 1, 2, 3, ...; then MEXA."""

    def neuron_states(hidden, content, real):
        return weighted((hidden > 0).float(), content, real)

    assert "weighted" in POOLINGS
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(30, 7, 40, generator=generator)
    real = torch.arange(7) < torch.randint(2, 8, (30, 1), generator=generator)
    pooled = neuron_states(hidden, real, real)
    for row in (0, 1, 2):
        tokens = hidden[row, real[row]].numpy() > 0
        weights = np.arange(1, len(tokens) + 1)
        assert pooled[row].numpy() == pytest.approx(weights @ tokens / weights.sum(), abs=1e-6)
    other = pooled + 0.3 * torch.rand(pooled.shape, generator=generator)
    expected = weak_alignment(pooled.double().numpy(), other.double().numpy())
    assert METRICS["mexa"](LayerPair.of(pooled, other)).value == expected
