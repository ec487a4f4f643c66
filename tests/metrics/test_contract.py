"""What a metric declares is tested."""

from __future__ import annotations

import pytest

import repalign
from repalign.metrics import METRICS
from repalign.metrics.contract import CONTRACT_CHECKS


@pytest.mark.parametrize("check", CONTRACT_CHECKS)
@pytest.mark.parametrize("name", METRICS)
def test_contract(name, check):
    assert list(CONTRACT_CHECKS[check](METRICS[name])) == []


def test_the_contract_finds_what_is_wrong():
    @repalign.metric(
        label="wrong",
        bounds=(0, 0.5),
        reference="here",
        invariances=("shift",),
        chance=lambda sentences, dims: 0.4,
    )
    def wrong(pair):
        pair.x.mul_(1.5)
        return -float((pair.x - 2 * pair.y).norm())

    violated = {name for name, check in CONTRACT_CHECKS.items() if list(check(wrong))}
    assert violated >= {
        "bounds",
        "direction",
        "identity",
        "symmetry",
        "invariances",
        "chance",
        "inputs_untouched",
    }
