"""The loss in chunks against torch's, which holds all logits in float32."""

from __future__ import annotations

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
