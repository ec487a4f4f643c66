"""The loss in chunks against torch's, which holds all logits in float32."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from repalign_training import cross_entropy, loss

TOKENS, VOCABULARY = 10, 7


@pytest.fixture(autouse=True)
def few_rows(monkeypatch):
    """Chunks of four rows, the last one incomplete."""
    monkeypatch.setattr(cross_entropy, "CHUNK", 4 * VOCABULARY)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_value_and_gradient_are_those_of_all_logits_at_once(dtype):
    torch.manual_seed(0)
    whole = (10 * torch.randn(TOKENS, VOCABULARY)).to(dtype).requires_grad_()
    parts = whole.detach().clone().requires_grad_()
    targets, weights = torch.randint(VOCABULARY, (TOKENS,)), torch.rand(TOKENS)
    expected = torch.nn.functional.cross_entropy(whole.float(), targets, reduction="none")
    nats = cross_entropy.nats(parts, targets)
    assert nats.dtype == torch.float32
    torch.testing.assert_close(nats, expected)
    (expected * weights).sum().backward()
    (nats * weights).sum().backward()
    assert parts.grad is not None
    assert parts.grad.dtype == dtype
    torch.testing.assert_close(parts.grad, whole.grad)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("biased", [True, False])
def test_the_head_in_groups_gives_the_loss_of_its_logits(dtype, biased, monkeypatch):
    monkeypatch.setattr(cross_entropy, "GROUP", 4 * VOCABULARY)  # the last of the groups is incomplete
    monkeypatch.setattr(cross_entropy, "CHUNK", 2 * VOCABULARY)
    torch.manual_seed(0)
    head = torch.nn.Linear(5, VOCABULARY, bias=biased).to(dtype).requires_grad_(False)
    whole = (3 * torch.randn(TOKENS, 5)).to(dtype).requires_grad_()
    parts = whole.detach().clone().requires_grad_()
    targets, weights = torch.randint(VOCABULARY, (TOKENS,)), torch.rand(TOKENS)
    expected = torch.nn.functional.cross_entropy(head(whole).float(), targets, reduction="none")
    nats = cross_entropy.head_nats(parts, head.weight, head.bias, targets)
    torch.testing.assert_close(nats, expected)
    (expected * weights).sum().backward()
    (nats * weights).sum().backward()
    assert parts.grad is not None
    assert parts.grad.dtype == dtype
    torch.testing.assert_close(
        parts.grad,
        whole.grad,
        rtol=0.05 if dtype == torch.bfloat16 else 1e-5,
        atol=1e-2 if dtype == torch.bfloat16 else 1e-6,
    )


MANY, SIMILAR = 5_000, 12
"""Tokens of a vocabulary of which few are likely, and positions that find the same ones likely."""


@pytest.fixture
def peaked():
    """States in bfloat16, weights and targets, such that less than half of the vocabulary has the least probability."""
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(1, 16, generator=generator) + 0.1 * torch.randn(SIMILAR, 16, generator=generator)
    weight = 1.3 * torch.randn(MANY, 16, generator=generator)
    return hidden.bfloat16(), weight.bfloat16(), torch.randint(MANY, (SIMILAR,), generator=generator)


@pytest.fixture
def likely(monkeypatch):
    """The number of tokens that were found likely, call after call."""
    numbers: list[int] = []
    find = cross_entropy._likely

    def found(*args: torch.Tensor) -> torch.Tensor:
        numbers.append(len(ids := find(*args)))
        return ids

    monkeypatch.setattr(cross_entropy, "_likely", found)
    return numbers


def gradient_of_states(states, weight, targets, scratch=None):
    hidden = states.clone().requires_grad_()
    cross_entropy.head_nats(hidden, weight, None, targets, scratch).sum().backward()
    return hidden.grad


def exact_gradient(states, weight, targets):
    hidden = states.double().requires_grad_()
    torch.nn.functional.cross_entropy(hidden @ weight.double().T, targets, reduction="sum").backward()
    return hidden.grad


def all_take_part(monkeypatch):
    monkeypatch.setattr(cross_entropy, "_likely", lambda logits, *_: torch.arange(logits.shape[1]))


def test_unlikely_tokens_are_left_out_of_the_gradient_within_its_rounding(peaked, likely, monkeypatch):
    exact, few = exact_gradient(*peaked), gradient_of_states(*peaked)
    assert 0 < likely[0] < MANY / 2
    all_take_part(monkeypatch)
    everything = gradient_of_states(*peaked)
    assert not torch.equal(few, everything)
    error, of_rounding = ((of.double() - exact).norm(dim=1) / exact.norm(dim=1) for of in (few, everything))
    assert of_rounding.mean() > 1e-4, "no rounding to compare with"
    assert error.mean() < 1.1 * of_rounding.mean()


def test_a_long_tail_is_not_left_out(peaked, likely, monkeypatch):
    monkeypatch.setattr(cross_entropy, "LEAST", 0.02)  # what is below it adds up to more than LEFT_OUT
    kept = gradient_of_states(*peaked)
    assert 0 < likely[0] < MANY / 100
    all_take_part(monkeypatch)
    assert torch.equal(kept, gradient_of_states(*peaked))


def test_an_unlikely_target_takes_part(peaked, likely):
    states, weight, _ = peaked
    targets = (states.float() @ weight.float().T).argmin(1)
    exact = exact_gradient(states, weight, targets)
    error = (gradient_of_states(states, weight, targets).double() - exact).norm() / exact.norm()
    assert likely[0] < MANY / 2
    assert error < 0.01


def test_nothing_is_left_out_in_32_bits(peaked, likely):
    states, weight, targets = peaked
    gradient = gradient_of_states(states.float(), weight.float(), targets)
    torch.testing.assert_close(gradient.double(), exact_gradient(*peaked), rtol=1e-4, atol=1e-5)
    assert not likely


def test_memory_that_is_used_again_keeps_nothing_of_the_call_before(peaked):
    states, weight, targets = peaked
    scratch = cross_entropy.Scratch()
    first = gradient_of_states(states, weight, targets, scratch)
    kept = first.clone()
    fewer = gradient_of_states(states[:5], weight, targets[:5], scratch)
    assert torch.equal(first, kept)
    assert torch.equal(fewer, gradient_of_states(states[:5], weight, targets[:5]))
    assert torch.equal(gradient_of_states(states, weight, targets, scratch), kept)
    in_32_bits = gradient_of_states(states.float(), weight.float(), targets, scratch)
    assert torch.equal(in_32_bits, gradient_of_states(states.float(), weight.float(), targets))


def test_no_labels_have_no_loss_from_the_head_either():
    hidden, weight = torch.zeros(0, 5, requires_grad=True), torch.zeros(VOCABULARY, 5)
    nats = cross_entropy.head_nats(hidden, weight, None, torch.zeros(0, dtype=torch.int64))
    assert nats.shape == (0,)
    nats.sum().backward()
    assert hidden.grad is not None
    assert hidden.grad.shape == (0, 5)


class Model(torch.nn.Module):
    """Embedding and output layer, with a cap of the logits if wanted; counts the logits that it computes."""

    def __init__(self, cap: float | None, trained: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.cap = torch.nn.Embedding(VOCABULARY, 5), cap
        self.head = torch.nn.Linear(5, VOCABULARY).requires_grad_(trained)
        self.computed: list[int] = []

    def get_output_embeddings(self) -> torch.nn.Module:
        return self.head

    def forward(self, input_ids: torch.Tensor, use_cache: bool) -> SimpleNamespace:
        logits = self.head(self.embedding(input_ids))
        self.computed.append(len(logits))
        return SimpleNamespace(
            logits=logits if self.cap is None else self.cap * torch.tanh(logits / self.cap)
        )


@pytest.mark.parametrize(
    ("cap", "trained", "later"),
    [(None, False, 0), (None, True, 3), (0.5, False, 3), (0.5, True, 3), (30.0, False, 3)],
)
def test_the_logits_of_a_model_are_left_out_only_where_nothing_else_makes_them(cap, trained, later):
    model = Model(cap, trained)
    inputs = {
        "input_ids": torch.tensor([[1, 2, 3, 4]]),
        "labels": torch.tensor([[loss.IGNORED, 5, 6, 1]]),
    }
    logits = model(inputs["input_ids"], use_cache=False).logits[0, :3]
    expected = torch.nn.functional.cross_entropy(logits, inputs["labels"][0, 1:])
    expected.backward()
    of_embedding = model.embedding.weight.grad.clone()
    labelled = loss.LabelledPositions(model)
    bits = []
    for _ in range(3):
        model.zero_grad()
        again = labelled.loss(model, inputs)
        again.backward()
        torch.testing.assert_close(again, expected)
        torch.testing.assert_close(model.embedding.weight.grad, of_embedding)
        assert model.computed[-1] == later
        bits.append((again.item(), model.embedding.weight.grad.tolist()))
    assert bits[0] == bits[1] == bits[2], "a resumed run, whose first batch is another, would differ"


@pytest.mark.parametrize("cap", [None, 30.0])
def test_a_first_batch_without_labels_settles_nothing(cap):
    model = Model(cap, trained=False)
    labelled, ids = loss.LabelledPositions(model), torch.tensor([[1, 2, 3, 4]])
    nothing, something = torch.full((1, 4), loss.IGNORED), torch.tensor([[loss.IGNORED, 5, 6, 1]])
    assert labelled.loss(model, {"input_ids": ids, "labels": nothing}, items=1).item() == 0
    labelled.loss(model, {"input_ids": ids, "labels": something})
    assert model.computed[-1] == (3 if cap else 0)


def test_no_labels_have_no_loss():
    logits = torch.zeros(0, VOCABULARY, requires_grad=True)
    nats = cross_entropy.nats(logits, torch.zeros(0, dtype=torch.int64))
    assert nats.shape == (0,)
    nats.sum().backward()
    assert logits.grad is not None
    assert logits.grad.shape == (0, VOCABULARY)


def test_no_float32_copy_of_all_logits_is_kept():
    logits = torch.zeros(TOKENS, VOCABULARY, dtype=torch.bfloat16, requires_grad=True)
    kept: list[torch.Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: kept.append(tensor) or tensor, lambda one: one
    ):
        cross_entropy.nats(logits, torch.zeros(TOKENS, dtype=torch.int64))
    assert [one.shape for one in kept if one.dtype == torch.float32] == [(TOKENS,)]
