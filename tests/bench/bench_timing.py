"""Side-by-side timing: the contestants take turns, so that a machine that slows down slows all of them."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def interleaved(runs: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median seconds of each contestant over rounds in which each runs once, after one round that is not counted.

    Every round begins with another, so that nobody always follows the same.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for round_ in range(rounds + 1):
        first = round_ % len(runs)
        for name, run in [*runs.items()][first:] + [*runs.items()][:first]:
            start = time.perf_counter()
            run()
            elapsed = time.perf_counter() - start
            if round_:
                seconds[name].append(elapsed)
            print(f"round {round_}  {name:24} {elapsed:8.2f} s", file=sys.stderr, flush=True)
    return {name: statistics.median(values) for name, values in seconds.items()}


def arguments(description: str, **options: float | str) -> argparse.Namespace:
    """`--json`, and the options of one benchmark with their defaults: smaller sizes try it out."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures there too")
    for name, default in options.items():
        parser.add_argument(f"--{name}", type=type(default), default=default, help=f"default {default}")
    return parser.parse_args()


def left_out(peer: str) -> None:
    """Say that a peer is not installed; the others are measured without it."""
    print(f"{peer} is not installed: left out", file=sys.stderr)


def write(figures: dict[str, Any], path: Path | None) -> None:
    """Print the figures with what decides them, and write them where asked."""
    import torch
    import transformers

    figures = {
        **figures,
        "machine": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }
    text = json.dumps(figures, indent=1)
    print(text)
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
