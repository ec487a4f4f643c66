"""The device and dtype with which a model runs best on this machine."""

from __future__ import annotations

import torch

from repalign.errors import RepalignError
from repalign.memory import Memory, of_machine
from repalign.models.locating import Weights


def pick_device(device: str) -> str:
    """The device of the inputs: for "auto" the fastest of this machine, for "all" the first GPU.

    Raises:
        RepalignError: a device that this machine does not have.
    """
    accelerators = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    best = accelerators.type if accelerators else "cpu"
    if device in ("auto", "all"):
        return best
    try:
        requested = torch.device(device)
    except RuntimeError as error:
        raise RepalignError(f"no device {device!r}; use auto, cpu, cuda, cuda:1, mps or all") from error
    if requested.type not in ("cpu", best):
        raise RepalignError(f"no device {device!r} on this machine; the best one here is {best!r}")
    return device


def devices_of(processes: int, device: str) -> list[str]:
    """A device for each of some processes: GPUs of their own where the device is one, else the same for all.

    Raises:
        RepalignError: a device that this machine does not have, or fewer GPUs than processes.
    """
    kind = pick_device(device)
    if kind != "cuda":
        return [kind] * processes
    if processes > torch.cuda.device_count():
        raise RepalignError(
            f"{processes} processes need a GPU each, and this machine has {torch.cuda.device_count()}; name them, as in "
            "--devices 0,0,1, to put several on one"
        )
    return [f"cuda:{number}" for number in range(processes)]


SMALL = 100 << 20
"""Bytes of weights below which half precision saves too little time to justify its error."""


def pick_dtype(weights: Weights, dtype: str, device: str) -> str:
    """The dtype for "auto": bfloat16 where the device multiplies it faster and the model is not tiny, else float32."""
    if dtype != "auto":
        return dtype
    if weights.size < SMALL:
        return "float32"
    if bfloat16_is_fast(device):
        return "bfloat16"
    return "float16" if device.startswith("cuda") else "float32"


def bfloat16_is_fast(device: str) -> bool:
    """Whether matrix products in bfloat16 are faster than in float32 on a device: GPUs since Ampere, CPUs with AVX512-BF16 or AMX."""
    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def memory_of(device: str) -> Memory | None:
    """The memory of a device; that of the machine for a CPU, and None where it is unknown."""
    if device.startswith("cuda"):
        free, total = torch.cuda.mem_get_info(device)
        return Memory(total, free)
    return of_machine() if device == "cpu" else None


CPU_TOKENS = 4096
"""Padded tokens per batch on a CPU, to suit its caches."""

GPU_TOKENS = 65536
"""And on a GPU, at most."""


def pick_budget(device: str) -> int:
    """Padded tokens per batch; on a GPU one per 256 KiB of free memory."""
    if not device.startswith("cuda"):
        return CPU_TOKENS
    free, _ = torch.cuda.mem_get_info(device)
    return int(min(GPU_TOKENS, max(1024, free // (256 << 10))))
