"""Every benchmark at a tiny size, run as `make bench` does: none may rot between two measurements."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

BENCH = Path(__file__).parents[1] / "bench"
no_chromium = pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium found")
no_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
TINY = {
    "execution": "--units 200 --workers 8 --seconds 0.1 --shards 2 --times 1 --blocks 1",
    "extraction": "--rounds 1 --rows 2 --scored 12 --layers 2 --width 48",
    "gpu": "--layers 2 --width 64 --copies 1",
    "memory": "--few 20 --many 40 --peak 10 --width 48 --layers 2",
    "metrics": "--languages 3 --layers 3 --sentences 100 --dims 16 --wide 64",
    "pairs": "--pairs 300",
    "profile": "--languages 4 --layers 4 --sentences 30 --dim 8",
    "report": "--languages 3 --layers 4 --sentences 16 --many 5 --deep 5",
    "scale": "--sentences 60 --dim 16 --exact",
    "training": "--rounds 1 --items 24",
}
MARKS = {
    "execution": (pytest.mark.heavy,),
    "gpu": (pytest.mark.gpu, no_cuda),
    "profile": (pytest.mark.browser, no_chromium),
    "report": (pytest.mark.browser, no_chromium),
}
PEERS = {"extraction": {"transformer_lens": "over_transformer_lens"}, "training": {"trl": "over_trl"}}
"""Packages that need not be installed, and the figures they are for."""


def test_all_are_here():
    scripts = {path.stem.removeprefix("bench_") for path in BENCH.glob("*.py")}
    assert scripts - {"timing"} == set(TINY)


@pytest.mark.parametrize("name", [pytest.param(name, marks=MARKS.get(name, ())) for name in TINY])
def test_a_benchmark_runs_and_gives_its_figures(name, tmp_path):
    path = tmp_path / "figures.json"
    command = [sys.executable, BENCH / f"bench_{name}.py", *TINY[name].split(), "--json", path]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figures = json.loads(path.read_text())
    assert len([*numbers(figures)]) >= 3
    assert all(math.isfinite(number) for number in numbers(figures))
    for package, figure in PEERS.get(name, {}).items():
        assert bool(figures.get(figure)) == bool(find_spec(package))
        assert ("is not installed: left out" in done.stderr) != bool(find_spec(package))


def numbers(figures: object) -> Iterator[float]:
    """All numbers, however deep."""
    if isinstance(figures, dict):
        figures = list(figures.values())
    if isinstance(figures, list):
        for one in figures:
            yield from numbers(one)
    elif isinstance(figures, int | float):
        yield figures
