"""Controls beside each curve."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scoring.factories import LAYERS, N, made, quiet

from repalign import LayerStates, RepalignError, contrast, scoring


def test_a_bag_of_tokens_finds_what_shares_tokens():
    states = made()
    names = [np.array([1000 + row, 1000 + row]) for row in range(N)]
    ids = {
        k: [np.concatenate([a, b]) for a, b in zip(v, names, strict=True)]
        for k, v in states.token_ids.items()
    }
    shared = dataclasses.replace(states, token_ids=ids)
    value = {
        name: quiet(scoring.bag_of_tokens(one), metrics=["mexa"], variants=["raw"], layers=[0])
        .table["value"]
        .min()
        for name, one in (("shared", shared), ("unshared", states))
    }
    assert value["shared"] > 0.9 > 0.1 > value["unshared"]
    two = LayerStates.from_arrays({k: np.ones((1, 2, 3), np.float32) for k in ("en", "zh")})
    few = {"en": [np.array([7, 7]), np.array([8])], "zh": [np.array([7]), np.array([9])]}
    bag = scoring.bag_of_tokens(dataclasses.replace(two, token_ids=few))
    rare = 1 + np.log(4)  # idf: of four sentences one has it
    assert bag.layer("en", 0) == pytest.approx(np.array([[2 * (1 + np.log(2)), 0, 0], [0, rare, 0]]))
    subtracted = contrast(scoring.bag_of_tokens(shared), shared, metrics=["mexa"], draws=50, progress=False)
    assert subtracted.where(layer=0).table["value"].max() < -0.5
    with pytest.raises(RepalignError, match=r"no token ids of en, zh, ar; extract"):
        scoring.bag_of_tokens(dataclasses.replace(states, token_ids={}))


def test_controls_stand_beside_each_curve():
    states, twin = made(), made(7, strength=0.0)
    table = scoring.controls(
        states, twin=twin, unshared=made(3), metrics=["mexa"], draws=50, progress=False, permutations=0
    )
    kinds = {"bag-of-tokens", "random-weights", "unshared-tokens", "length-matched", "length-partialled"}
    assert set(table["control"]) == kinds
    assert set(table["variant"]) == {"centred"}
    assert set(table["checkpoint"]) == {"a"}
    for _, rows in table.groupby("control"):
        assert len(rows) == LAYERS * 2
    means = table[table["layer"] == 2].groupby("control")["value"].mean()
    assert means["length-matched"] > 0.5 > 0.1 > means["random-weights"]


def test_a_curve_that_is_a_control_has_the_other_controls():
    table = scoring.controls(made(), variants=["length-matched"], metrics=["mexa"], draws=50, progress=False)
    assert set(table["control"]) == {"bag-of-tokens", "length-partialled"}
    assert set(table["variant"]) == {"length-matched"}
