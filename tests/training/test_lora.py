"""The fused LoRA layers against PEFT's."""

from __future__ import annotations

import copy

import pytest
import torch
from peft import LoraConfig, get_peft_model
from repalign_training.lora import fuse

SHAPE = 3, 5, 8


def adapted(dtype: torch.dtype = torch.float32, **options) -> torch.nn.Module:
    """Two linear layers with adapters that are not zero; PEFT keeps their weights in float32."""
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(8, 6, bias=False), torch.nn.Linear(6, 4)).to(dtype)
    config = LoraConfig(r=2, lora_alpha=6, target_modules=["0", "1"], init_lora_weights=False, **options)
    return get_peft_model(layers, config)


def gradients(model: torch.nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    x = x.clone().requires_grad_()
    output = model(x)
    output.float().square().sum().backward()
    assert x.grad is not None
    found = {name: one.grad for name, one in model.named_parameters() if one.grad is not None}
    return output, {"x": x.grad, **found}


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.03)])
@pytest.mark.parametrize("autocast", [False, True])
def test_outputs_and_gradients_are_those_of_peft(dtype, tolerance, autocast):
    theirs = adapted(dtype)
    ours = copy.deepcopy(theirs)
    fuse(ours)
    x = torch.randn(SHAPE).to(dtype)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        (expected, of_theirs), (output, of_ours) = gradients(theirs, x), gradients(ours, x)
    assert output.dtype == expected.dtype
    assert of_ours.keys() == of_theirs.keys()
    tolerance = 0.03 if autocast else tolerance
    for name, gradient in of_theirs.items():
        assert of_ours[name].dtype == gradient.dtype
        torch.testing.assert_close(
            of_ours[name], gradient, rtol=tolerance, atol=tolerance * gradient.abs().max().item()
        )
    torch.testing.assert_close(output, expected, rtol=tolerance, atol=tolerance * 4)


def test_a_product_is_rounded_once():
    """Computed in bfloat16, as in training, the output is at least as near to the exact one as PEFT's."""
    theirs = adapted(torch.bfloat16)
    ours = copy.deepcopy(theirs)
    fuse(ours)
    x = torch.randn(500, 8).bfloat16()
    exact = copy.deepcopy(theirs).double()(x.double())
    with torch.autocast("cpu", torch.bfloat16):
        errors = [(model(x).double() - exact).abs().mean() for model in (ours, theirs)]
    assert errors[0] <= errors[1]


@pytest.mark.parametrize("options", [{"lora_dropout": 0.5}, {"use_dora": True}, {"bias": "lora_only"}])
def test_what_is_not_plain_lora_is_left_to_peft(options):
    theirs = adapted(**options)
    ours = copy.deepcopy(theirs)
    fuse(ours)
    x = torch.randn(SHAPE)
    outputs = []
    for model in (theirs, ours):
        torch.manual_seed(1)
        outputs.append(model(x))
    torch.testing.assert_close(outputs[1], outputs[0])


def test_a_disabled_or_merged_adapter_stays_so():
    model = adapted()
    x = torch.randn(SHAPE)
    fuse(model)
    before = model(x)
    with model.disable_adapter():
        assert not torch.allclose(model(x), before)
    model.merge_adapter()
    torch.testing.assert_close(model(x), before)


def test_names_of_weights_do_not_change():
    model = adapted()
    names = list(model.state_dict())
    fuse(model)
    assert list(model.state_dict()) == names
