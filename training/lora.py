"""LoRA layers with fewer passes over memory: on a CPU, and for a small model, these take longer than the arithmetic."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch


def fuse(model: Any) -> None:
    """Let the LoRA layers of a model add their product to the output of their base layer in one step.

    PEFT's own copies the input to the dtype of the adapter and back, multiplies by the scaling and adds, each with a
    tensor of its own, and as many in the backward pass. Weights, names and what is saved stay as they are. Layers with
    anything beyond plain LoRA keep PEFT's forward pass: quantised ones, dropout, a bias, DoRA and other variants.

    Args:
        model: of PEFT; changed in place.
    """
    from peft.tuners.lora import Linear

    for layer in model.modules():
        if type(layer) is Linear:
            layer.forward = partial(_forward, layer, layer.forward)


def _forward(layer: Any, original: Any, x: torch.Tensor, *args: Any, **options: Any) -> Any:
    """x W' + scaling (x A') B', [..., output]; computed in the dtype of x W', the sum rounded once."""
    name = layer.active_adapters[0]
    if args or options or not _is_plain(layer, name):
        return original(x, *args, **options)
    result = layer.base_layer(x)
    down, up = layer.lora_A[name].weight, layer.lora_B[name].weight
    inner = x.reshape(-1, x.shape[-1]).to(result.dtype) @ down.to(result.dtype).T
    flat = result.reshape(-1, result.shape[-1])
    return torch.addmm(flat, inner, up.to(result.dtype).T, alpha=layer.scaling[name]).view(result.shape)


def _is_plain(layer: Any, name: str) -> bool:
    """Whether the adapter adds scaling (x A') B' and nothing else."""
    return (
        len(layer.active_adapters) == 1
        and name in layer.lora_A
        and not (layer.disable_adapters or layer.merged or layer.lora_variant)
        and isinstance(layer.lora_dropout[name], torch.nn.Identity)
        and layer.lora_B[name].bias is None
    )
