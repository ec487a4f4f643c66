"""A few cases of every target of the fuzzer, with fixed seeds; `make fuzz` runs many with others."""

from __future__ import annotations

import random
import re
import shutil

import pytest

from fuzz import TARGETS, attempt

SLOW = re.compile("results: (profile|compare)|checkpoint|GGUF|command line")
"""Those of more than a few hundredths of a second."""


def run(name, count, folder):
    """How many of so many cases were read, and not refused."""
    read = 0
    for seed in range(count):
        case = folder / str(seed)
        case.mkdir()
        read += attempt(name, case, random.Random(f"{name} {seed}")) is None
        shutil.rmtree(case)
    return read


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_input_is_read_or_refused_in_one_line(name, tmp_path):
    run(name, 4 if SLOW.match(name) else 20, tmp_path)


@pytest.mark.heavy
@pytest.mark.parametrize("name", TARGETS)
def test_much_damaged_input_is_read_or_refused_in_one_line(name, tmp_path):
    count = 100 if SLOW.match(name) else 700
    assert 0 < run(name, count, tmp_path) < count, "some damage is harmless, and not all"
