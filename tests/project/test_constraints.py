"""The tested versions fit the ranges of pyproject.toml, for every Python."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from constraints.compare import pins, report
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_every_dependency_has_one_version_in_its_range(python, system):
    """Where not, `make constraints` resolves them anew."""
    here = {"python_version": python, "python_full_version": f"{python}.4", "sys_platform": system}
    pinned = pins(here)
    ranges = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    for extra in PROJECT["project"]["optional-dependencies"].values():
        ranges += extra
    for requirement in map(Requirement, ranges):
        wanted = requirement.marker is None or requirement.marker.evaluate(here)
        if wanted and requirement.name != "repalign":
            version = pinned[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), (str(requirement), version)


def test_what_differs_is_told_in_one_line():
    line = report({"numpy": "3.0", "torch": "2.13.0", "other": "1"}, {"numpy": "2.4.6", "torch": "2.13.0"})
    assert line.endswith("2 of 3 packages differ from the tested versions: numpy 3.0 (2.4.6), other 1 (new)")
