"""Attention within the items of packed rows against sdpa with a mask."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from repalign_training import attention
from repalign_training.attention import implementation, packed_attention
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM

SIZES: dict[str, Any] = {
    "vocab_size": 50, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8,
}  # fmt: skip


def llama() -> Any:
    return LlamaForCausalLM(LlamaConfig(**SIZES))


def gemma(window: int = 64) -> Any:
    layers = ["sliding_attention", "full_attention"]
    return Gemma3ForCausalLM(Gemma3TextConfig(**SIZES, sliding_window=window, layer_types=layers))


def two_of(make) -> tuple[Any, Any]:
    """A model with sdpa, and the same one with packed attention."""
    torch.manual_seed(0)
    first = make()
    second = copy.deepcopy(first)
    first.set_attn_implementation("sdpa")
    second.set_attn_implementation(implementation("packed"))
    return first, second


def positions(*rows: list[int]) -> torch.Tensor:
    """Of rows whose items have these lengths."""
    return torch.stack([torch.cat([torch.arange(length) for length in row]) for row in rows])


PACKED = {
    "several items": positions([5, 1, 4], [2, 8], [3, 3, 4]),
    "one row": positions([4, 6]),
    "one row without a boundary": positions([10], [4, 6]),
    "nothing packed": positions([10], [10]),
}


@pytest.mark.parametrize("short", [0, 3, attention.SHORT])
@pytest.mark.parametrize("where", PACKED.values(), ids=PACKED)
@pytest.mark.parametrize("make", [llama, gemma, lambda: gemma(window=3)], ids=["llama", "gemma", "window"])
def test_outputs_and_gradients_are_those_of_sdpa(make, where, short, monkeypatch):
    monkeypatch.setattr(attention, "SHORT", short)
    ids = torch.randint(50, where.shape)
    gradients = []
    for model in two_of(make):
        logits = model(input_ids=ids, position_ids=where, use_cache=False).logits
        logits.square().sum().backward()
        gradients.append({name: one.grad for name, one in model.named_parameters()})
        gradients[-1]["logits"] = logits.detach()
    for name, expected in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], expected, rtol=1e-4, atol=1e-5, msg=name)


def test_only_what_is_packed_is_split():
    """A row with a mask of its own, such as one padded on the left, is left to sdpa with its mask."""
    first, second = two_of(llama)
    ids, mask = torch.randint(50, (2, 6)), torch.tensor([[0, 0, 1, 1, 1, 1], [1] * 6])
    outputs = [model(input_ids=ids, attention_mask=mask).logits[mask.bool()] for model in (first, second)]
    torch.testing.assert_close(outputs[1], outputs[0])


def test_generation_is_that_of_sdpa():
    ids = torch.randint(3, 50, (2, 6))
    options = {"max_new_tokens": 5, "do_sample": False, "pad_token_id": 0}
    answers = [model.generate(ids, attention_mask=torch.ones_like(ids), **options) for model in two_of(llama)]
    torch.testing.assert_close(answers[1], answers[0])


@pytest.mark.parametrize("short", [0, 3, attention.SHORT])
def test_items_do_not_pay_for_each_other(short, monkeypatch):
    """What is computed are the squares of the items' lengths."""
    import transformers.integrations.sdpa_attention as sdpa

    computed = []

    def counted(module, query, key, value, mask, **options):
        computed.append(query.shape[2] * key.shape[2])
        return query.transpose(1, 2), None

    def counted_item(query, key, value, scaling):
        computed.append(len(query) * len(key))
        return query

    monkeypatch.setattr(sdpa, "sdpa_attention_forward", counted)
    monkeypatch.setattr(attention._Attention, "apply", counted_item)
    monkeypatch.setattr(attention, "SHORT", short)
    query = torch.randn(2, 1, 6, 4)
    output, _ = packed_attention(torch.nn.Module(), query, query, query, None, positions([2, 4], [1, 2, 3]))
    assert computed == [4, 16, 1, 4, 9]
    torch.testing.assert_close(output, query.transpose(1, 2))


@pytest.mark.parametrize("autocast", [False, True])
def test_short_items_are_not_rounded_more_than_by_sdpa(autocast):
    torch.manual_seed(0)
    heads = [torch.randn(30, count, 16).bfloat16().requires_grad_() for count in (4, 2, 2)]
    gradient = torch.randn(30, 4, 16).bfloat16()
    exact = [one.detach().double().requires_grad_() for one in heads]

    def outcome(compute, inputs):
        output = compute(*inputs)
        return [output.detach(), *torch.autograd.grad(output, inputs, gradient.to(output.dtype))]

    def by_sdpa(*inputs):
        query, key, value = (one.transpose(0, 1)[None] for one in inputs)
        return torch.nn.functional.scaled_dot_product_attention(
            query, key, value, is_causal=True, enable_gqa=True, scale=0.3
        )[0].transpose(0, 1)

    def by_products(*inputs):
        with torch.autocast("cpu", enabled=autocast):
            return attention._Attention.apply(*inputs, 0.3)

    for one, other, truth in zip(
        outcome(by_products, heads), outcome(by_sdpa, heads), outcome(by_sdpa, exact), strict=True
    ):
        assert one.dtype == torch.bfloat16
        assert 0 < (one - truth).norm() < 1.05 * (other - truth).norm()


@pytest.mark.parametrize(
    ("options", "scaling"),
    [
        ({}, 0.25), ({"scaling": 0.3, "dropout": 0.0, "is_causal": None, "softcap": None, "use_cache": False}, 0.3),
        ({"is_causal": True}, 0.25), ({"is_causal": False}, None), ({"dropout": 0.1}, None), ({"softcap": 30.0}, None),
        ({"position_bias": torch.zeros(1)}, None),
    ],
)  # fmt: skip
def test_what_does_more_to_scores_than_scale_them_is_left_to_sdpa(options, scaling):
    assert attention._plain_scaling(16, **options) == scaling


def test_an_accelerator_has_masks(monkeypatch):
    monkeypatch.setattr(attention.torch.accelerator, "is_available", lambda: True)
    assert implementation("packed") == "sdpa"
    assert implementation("eager") == "eager"
