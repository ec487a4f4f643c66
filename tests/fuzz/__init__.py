"""Fuzzing: damaged and hostile input to every reader and every page; run for long with `make fuzz`."""

from fuzz import arguments, checkpoints, results, stores, texts  # noqa: F401  (they register their targets)
from fuzz.target import TARGETS, attempt

__all__ = ["TARGETS", "attempt"]
