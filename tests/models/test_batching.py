"""Batches: their budget, and the head they share."""

from __future__ import annotations

import numpy as np

from repalign.models.batching import common_prefix, plan
from repalign.models.tokenization import Tokens


def test_a_head_is_shared_up_to_the_first_content_of_any_row():
    rows = [
        Tokens(np.array(ids), np.array(content))
        for ids, content in (([1, 2, 3], [False, True, True]), ([1, 2, 4], [False, False, True]))
    ]
    assert common_prefix(rows) == common_prefix(rows[::-1]) == 1
    assert common_prefix(rows[1:] * 2) == 2


def test_batches_keep_the_budget_and_every_row():
    lengths = np.random.default_rng(0).integers(1, 90, size=2000)
    batches = list(plan(lengths, 256))
    assert sorted(np.concatenate(batches).tolist()) == list(range(2000))
    assert all(len(b) * lengths[b].max() <= 256 or len(b) == 1 for b in batches)
    for budget in (256, 4096, 65536):
        waste = sum(len(b) * lengths[b].max() for b in plan(lengths, budget)) / lengths.sum()
        assert waste < 1.15, "a large budget is no reason to pad"
