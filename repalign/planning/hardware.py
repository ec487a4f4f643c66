"""Hardware by name: how fast it is by its data sheet, and how much memory it has."""

from __future__ import annotations

import re
from dataclasses import dataclass

from repalign.errors import RepalignError, unknown


@dataclass(frozen=True)
class Gpu:
    """One GPU.

    Attributes:
        half, single: operations per second of matrix products in bfloat16 or float16, and in float32 without TF32, dense.
        memory: bytes.
        half_name: the 16-bit dtype that it computes fast in.
    """

    half: float
    single: float
    memory: float
    half_name: str = "bfloat16"


T, GB = 1e12, 1e9

GPUS = {
    "B200": Gpu(2250 * T, 75 * T, 180 * GB),
    "H200": Gpu(989 * T, 67 * T, 141 * GB),
    "H100": Gpu(989 * T, 67 * T, 80 * GB),
    "A100": Gpu(312 * T, 19.5 * T, 80 * GB),
    "A100-40GB": Gpu(312 * T, 19.5 * T, 40 * GB),
    "L40S": Gpu(362 * T, 91.6 * T, 48 * GB),
    "L4": Gpu(121 * T, 30.3 * T, 24 * GB),
    "A10": Gpu(125 * T, 31.2 * T, 24 * GB),
    "V100": Gpu(125 * T, 15.7 * T, 32 * GB, "float16"),
    "T4": Gpu(65 * T, 8.1 * T, 16 * GB, "float16"),
}
"""Peaks of NVIDIA's data sheets, of the SXM version where there are several, without sparsity."""

UTILISATION = 0.35
"""Share of a GPU's peak that reading short sentences reaches: an assumption, between the .2 of small models and the .5 of training."""

CPU_CORE = 25e9
"""Operations per second of one core in float32 if it is not measured: what this package's benchmarks reached on shared cloud
cores; others are three times faster or slower."""


@dataclass(frozen=True)
class Hardware:
    """What a plan is for.

    Attributes:
        count: GPUs or cores.
        name: of the GPU; "cpu" for cores.
    """

    count: int
    name: str

    @classmethod
    def gpus(cls, text: str) -> Hardware:
        """From `8xH100`, or `H100` for one.

        Raises:
            RepalignError: another form, or a GPU that is not known.
        """
        match = re.fullmatch(r"(?:(\d+)\s*[x*]\s*)?([\w-]+)", text.strip())
        count = int(match[1] or 1) if match else 0
        if not match or not 0 < count <= 100_000:
            raise RepalignError(f"--gpus is a number and a name, such as 8xH100; got {text[:40]!r}")
        if match[2].upper() not in GPUS:
            raise unknown("GPU", match[2], list(GPUS))
        return cls(count, match[2].upper())

    @property
    def gpu(self) -> Gpu | None:
        """The GPU; None for a CPU."""
        return GPUS.get(self.name)

    def __str__(self) -> str:
        return f"{self.count} x {self.name}" if self.gpu else f"{self.count} CPU cores"
