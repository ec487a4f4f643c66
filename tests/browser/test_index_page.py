"""The index page: its table is sorted by a click, and it says nothing and asks for nothing."""

from __future__ import annotations

import pytest
from factories import sample_results

from repalign.report.entries import entries
from repalign.report.index import render_index

pytestmark = pytest.mark.browser


def test_a_click_on_a_heading_sorts_the_table(chromium, tmp_path):
    for name, sentences in (("base", 30), ("alpaca", 100), ("m-llama", 24)):
        made = sample_results(name, languages=("en", "zh"), layers=3, sentences=sentences, dim=8)
        made.save(tmp_path / name)
    path = tmp_path / "index.html"
    path.write_text(render_index("out", entries(tmp_path)), encoding="utf-8")
    page, problems = chromium.new_page(), []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(path.as_uri())

    def order() -> list[str]:
        return list(page.locator("table.sortable tbody th").all_inner_texts())

    size = page.get_by_role("button", name="Size")
    size.click()
    assert order() == ["m-llama", "base", "alpaca"], "by number, not by digits"
    size.click()
    assert order() == ["alpaca", "base", "m-llama"]
    assert page.locator("[aria-sort=descending]").inner_text().startswith("Size")
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert problems == []
    page.close()
