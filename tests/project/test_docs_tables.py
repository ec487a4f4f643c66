"""Pages of docs that a script writes are what it would write today."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NUMBER = re.compile(r"(?<![\w.])-?\d*\.\d+")


def pages(script: str) -> str:
    return runpy.run_path(str(ROOT / "analyses" / script))["page"]()


def written(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_the_page_of_tables_is_up_to_date():
    assert written("tables.md") == pages("tables.py"), "run `python analyses/tables.py`"


def test_the_page_of_metrics_is_up_to_date(monkeypatch):
    """Its words; its numbers but for rounding, which depends on the machine."""
    monkeypatch.syspath_prepend(ROOT / "analyses")
    page, today = written("metrics.md"), pages("metrics.py")
    assert NUMBER.sub("#", page) == NUMBER.sub("#", today), "run `python analyses/metrics.py`"
    numbers = (list(map(float, NUMBER.findall(text))) for text in (page, today))
    assert next(numbers) == pytest.approx(next(numbers), abs=0.021)


def test_the_glossary_is_up_to_date():
    assert written("glossary.md") == pages("glossary.py"), "run `python analyses/glossary.py`"
