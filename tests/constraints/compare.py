"""Which installed versions are others than the tested ones, in one line: `python tests/constraints/compare.py`."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

TESTED = Path(__file__).with_name("tested.txt")


def pins(environment: dict[str, str] | None = None) -> dict[str, str]:
    """The tested version of each package, for the Python and the current system, or others by their markers."""
    lines = TESTED.read_text(encoding="utf-8").splitlines()
    every = [Requirement(line) for line in lines if not line.startswith("#")]
    here = [pin for pin in every if pin.marker is None or pin.marker.evaluate(environment)]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in here}


def installed() -> dict[str, str]:
    """The version of each installed package but this one; a local build (2.13.0+cpu) counts as what it builds."""
    found = {canonicalize_name(one.metadata["Name"]): Version(one.version).public for one in distributions()}
    return {name: version for name, version in found.items() if name != "repalign"}


def report(here: Mapping[str, str], pinned: Mapping[str, str]) -> str:
    """One line: how many versions are others, and which."""
    other = [
        f"{name} {version} ({pinned.get(name, 'new')})"
        for name, version in sorted(here.items())
        if pinned.get(name) != version
    ]
    count = f"Python {platform.python_version()}: {len(other)} of {len(here)} packages differ from the tested versions"
    return f"{count}: {', '.join(other)}" if other else count


if __name__ == "__main__":
    print(report(installed(), pins()))
