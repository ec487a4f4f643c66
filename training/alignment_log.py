"""The log of alignment over a run: one JSON line per measured step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from repalign import RepalignError
from repalign.writes import write_atomically

from .steps import RESUME

LOG = "alignment.jsonl"
"""Its name in a run's folder."""


def packed(hits: np.ndarray) -> str:
    """A bit for each sentence, bool [sentence], as hex.

    >>> packed(np.array([True, False, False, True]))
    '90'
    """
    return np.packbits(hits).tobytes().hex()


def unpacked(text: str, sentences: int) -> np.ndarray:
    """The reverse of `packed`: float64 [sentence], 1 for a hit."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8), count=sentences).astype(float)


def record(log: Path, entry: Mapping[str, Any]) -> None:
    """Add a measurement. That of the same step is replaced: a resumed run repeats some steps.

    Raises:
        RepalignError: the log is damaged, or cannot be written.
    """
    others = [other for other in (read_log(log) if log.is_file() else []) if other["step"] != entry["step"]]
    lines = [json.dumps(one) for one in sorted([*others, entry], key=lambda one: one["step"])]
    write_atomically(log, "\n".join([*lines, ""]).encode(), RESUME)


def read_log(log: Path) -> list[dict[str, Any]]:
    """The measurements, by step.

    Raises:
        RepalignError: it cannot be read, or is not a log of alignment.
    """
    try:
        entries = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        return list({int(entry["step"]): entry for entry in entries}.values())
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged_log(log, error) from error


def damaged_log(log: Path, error: Exception) -> RepalignError:
    """The error for a log that cannot be used."""
    return RepalignError(f"{log} is not a log of alignment: {error!r}; delete it and train again")
