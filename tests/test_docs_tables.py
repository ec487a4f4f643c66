"""docs/tables.md says what the schema says."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_page_of_tables_is_up_to_date():
    page = runpy.run_path(str(ROOT / "analyses" / "tables.py"))["page"]()
    written = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert written == page, "run `python analyses/tables.py`"
