"""Several recipes side by side: a small model uses one core well and two badly."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from repalign.checkpoints.home import checkpoint_folder
from repalign.errors import RepalignError
from training.recipe import Recipe


def train_family(
    recipes: Sequence[Recipe], options: Sequence[str] = (), jobs: int | None = None
) -> list[Path]:
    """Train several recipes, each in a process of its own, after the recipes they are tuned from.

    Args:
        options: command-line options that every one of them is given.
        jobs: processes at a time; by default one a core.

    Returns:
        The folders, in the order of `recipes`.

    Raises:
        RepalignError: one of them failed; the others are finished first.
    """
    parents = dict.fromkeys(parent.origin for recipe in recipes if (parent := recipe.parent_recipe))
    for parent in parents:
        _run_all([[parent]], 1)
    longest_first = sorted(recipes, key=lambda recipe: len(recipe.languages), reverse=True)
    waiting = [[recipe.origin, *options] for recipe in longest_first if recipe.origin not in parents]
    _run_all(waiting, jobs or os.cpu_count() or 1)
    return [checkpoint_folder(recipe.name) for recipe in recipes]


def _run_all(commands: Sequence[Sequence[str]], jobs: int) -> None:
    """Run `python -m training COMMAND` for each, `jobs` at a time; their progress goes to our stderr."""
    waiting, running, failed = list(commands), {}, []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                command = waiting.pop(0)
                process = subprocess.Popen(
                    [sys.executable, "-m", "training", *command], stdout=subprocess.DEVNULL
                )
                running[command[0]] = process
            ended = {name for name, process in running.items() if process.poll() is not None}
            failed += [name for name in running if name in ended and running[name].returncode]
            running = {name: process for name, process in running.items() if name not in ended}
            time.sleep(0.2)
    except KeyboardInterrupt:
        for process in running.values():  # they were interrupted too: let them finish their last line
            process.wait()
        raise
    if failed:
        raise RepalignError(
            f"{', '.join(failed)} failed (see above); the same command goes on with what is missing"
        )
