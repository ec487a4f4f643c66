"""A recipe that is trained in seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

TINY = Path(__file__).parents[1] / "data" / "tiny.toml"


@pytest.fixture
def recipe_file(tmp_path, monkeypatch):
    monkeypatch.setenv("REPALIGN_HOME", str(tmp_path / "home"))
    path = tmp_path / "tiny.toml"
    path.write_text(TINY.read_text())
    return str(path)
