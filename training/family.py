"""Several recipes side by side: a small model uses one core well and two badly."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from repalign import RepalignError
from repalign.checkpoints import checkpoint_folder
from repalign.errors import Terminated

from .recipe import Recipe


def train_family(
    recipes: Sequence[Recipe], options: Sequence[str] = (), jobs: int | None = None
) -> list[Path]:
    """Train several recipes, each in a separate process, after the recipes they are tuned from.

    Args:
        options: command-line options that every process gets.
        jobs: processes at a time; by default one per core.

    Returns:
        The folders, in the order of `recipes`.

    Raises:
        RepalignError: `jobs` below 1; or one of the recipes failed, after the others are finished.
    """
    if jobs is not None and jobs < 1:
        raise RepalignError(f"jobs should be at least 1, not {jobs}")
    parents = dict.fromkeys(parent.origin for recipe in recipes if (parent := recipe.parent_recipe))
    for parent in parents:
        _run_all([[parent]], 1)
    longest_first = sorted(recipes, key=lambda recipe: len(recipe.languages), reverse=True)
    waiting = [[recipe.origin, *options] for recipe in longest_first if recipe.origin not in parents]
    _run_all(waiting, jobs or os.cpu_count() or 1)
    return [checkpoint_folder(recipe.name) for recipe in recipes]


def _command(arguments: Sequence[str]) -> list[str]:
    """The command line of this very package, installed or in a checkout.

    Not `-m PACKAGE`, which searches the current folder first: the process imports from where this one does.
    """
    start = (
        f"import sys; sys.path[:] = {sys.path!r}; from {__package__}.__main__ import main; sys.exit(main())"
    )
    return [sys.executable, "-c", start, *arguments]


def _run_all(commands: Sequence[Sequence[str]], jobs: int) -> None:
    """Train with each of the argument lists, `jobs` at a time; progress goes to this process's stderr."""
    waiting, running, failed = list(commands), {}, []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                arguments = waiting.pop(0)
                process = subprocess.Popen(_command(arguments), stdout=subprocess.DEVNULL)
                running[arguments[0]] = process
            ended = {name for name, process in running.items() if process.poll() is not None}
            failed += [name for name in running if name in ended and running[name].returncode]
            running = {name: process for name, process in running.items() if name not in ended}
            time.sleep(0.2)
    except KeyboardInterrupt as stop:
        for process in running.values():
            if isinstance(stop, Terminated):  # Ctrl-C reaches them all, SIGTERM only this process
                process.terminate()
        for process in running.values():  # let them finish their last line
            process.wait()
        raise
    if failed:
        raise RepalignError(f"{', '.join(failed)} failed (see above); rerun the same command to resume")
