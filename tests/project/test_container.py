"""The Dockerfile, which cannot be built here: what it copies exists and reaches the build, and nothing runs as root."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()


def instructions(name: str) -> list[str]:
    return [line.removeprefix(name).strip() for line in LINES if line.startswith(f"{name} ")]


COPIED = [source for line in instructions("COPY") for source in line.split()[:-1]]


@pytest.mark.parametrize("source", COPIED)
def test_what_is_copied_exists_and_is_part_of_the_build(source):
    let_through = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    assert (ROOT / source).exists()
    assert source in let_through


def test_what_the_package_is_built_from_is_copied():
    from setuptools.config.pyprojecttoml import read_configuration

    project = read_configuration(ROOT / "pyproject.toml", expand=False)["project"]
    named = {project["readme"], *project["license-files"], "pyproject.toml", "setup.py"}
    folders = set(
        re.findall(r"^INSTALLED_AS = \{(.*)\}", (ROOT / "setup.py").read_text(), re.M)[0].split('"')[1::4]
    )
    assert named | folders <= set(COPIED)


def test_every_installation_is_of_tested_versions():
    installs = [part for line in instructions("RUN") for part in line.split("&&") if "pip install" in part]
    assert len(installs) == 3
    assert all("--constraint tests/constraints/tested.txt" in line for line in installs)


def test_nothing_runs_as_root():
    names = [line.split()[0] for line in LINES if line]
    assert "USER" in names[: names.index("ENTRYPOINT")]
    assert "root" not in instructions("USER")
