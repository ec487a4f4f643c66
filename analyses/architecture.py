"""The picture of the floors in docs/architecture.md: `python analyses/architecture.py` redraws it.

The floors are the layers contract in pyproject.toml, which `make lint` enforces; the arrows are the imports in the code.
An arrow is left out where others lead the same way: if `scoring` imports `states` and `states` imports `models`,
the arrow from `scoring` to `models` adds nothing to the order.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import grimp

from repalign.files import read_toml

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- drawn by analyses/architecture.py -->", "<!-- end of the drawing -->"


def floors() -> list[list[str]]:
    """Names of the modules on each floor, the top floor first; those that do not exist are left out."""
    contracts = read_toml(ROOT / "pyproject.toml")["tool"]["importlinter"]["contracts"]
    (contract,) = [contract for contract in contracts if contract["type"] == "layers"]
    rows = [[name.strip(" ()") for name in re.split(r"[|:]", layer)] for layer in contract["layers"]]
    existing = ([name for name in row if _source(name).is_file()] for row in rows)
    return [row for row in existing if row]


def imports() -> dict[str, set[str]]:
    """Which rooms (packages and modules right below `repalign`) each room imports, type-checking imports included."""
    graph = grimp.build_graph("repalign", cache_dir=None)
    rooms = graph.find_children("repalign")
    for room in rooms:
        graph.squash_module(room)
    return {
        _name(room): {
            _name(other) for other in graph.find_modules_directly_imported_by(room) & rooms - {room}
        }
        for room in rooms
    }


def reduced(arrows: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The arrows of a graph without circles that no chain of other arrows replaces."""

    def reachable(room: str) -> set[str]:
        return arrows[room].union(*(reachable(below) for below in arrows[room]))

    return {room: below - set().union(*map(reachable, below)) for room, below in arrows.items()}


def drawing() -> str:
    """The floors as a mermaid diagram, and below it what each room says of itself."""
    rows, arrows = floors(), reduced(imports())
    lines = ["```mermaid", "flowchart TD"]
    for number, row in enumerate(rows):
        lines.append(f'  subgraph floor{len(rows) - number}[" "]')
        lines += [f'    {name.strip("_")}["{name}"]' for name in row]
        lines.append("  end")
    order = [name for row in rows for name in row]
    for name in order:
        for below in sorted(arrows[name], key=order.index):
            lines.append(f"  {name.strip('_')} --> {below.strip('_')}")
    lines += ["```", "", "| floor | room | what it is |", "| --- | --- | --- |"]
    for number, row in enumerate(rows):
        lines += [f"| {len(rows) - number} | `{name}` | {_first_line(name)} |" for name in row]
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with the drawing between its two marks."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{drawing()}\n{END}{rest.split(END)[1]}"


def _name(module: str) -> str:
    return module.removeprefix("repalign.")


def _source(name: str) -> Path:
    folder = ROOT / "repalign" / name
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


def _first_line(name: str) -> str:
    docstring = ast.get_docstring(ast.parse(_source(name).read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0].replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
