"""The page of an evaluation in a real browser: every table drawn, offline, light and dark, readable by anyone."""

from __future__ import annotations

import pytest
from sample_others import sample_evaluation

from repalign.report.evaluation import render_evaluation
from repalign.report.layout import write_page
from repalign.results.evaluation import Evaluation

pytestmark = pytest.mark.browser
LANGUAGES = ("en", "ar", "el", "hi", "zh")
HOSTILE = "</script><script>window.hacked = 1</script><b>bold</b>"


@pytest.fixture(scope="module")
def found() -> Evaluation:
    return sample_evaluation(HOSTILE)


@pytest.fixture(scope="module")
def page(silent, found, tmp_path_factory):
    return silent(
        write_page(
            lambda: render_evaluation(found), tmp_path_factory.mktemp("evaluation") / "evaluation.html"
        )
    )


def test_every_table_is_drawn_when_it_comes_into_sight(page):
    plots = page.locator(".plot")
    assert plots.count() == 1 + 1 + 1 + 3 + 2 + 1
    for number in range(plots.count()):
        plots.nth(number).scroll_into_view_if_needed()
        plots.nth(number).locator(".main-svg").first.wait_for(timeout=5000)
    assert page.locator("#examples tbody tr").count() == (1 + 6) * len(LANGUAGES)


def test_what_was_answered_is_text(page):
    assert page.evaluate("window.hacked") is None
    assert page.locator("#examples b").count() == 0
    assert page.locator("#examples td", has_text="window.hacked").count() > 0


def test_light_and_dark(page):
    theme = page.evaluate("document.documentElement.dataset.theme")
    page.click("#theme")
    assert page.evaluate("document.documentElement.dataset.theme") != theme
    page.click("#theme")


def test_axe_finds_nothing_serious(page, serious):
    assert serious(page) == []
