"""A folder of questions, as XQuAD has them."""

from __future__ import annotations

from pathlib import Path

import pytest
from evaluation.factories import squad_file


@pytest.fixture(scope="module")
def questions(tmp_path_factory) -> Path:
    """Six questions in two languages, as XQuAD has them."""
    folder = tmp_path_factory.mktemp("xquad")
    english = [(f"q{n}", f"The dog sees {n} birds.", "How many birds?", str(n)) for n in range(6)]
    chinese = [(f"q{n}", f"狗看见{n}只鸟。", "几只鸟？", str(n)) for n in range(6)]
    squad_file(folder / "xquad.en.json", english)
    squad_file(folder / "xquad.zh.json", chinese)
    return folder
