"""Planted faults are named, right states are not accused."""

from __future__ import annotations

import pytest
import torch
from verification.factories import BY_NAME, FAMILIES, VARIANTS, judged, outcome, tiny_model, truth_of

from repalign.verification.comparing import Claimed
from repalign.verification.faults import APPENDED, CONVENTIONS, FAULTS, NO_EMBEDDING, NORMED_LAST
from repalign.verification.judging import RIGHT, UNKNOWN, judge

QUICK = ("llama",)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory, save_tokenizer):
    return save_tokenizer(tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture(scope="module")
def llama_truth(tokenizer):
    return truth_of(tiny_model("llama"), tokenizer)


def kinds():
    return [pytest.param(kind, marks=() if kind in QUICK else pytest.mark.heavy) for kind in FAMILIES]


HARMLESS = {
    "last layer after the final norm": {"bert", "xlm-roberta"},
    "final norm at every layer": {"bert", "xlm-roberta"},
    "word embeddings alone": {"llama", "qwen2", "qwen3", "mixtral", "t5"},
    # Relative positions, or positions computed from the mask.
    "left padding shifts positions": set(FAMILIES) - {"gpt2", "bert"},
}
"""Faults that change nothing in some families."""

SAME = {"MLP output only": "residual missing", "word embeddings alone": "embedding scale missing"}
"""Faults that are the same as others in some families."""


@pytest.mark.parametrize("kind", kinds())
def test_every_fault_is_named_in_every_family(kind, tokenizer):
    truth = truth_of(tiny_model(kind), tokenizer)
    for fault in (*CONVENTIONS, *FAULTS):
        said = outcome(truth, fault)
        if kind in HARMLESS.get(fault.name, ()):
            assert said == "harmless", fault.name
        else:
            assert said in ("named", f"as {SAME.get(fault.name)}"), fault.name


@pytest.mark.parametrize(
    ("name", "how", "plant"), VARIANTS[::2], ids=[f"{name}, {how}" for name, how, _ in VARIANTS[::2]]
)
def test_faults_are_named_whatever_their_constants(name, how, plant, llama_truth):
    assert outcome(llama_truth, BY_NAME[name], plant) == "named"


@pytest.mark.heavy
@pytest.mark.parametrize("kind", FAMILIES)
def test_faults_are_named_whatever_their_constants_in_every_family(kind, tokenizer):
    truth = truth_of(tiny_model(kind), tokenizer)
    for name, how, plant in VARIANTS:
        assert outcome(truth, BY_NAME[name], plant) == "named", (name, how)


def test_a_fault_is_named_beside_a_convention(llama_truth):
    conventions = frozenset({NORMED_LAST.name})
    shown = llama_truth.with_convention(NORMED_LAST.convention)
    right = judged(llama_truth, shown.states, conventions=conventions)
    assert right.right
    assert right.conventions == (NORMED_LAST,)
    for name in ("scaled", "prompts in the wrong order", "padding leak", "rounded to bfloat16"):
        judgement = judged(llama_truth, BY_NAME[name].plant(shown), conventions=conventions)
        assert [one.fault.name for one in judgement.findings] == [name]


def test_a_convention_is_a_fault_where_it_is_not_declared_and_where_it_is_not_done(llama_truth):
    for fault in (NORMED_LAST, NO_EMBEDDING, APPENDED):
        states = fault.plant(llama_truth)
        assert judged(llama_truth, states).findings[0].fault == fault
        assert judged(llama_truth, states, conventions=frozenset({fault.name})).right
        either_way = {"conventions": frozenset({fault.name}), "free": True}
        assert judged(llama_truth, states, **either_way).right
        assert judged(llama_truth, llama_truth.states, **either_way).right
        not_done = judged(llama_truth, llama_truth.states, conventions=frozenset({fault.name}))
        assert [one.fault.name for one in not_done.findings] == [f"declared, not done: {fault.name}"]


def test_two_faults_at_two_layers_are_both_named(llama_truth):
    states = [one.clone() for one in llama_truth.states]
    for one in states:
        one[1], one[3] = 0.0, one[3] * 2
    judgement = judged(llama_truth, states)
    assert [row.verdict for row in judgement.rows] == [RIGHT, "zeros", RIGHT, "scaled", RIGHT]
    assert {one.fault.name: one.layers for one in judgement.findings} == {"zeros": (1,), "scaled": (3,)}


def test_what_no_hypothesis_explains_is_not_guessed(llama_truth):
    states = [one.clone() for one in llama_truth.states]
    for one in states:
        one[2, :, ::2] *= -1
    judgement = judged(llama_truth, states)
    assert not judgement.right
    assert judgement.findings == ()
    assert [row.verdict for row in judgement.rows] == [RIGHT, RIGHT, UNKNOWN, RIGHT, RIGHT]


def test_noise_is_not_reproducible(llama_truth):
    draw = torch.Generator().manual_seed(0)
    noise = [torch.randn(one.shape, generator=draw) for one in llama_truth.states]
    (finding,) = judged(llama_truth, noise).findings
    assert finding.fault.name == "not reproducible"


def test_some_layers_alone_can_be_judged(llama_truth):
    chosen = [1, 3, 4]
    states = [one[chosen] for one in llama_truth.states]
    assert judged(llama_truth, states, layers=chosen, counted=False).right
    above = [one[[2, 4, 4]] for one in llama_truth.states]
    (finding,) = judged(llama_truth, above, layers=chosen, counted=False).findings
    assert finding.fault.name == "off by one: the layer above"


def test_states_that_claim_half_precision_are_not_accused_of_it(llama_truth):
    rounded = [one.bfloat16().float() for one in llama_truth.states]
    assert not judged(llama_truth, rounded).right
    claimed = Claimed("planted", rounded, range(5), dtype="bfloat16")
    assert judge(llama_truth, claimed, [3e-2] * 5).right


def test_dropout_that_is_on_is_named(tokenizer):
    truth = truth_of(tiny_model("gpt2"), tokenizer)
    torch.manual_seed(0)
    truth.script.body.train()
    judgement = judged(truth, truth.read_alone())
    truth.script.body.eval()
    assert {one.fault.name for one in judgement.findings} == {"not reproducible"}
