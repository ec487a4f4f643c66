"""The page of what is inside checkpoints in a real browser: all drawn, offline, readable by anyone."""

from __future__ import annotations

import pytest
from sample_others import sample_inside

from repalign.report.inside import render_inside
from repalign.report.layout import write_page
from repalign.results.inside import Inside

LANGUAGES = ["en", "zh", "ar"]
HOSTILE = "m<b onmouseover=alert(1)>"


@pytest.fixture(scope="module")
def found() -> Inside:
    return sample_inside(HOSTILE)


@pytest.fixture(scope="module")
def page(silent, found, tmp_path_factory):
    return silent(write_page(lambda: render_inside(found), tmp_path_factory.mktemp("inside") / "inside.html"))


def test_every_figure_is_drawn_when_it_comes_into_sight(page):
    plots = page.locator(".plot")
    assert plots.count() == 1 + 3 + 2 + 3 + 2
    for number in range(plots.count()):
        plots.nth(number).scroll_into_view_if_needed()
        plots.nth(number).locator(".main-svg").first.wait_for(timeout=5000)


def test_names_are_text(page):
    assert page.locator("b").count() == 0
    assert HOSTILE in page.locator("h1").text_content()


def test_axe_finds_nothing_serious(page, serious):
    assert serious(page) == []
