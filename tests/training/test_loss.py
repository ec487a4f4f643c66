"""The loss in chunks against torch's, which holds all logits in float32."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from repalign_training import loss
from torch.nn.functional import cross_entropy

TOKENS, VOCABULARY = 10, 7


@pytest.fixture(autouse=True)
def few_rows(monkeypatch):
    """Chunks of four rows, the last one incomplete."""
    monkeypatch.setitem(loss.CHUNK, "cpu", 4 * VOCABULARY)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_value_and_gradient_are_those_of_all_logits_at_once(dtype):
    torch.manual_seed(0)
    whole = (10 * torch.randn(TOKENS, VOCABULARY)).to(dtype).requires_grad_()
    parts = whole.detach().clone().requires_grad_()
    targets, weights = torch.randint(VOCABULARY, (TOKENS,)), torch.rand(TOKENS)
    expected = cross_entropy(whole.float(), targets, reduction="none")
    nats = loss.nats(parts, targets)
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
    monkeypatch.setattr(loss, "GROUP", 2)  # the last of the groups is incomplete
    monkeypatch.setitem(loss.CHUNK, "cpu", 2 * VOCABULARY)
    torch.manual_seed(0)
    head = torch.nn.Linear(5, VOCABULARY, bias=biased).to(dtype).requires_grad_(False)
    whole = (3 * torch.randn(TOKENS, 5)).to(dtype).requires_grad_()
    parts = whole.detach().clone().requires_grad_()
    targets, weights = torch.randint(VOCABULARY, (TOKENS,)), torch.rand(TOKENS)
    expected = cross_entropy(head(whole).float(), targets, reduction="none")
    nats = loss.head_nats(parts, head.weight, head.bias, targets)
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


def test_no_labels_have_no_loss_from_the_head_either():
    hidden, weight = torch.zeros(0, 5, requires_grad=True), torch.zeros(VOCABULARY, 5)
    nats = loss.head_nats(hidden, weight, None, torch.zeros(0, dtype=torch.int64))
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
    [(None, False, 1), (None, True, 3), (0.5, False, 3), (0.5, True, 3), (30.0, False, 3)],
)
def test_the_logits_of_a_model_are_left_out_only_where_nothing_else_makes_them(cap, trained, later):
    model = Model(cap, trained)
    inputs = {
        "input_ids": torch.tensor([[1, 2, 3, 4]]),
        "labels": torch.tensor([[loss.IGNORED, 5, 6, 1]]),
    }
    logits = model(inputs["input_ids"], use_cache=False).logits[0, :3]
    expected = cross_entropy(logits, inputs["labels"][0, 1:])
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
    assert model.computed[-1] == (3 if cap else 1)


def test_no_labels_have_no_loss():
    logits = torch.zeros(0, VOCABULARY, requires_grad=True)
    nats = loss.nats(logits, torch.zeros(0, dtype=torch.int64))
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
        loss.nats(logits, torch.zeros(TOKENS, dtype=torch.int64))
    assert [one.shape for one in kept if one.dtype == torch.float32] == [(TOKENS,)]
