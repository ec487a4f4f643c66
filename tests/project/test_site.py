"""The documentation site builds without warnings, and fetches nothing from elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("zensical", reason="Zensical needs Python 3.11: pip install 'repalign[docs]'")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Built from a copy of what it is made of, so that the checkout stays as it is."""
    folder = tmp_path_factory.mktemp("site")
    for name in ("docs", "repalign"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "mkdocs.yml", folder)
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "build" / "site"


def test_every_page_and_every_docstring_is_there(site):
    pages = {path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")}
    built = {path.relative_to(site).with_suffix("") for path in site.rglob("*.html")}
    assert pages - {Path("README")} <= built
    assert "The pooled hidden states of every layer" in (site / "api.html").read_text(encoding="utf-8")


def test_nothing_is_fetched_from_elsewhere(site):
    """Links that a reader clicks may leave the site; what a browser loads may not."""
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(
            r"<(?:script|link|img|iframe|source|video|object)\b[^>]*(?:src|href|data)=\"?([^\s\">]+)", text
        )
        assert loaded
        assert not [address for address in loaded if re.match(r"(https?:)?//", address)], page
    for sheet in site.rglob("*.css"):
        assert not re.search(
            r"(?:url\(|@import\s+)[\"']?(?:https?:)?//", sheet.read_text(encoding="utf-8")
        ), sheet


def test_it_can_be_searched_from_the_disk(site):
    assert "hubness" in (site / "search.js").read_text(encoding="utf-8")
    assert 'src="./scripts/iframe-worker.js"' in (site / "index.html").read_text(encoding="utf-8")
