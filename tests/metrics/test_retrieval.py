"""Retrieval against published scripts and papers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from repalign.metrics import METRICS, LayerPair
from repalign.metrics.contract import related
from repalign.metrics.retrieval import margin_search


def published_mexa(cosines: np.ndarray) -> float:
    """MEXA as published, one sentence at a time."""
    found = 0
    for i, row in enumerate(cosines):
        others = max(np.delete(row, i)), max(np.delete(cosines[:, i], i))
        found += row[i] > others[0] and row[i] > others[1]
    return found / len(cosines)


@pytest.mark.parametrize("seed", range(5))
def test_mexa_equals_the_published_script(seed):
    from scipy.spatial.distance import cosine

    x, y = related(60, 20, 1.0, seed)
    cosines = np.array([[1 - cosine(a, b) for b in y] for a in x])
    assert METRICS["mexa"](x, y).value == published_mexa(cosines)
    in_float32 = METRICS["mexa"](x.astype(np.float32), y.astype(np.float32)).value
    assert in_float32 == published_mexa(cosines)


def test_duplicated_and_collapsed_sentences_are_no_hits():
    x, y = related(40, 30, 10.0)
    assert METRICS["mexa"](x, y).value == 1
    for row in range(0, 20, 2):
        x[row + 1], y[row + 1] = x[row], y[row]
    for name in ("mexa", "p_at_1", "csls"):
        assert METRICS[name](x, y).value == 0.5
    same = np.ones((40, 30), dtype=np.float32)
    assert METRICS["p_at_1"](same, same).value == 0


def test_csls_is_that_of_its_paper():
    x, y = related(300, 8, 3.0)
    a, b = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (x, y))
    cosine = a @ b.T
    near, far = (
        np.sort(cosine, axis)[:, -10:].mean(1) if axis else np.sort(cosine, 0)[-10:].mean(0)
        for axis in (1, 0)
    )
    hits = (2 * cosine - near[:, None] - far).argmax(1) == np.arange(300)
    assert METRICS["csls"](x, y).per_sentence.numpy().astype(bool).tolist() == hits.tolist()
    assert hits.tolist() != METRICS["p_at_1"](x, y).per_sentence.numpy().astype(bool).tolist()


@pytest.mark.parametrize("margin", ["ratio", "distance", "absolute"])
def test_margin_search_looks_among_the_nearest_four_only(margin):
    pair = LayerPair.of(*related(30, 8, 1.0))
    cosine = pair.cosine
    row, column = (cosine.topk(4, dim=k).values.mean(k) for k in (1, 0))
    middle = (row[:, None] + column) / 2
    scores = {"ratio": cosine / middle, "distance": cosine - middle, "absolute": cosine}[margin]
    scores = scores.masked_fill(cosine < cosine.topk(4, dim=1).values[:, -1:], -torch.inf)
    assert margin_search(pair, margin).index.tolist() == scores.argmax(1).tolist()
