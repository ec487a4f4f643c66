"""The recommended way to run: one device, several of one machine, an array of jobs, or a cluster."""

from __future__ import annotations

from dataclasses import dataclass

from repalign.planning.hardware import Hardware

USABLE = 0.85
"""Share of a GPU's memory that weights and a batch may take; the rest is for kernels and fragments."""

OF_ONE_MACHINE = 8
"""GPUs that one machine has at most."""


@dataclass(frozen=True)
class Way:
    """How to run.

    Attributes:
        command: with its options.
        reason: why so.
        busy: GPUs or cores that compute at the same time.
        fits: whether one copy of the model fits at all.
    """

    command: str
    reason: str
    busy: int
    fits: bool = True


def recommended(
    hardware: Hardware, weights: float, activations: float, checkpoints: int, name: str, options: str = ""
) -> Way:
    """The simplest way that keeps all of the hardware busy.

    Args:
        hardware: that there is.
        weights, activations: bytes of one copy of the model, and of a batch.
        checkpoints: their number.
        name: of the checkpoint.
        options: of the command, such as "--corpus everyday".
    """
    command = f"repalign extract {name}" + " ..." * (checkpoints > 1) + f" {options}" * bool(options)
    gpu, count = hardware.gpu, hardware.count
    if gpu is None:
        return Way(f"{command} --device cpu", "one process uses all cores", count)
    # A batch can be made smaller, weights cannot.
    each = -(-weights // (USABLE * gpu.memory))
    smaller = (
        ""
        if weights / each + activations <= USABLE * gpu.memory
        else "; batches are made smaller where memory runs out"
    )
    if each > count:
        reason = f"{weights / 1e9:,.0f} GB of weights need {each:.0f} {hardware.name} at {USABLE:.0%} of their memory, and there are {count}"
        return Way(
            f"{command} --device all", f"does not fit: {reason}; take more of them, or 16 bits", 1, False
        )
    if count == 1:
        return Way(f"{command} --device cuda", f"fits one GPU{smaller}", 1)
    if each > 1:
        copies = count // int(each)
        reason = f"a copy of the model needs {each:.0f} GPUs, of which one computes at a time; copies: {copies}{smaller}"
        alone = copies == 1 and count <= OF_ONE_MACHINE
        return Way(f"{command} --device all" if alone else f"{command} --engine ray", reason, copies)
    if count <= OF_ONE_MACHINE:
        devices = ",".join(map(str, range(count)))
        return Way(f"{command} --devices {devices}", f"one copy on each GPU of one machine{smaller}", count)
    return Way(
        f"{command} --shard $I/{count}",
        f"an array of {count} jobs of one GPU each, I = 1..{count}; or --engine ray on a cluster that runs{smaller}",
        count,
    )
