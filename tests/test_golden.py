"""Golden results: a rewrite moves no number, no store key and nothing on the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import golden
import pytest

NEAR = 1e-4
"""Relative difference that another processor may make."""


@pytest.mark.parametrize("name", golden.RUNS)
def test_numbers_keys_and_pages_are_as_pinned(name: str, home: Path) -> None:
    pinned = json.loads((golden.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    now = golden.run(name, home)
    assert golden.folders(home) == pinned["stores"]
    assert now["keys"] == pinned["keys"]
    assert differences(pinned["tables"], now["tables"], name) == []
    assert differences(pinned["page"], now["page"], name) == []


def differences(pinned: Any, now: Any, path: str) -> list[str]:
    """Where two descriptions differ: one line each."""
    if isinstance(pinned, dict) and isinstance(now, dict):
        lines = [f"{path}: only pinned: {key}" for key in pinned.keys() - now.keys()]
        lines += [f"{path}: only now: {key}" for key in now.keys() - pinned.keys()]
        shared = sorted(pinned.keys() & now.keys())
        return lines + [
            line for key in shared for line in differences(pinned[key], now[key], f"{path}/{key}")
        ]
    if isinstance(pinned, list) and isinstance(now, list):
        return [] if now == pytest.approx(pinned, rel=NEAR, abs=1e-6) else [f"{path}: {pinned} is now {now}"]
    return [] if pinned == now else [f"{path}: {pinned} is now {now}"]
