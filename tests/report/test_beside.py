"""Figures that are too large for a page lie beside it."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode

import pytest
from factories import sample_results

from repalign.report import Report, page
from repalign.report.packing import to_json
from repalign.results.drawn import Drawn, write_drawn
from repalign.results.results import Results

SMALL = {"languages": ("en", "hi", "zh"), "layers": 3, "sentences": 24, "dim": 8}


@pytest.fixture(scope="module")
def results() -> Results:
    return sample_results("m-llama", **SMALL)


def test_a_small_page_is_one_file(results, tmp_path):
    Report(results).write(tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert "'self'" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_large_figures_are_chunks_beside_the_page_that_hold_what_the_page_would(
    results, tmp_path, monkeypatch
):
    whole = page.render(results)
    monkeypatch.setattr(page, "MAX_FIGURES", 1)
    path = Report(results).write(tmp_path / "report.html")
    html = path.read_text(encoding="utf-8")
    assert "script-src 'self' 'sha256-" in html
    chunks = {chunk.name: chunk.read_text() for chunk in (tmp_path / "report.data").iterdir()}
    assert len(chunks) > 3
    for name, text in chunks.items():
        assert name in html
        identity, packed = re.fullmatch(r'repalignChunk\("([\w-]+)","([\w+/=]+)"\);\n', text).groups()
        assert name.startswith(f"{identity}.")
        pictures = gzip.decompress(b64decode(packed)).decode()
        assert pictures in whole
        assert pictures not in html
        assert pictures == to_json(json.loads(pictures))
    assert page.render(results) == whole  # that of a notebook, which has no folder


def test_chunks_of_the_page_before_are_removed_and_other_files_are_not(tmp_path):
    path, folder = tmp_path / "a.html", tmp_path / "a.data"
    name = f"curves-1.{'0' * 16}.js"
    write_drawn(path, Drawn("one", {name: 'repalignChunk("curves-1","x");\n'}), "")
    for other, text in (("notes.txt", "mine"), (f"curves-2.{'0' * 16}.js", "not ours")):
        (folder / other).write_text(text)
    write_drawn(path, "two", "")
    assert path.read_text() == "two"
    assert sorted(one.name for one in folder.iterdir()) == [f"curves-2.{'0' * 16}.js", "notes.txt"]
    for one in folder.iterdir():
        one.unlink()
    write_drawn(path, "three", "")
    assert not folder.exists()
