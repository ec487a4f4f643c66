"""The order of the house: its floors are drawn as they are, and no imports go in circles."""

from __future__ import annotations

import importlib.util
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType

import pytest

grimp = pytest.importorskip("grimp")

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def architecture() -> ModuleType:
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "analyses" / "architecture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def circle(package: str) -> list[str]:
    """A circle of imports among the modules of a package, those for type checking included; empty if there is none."""
    graph = grimp.build_graph(package, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_imports_of_repalign_go_in_circles():
    assert circle("repalign") == []


def test_no_imports_of_training_go_in_circles():
    assert circle("repalign_training") == []


def test_nobody_imports_from_the_root():
    for package in ("repalign", "repalign_training"):
        importers = grimp.build_graph(package, cache_dir=None).find_modules_that_directly_import(package)
        assert importers == set(), f"import from the module that defines the name, not from {package}"


def test_the_drawing_of_the_floors_is_up_to_date(architecture):
    assert architecture.page(PAGE) == PAGE, "run `python analyses/architecture.py`"


def test_arrows_that_follow_from_others_are_left_out(architecture):
    arrows = {"a": {"b", "c", "d"}, "b": {"c"}, "c": {"d"}, "d": set()}
    assert architecture.reduced(arrows) == {"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": set()}


def test_every_room_has_a_floor(architecture):
    assert {room for floor in architecture.floors() for room in floor} == set(architecture.imports())


def test_modules_named_in_the_documentation_exist():
    rooms = "|".join(path.name for path in (ROOT / "repalign").iterdir() if path.is_dir())
    for name in ("docs/architecture.md", "CONTRIBUTING.md"):
        for path in re.findall(
            rf"`(?:repalign/)?((?:{rooms})/[\w/]+\.\w+)", (ROOT / name).read_text("utf-8")
        ):
            assert (ROOT / "repalign" / path).is_file(), f"{name} names {path}"
