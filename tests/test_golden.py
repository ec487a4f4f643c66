"""Golden results: a rewrite moves no number, no store key and nothing on the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import golden
import pytest

NEAR = 1e-3
"""What another processor may change, relative to the mean size of a column: rounding moves a draw past its bound."""

JUMPS = {"separation": 0.1}
"""Tables of scores that jump: rounding moves a sentence to the other side of a fitted plane."""


@pytest.mark.parametrize("name", golden.RUNS)
def test_numbers_keys_and_pages_are_as_pinned(name: str, home: Path) -> None:
    pinned = json.loads((golden.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    now = golden.run(name, home)
    assert golden.folders(home) == pinned["stores"]
    assert now["keys"] == pinned["keys"]
    for table in pinned["tables"].keys() | now["tables"].keys():
        near = JUMPS.get(table, NEAR)
        assert (
            differences(pinned["tables"].get(table), now["tables"].get(table), f"{name}/{table}", near) == []
        )
    assert differences(pinned["page"], now["page"], name, NEAR) == []


def differences(pinned: Any, now: Any, path: str, near: float) -> list[str]:
    """Where two descriptions differ: one line each."""
    if isinstance(pinned, dict) and isinstance(now, dict):
        lines = [f"{path}: only pinned: {key}" for key in pinned.keys() - now.keys()]
        lines += [f"{path}: only now: {key}" for key in now.keys() - pinned.keys()]
        shared = sorted(pinned.keys() & now.keys())
        return lines + [
            line for key in shared for line in differences(pinned[key], now[key], f"{path}/{key}", near)
        ]
    same = close(pinned, now, near) if isinstance(pinned, list) and isinstance(now, list) else pinned == now
    return [] if same else [f"{path}: {pinned} is now {now}"]


def close(pinned: list[float], now: list[float], near: float) -> bool:
    """Whether two columns, as `golden.numbers` describes them, are equal but for rounding."""
    if len(pinned) <= 2:
        return pinned == now
    return pinned[:2] == now[:2] and now[2:] == pytest.approx(pinned[2:], rel=0, abs=near * pinned[3] + 1e-6)
