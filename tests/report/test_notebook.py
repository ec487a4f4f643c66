"""The example notebook runs from top to bottom, and its cells show what they say."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from repalign import LayerProfile, LayerStates

NOTEBOOK = Path(__file__).parents[2] / "analyses" / "first_walk.ipynb"


def shown(source: str, names: dict) -> object:
    """Run a cell as a notebook does: the value of its last line, where that is an expression."""
    tree = ast.parse(source)
    last = ast.Expression(tree.body.pop().value) if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, str(NOTEBOOK), "exec"), names)
    return eval(compile(last, str(NOTEBOOK), "eval"), names) if last else None


@pytest.fixture(scope="module")
def outcome() -> tuple[list[object], dict]:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict = {}
    return [shown("".join(cell["source"]), names) for cell in cells if cell["cell_type"] == "code"], names


def test_every_result_has_a_rich_form(outcome):
    values, _ = outcome
    rich = [value for value in values if value is not None]
    assert [type(value).__name__ for value in rich] == [
        "LayerStates",
        "LayerProfile",
        "Figure",
        "Figure",
        "Figure",
    ]
    assert all(hasattr(value, "_repr_html_") or hasattr(value, "_repr_mimebundle_") for value in rich)


def test_it_finds_what_was_put_in(outcome):
    """Languages align in the middle, not at the first layers."""
    _, names = outcome
    table = names["scores"].where(metric="mexa", variant="centred").table
    best = table.loc[table.groupby("target")["value"].idxmax()]
    assert set(best["layer"]) <= {4, 5}
    assert (best["p_adjusted"] < 0.001).all()
    assert (table[table["layer"] == 0]["p_adjusted"] > 0.05).all()


def test_it_writes_a_page(outcome):
    _, names = outcome
    assert "made-up" in names["page"].read_text(encoding="utf-8")


def test_what_is_stored_is_what_the_cells_give(outcome):
    """Else `make notebook`."""
    values, _ = outcome
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    for value, cell in zip(values, (cell for cell in cells if cell["cell_type"] == "code"), strict=True):
        (output,) = cell["outputs"]
        assert output["output_type"] != "error"
        if isinstance(value, (LayerStates, LayerProfile)):
            assert "".join(output["data"]["text/plain"]) == repr(value)
        elif value is not None:
            shown = output["data"]["application/vnd.plotly.v1+json"]
            assert [trace["type"] for trace in shown["data"]] == [trace.type for trace in value.data]
            assert len(output["data"]["image/png"]) > 10_000, "what GitHub shows"


def test_it_is_small():
    assert NOTEBOOK.stat().st_size < 1_500_000
