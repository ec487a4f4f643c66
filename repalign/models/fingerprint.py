"""A fingerprint of a model in memory: proof that it is the one that was loaded, at the speed of memory."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from repalign.signature import digest

BLOCK = 1 << 20
"""Words of eight bytes that are multiplied at once."""


@torch.inference_mode()
def fingerprint(model: nn.Module) -> str:
    """Hex digest of a model's modules, parameters and buffers: names, types, shapes and contents.

    Contents are summed modulo 2**64 after multiplication by random odd numbers: any single change is detected, others but for
    one in 2**32 or so. SHA-256 would take as long as loading the model again.
    """
    modules = (f"{name} {type(module).__name__}" for name, module in model.named_modules())
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    contents = (
        f"{name} {tensor.dtype} {tuple(tensor.shape)} {_content(tensor)}" for name, tensor in tensors.items()
    )
    return digest([*modules, *contents])


def _content(tensor: Tensor) -> str:
    if tensor.is_meta:  # offloaded to disk, where nothing writes to it
        return "on disk"
    data = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
    words = len(data) // 8
    total = torch.zeros((), dtype=torch.int64, device=data.device)
    factors = _factors(min(BLOCK, max(1, words)), data.device)
    # A view as int64 needs an address divisible by eight, which a slice of a larger tensor may not have.
    aligned = data[: words * 8] if data.data_ptr() % 8 == 0 else data[: words * 8].clone()
    for number, block in enumerate(aligned.view(torch.int64).split(BLOCK)):
        total += (block * factors[: len(block)]).sum() * (2 * number + 3)
    return f"{int(total)} {data[words * 8 :].tolist()}"


def _factors(count: int, device: torch.device) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    factors = torch.randint(-(2**62), 2**62, (count,), generator=generator, dtype=torch.int64)
    return (2 * factors + 1).to(device)
