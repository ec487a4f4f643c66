"""A corpus in a folder."""

from __future__ import annotations

import pytest


@pytest.fixture
def text(tmp_path):
    """A folder of forty parallel sentences."""
    folder = tmp_path / "text"
    folder.mkdir()
    words = {"en": ("dog", "sees", "birds"), "el": ("σκύλος", "βλέπει", "πουλιά"), "zh": ("狗", "看见", "鸟")}
    for lang, (a, b, c) in words.items():
        rows = [f"{a} {b} {c * n}" for n in range(1, 21)] + [f"{c} {b} {a * n}" for n in range(1, 21)]
        (folder / f"{lang}.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder
