"""What is fuzzed: every reader and every page, as functions that damage a valid input and read it."""

from __future__ import annotations

import contextlib
import io
import random
import shutil
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

from repalign.errors import RepalignError

Case = Callable[[Path, random.Random], object]
"""(empty folder, source of chance) -> anything, or a RepalignError; whatever else it ends in is a fault."""

TARGETS: dict[str, Case] = {}
"""By name."""


def target(name: str) -> Callable[[Case], Case]:
    """Decorator: register a case."""

    def register(case: Case) -> Case:
        assert name not in TARGETS, name
        TARGETS[name] = case
        return case

    return register


def attempt(name: str, folder: Path, rng: random.Random) -> str | None:
    """Run one case. The one line that says why it was refused, or None if it was read.

    Raises:
        AssertionError: it was refused in several lines.
        Exception: any other fault.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            TARGETS[name](folder, rng)
        except RepalignError as error:
            said = str(error)
        else:
            return None
    assert said.strip(), "no reason"
    assert len(said.splitlines()) == 1, said
    return said


def sample(make: Callable[[Path], object]) -> Callable[[Path], Path]:
    """Decorator: `make` fills a folder once per process; the result copies it into another."""

    @cache
    def made() -> Path:
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        make(folder)
        return folder

    def copy(folder: Path) -> Path:
        shutil.copytree(made(), folder, dirs_exist_ok=True)
        return folder

    return copy
