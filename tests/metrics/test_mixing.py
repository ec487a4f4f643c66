"""Interlingual Local Overlap against its definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from repalign.metrics import METRICS, Representation
from repalign.metrics.mixing import local_overlap


def languages(count: int, apart: float, n: int = 50, d: int = 12, seed: int = 0) -> list[np.ndarray]:
    """Languages of shared meaning, ever further from the first: float64 [sentence, dim] each."""
    rng = np.random.default_rng(seed)
    meaning, shift = rng.normal(size=(n, d)), rng.normal(size=(count, d))
    return [meaning + rng.normal(size=(n, d)) + apart * k * shift[k] for k in range(count)]


def defined(arrays: list[np.ndarray], k: int, threshold: int) -> list[float]:
    """The definition: neighbours among all sentences of all languages, sentence by sentence."""
    flat = np.concatenate(arrays)
    label = np.repeat(np.arange(len(arrays)), [len(array) for array in arrays])
    unit = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    bridges, reached = np.zeros(len(arrays)), [set() for _ in arrays]
    for row, language in enumerate(label):
        order = np.argsort(-(unit @ unit[row]))
        near = {int(label[other]) for other in [o for o in order if o != row][:k]} - {int(language)}
        bridges[language] += len(near) >= threshold
        reached[language] |= near
    bridge = bridges / [len(array) for array in arrays]
    reach = np.array([len(found) for found in reached]) / (len(arrays) - 1)
    return [2 * b * r / (b + r) if b + r else 0.0 for b, r in zip(bridge, reach, strict=True)]


@pytest.mark.parametrize("apart", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_local_overlap_is_that_of_its_definition(apart, seed):
    arrays = languages(5, apart, seed=seed)
    sides = [Representation.of(array.astype(np.float32)) for array in arrays]
    found = [local_overlap(sides, source)[0] for source in range(5)]
    assert found == pytest.approx(defined(arrays, 5, 3), abs=1e-12)


def test_ilo_of_a_pair_is_the_definition_for_two_languages():
    for apart in (0.0, 0.3, 0.6):
        x, y = languages(2, apart)
        expected = defined([x, y], 5, 1)
        assert [METRICS["ilo"](x, y).value, METRICS["ilo"](y, x).value] == pytest.approx(expected, abs=1e-12)


def test_ilo_sees_mixing_and_not_translation():
    x, y = languages(2, 0.4)
    scores, order = METRICS["ilo"](x, y), np.random.default_rng(0).permutation(len(x))
    assert METRICS["ilo"](x, y[order]).value == scores.value
    assert scores.null is not None
    assert scores.null.p(scores.value) == 1
    assert METRICS["ilo"](x - 100, y + 100).value == 0


def test_equal_sentences_make_no_bridge():
    x = np.ones((20, 4), dtype=np.float32)
    value, bridges = local_overlap([Representation.of(x)] * 4, 0)
    assert value == 0
    assert bridges.equal(torch.zeros(20, dtype=torch.bool))


def test_ilo_in_a_narrow_cone_is_that_of_float64():
    x, y = (1e-4 * side + 1 for side in languages(2, 1.5, d=24))
    x, y = (side.astype(np.float32) for side in (x, y))
    assert METRICS["ilo"](x, y).value == defined([x.astype(float), y.astype(float)], 5, 1)[0]
    assert 0.1 < METRICS["ilo"](x, y).value < 0.99
