"""Figures beside the page, in a browser: loaded from disk when they are looked at, checked, and missed in words."""

from __future__ import annotations

import pytest
from browser.factories import scroll_through, wait

from repalign.report import Report, page

pytestmark = pytest.mark.browser


def test_figures_beside_the_page_are_loaded_checked_and_missed(chromium, results, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "MAX_FIGURES", 1)
    path = Report(results("single")).write(tmp_path / "report.html")
    opened, said = chromium.new_page(), []
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto(path.as_uri())
    scroll_through(opened)
    wait(opened, "[...document.querySelectorAll('.plot')].every((plot) => plot.data)")
    assert said == []
    opened.close()

    missing, damaged, *_ = sorted((tmp_path / "report.data").iterdir())
    missing.unlink()
    damaged.write_text(damaged.read_text().replace('","', '","AAAA', 1))
    opened = chromium.new_page()
    opened.goto(path.as_uri())
    opened.evaluate("document.querySelectorAll('.plot').forEach((plot) => plot.scrollIntoView())")
    for chunk, why in ((missing, "is missing"), (damaged, "is damaged")):
        identity = chunk.name.partition(".")[0]
        opened.evaluate("(id) => document.getElementById(id).scrollIntoView()", identity)
        wait(opened, f"document.getElementById('{identity}').textContent.includes('{chunk.name} {why}')")
    opened.close()
