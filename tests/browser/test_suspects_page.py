"""The page of suspects: judged by clicks and keys, kept in the browser, filtered, and saved."""

from __future__ import annotations

import csv

import pytest
from browser.conftest import listened
from browser.test_hostile import DEAD_LINKS, FOREIGN
from hostile import hostile_suspects
from planted_pairs import sample_suspects

from repalign.report.layout import write_page
from repalign.report.suspects import render_suspects
from repalign.results.suspects import Suspects

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def found() -> Suspects:
    return sample_suspects()


@pytest.fixture
def page(silent, found, tmp_path):
    opened = silent(write_page(lambda: render_suspects(found), tmp_path / "suspects.html"))
    opened.evaluate("localStorage.clear()")
    opened.reload()
    return opened


def verdict(page) -> str:
    return page.locator("#precision").inner_text()


def test_judgements_by_key_and_click_are_counted_and_kept(page):
    assert verdict(page) == "0 of 8 judged; none decided yet"
    for key in "jwwu":  # the first two are wrong, of the third nobody is sure
        page.keyboard.press(key)
    assert verdict(page).startswith("3 of 8 judged; 2 of 2 decided are faults: 100% (95%: 34 to 100%)")
    page.locator(".suspects li").nth(3).get_by_role("button", name="Right translation").click()
    assert "2 of 3 decided are faults: 67%" in verdict(page)
    page.reload()
    assert "2 of 3 decided are faults: 67%" in verdict(page)
    page.locator(".suspects li").nth(3).get_by_role("button", name="Right translation").click()
    assert "2 of 2 decided" in verdict(page), "pressed again, a judgement is taken back"


def test_the_list_is_filtered_by_language_kind_and_judgement(page, found):
    listed = found.tables["suspects"].head(8)
    page.select_option("#language", "el")
    assert page.locator(".suspects li:visible").count() == (listed["language"] == "el").sum()
    page.select_option("#kind", listed.iloc[0]["kind"])
    page.keyboard.press("j")
    assert page.locator(".suspects li:visible").count() >= 1
    page.select_option("#language", "")
    page.select_option("#kind", "")
    page.select_option("#judged", "unsure")
    assert page.locator(".suspects li:visible").count() == 0
    assert page.locator("#none").is_visible()


def test_judgements_are_saved_as_a_table(page, found):
    page.keyboard.press("j")
    page.keyboard.press("w")
    with page.expect_download() as downloaded:
        page.click("#save")
    with open(downloaded.value.path(), encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    first = found.tables["suspects"].iloc[0]
    assert len(rows) == 8
    assert rows[0]["judgement"] == "wrong"
    assert {row["judgement"] for row in rows[1:]} == {""}
    assert (rows[0]["language"], rows[0]["row"]) == (first["language"], str(first["sentence"] + 1))


def test_what_another_program_kept_is_no_judgement(chromium, found, tmp_path):
    path = write_page(lambda: render_suspects(found), tmp_path / "suspects.html")
    page, said = listened(chromium, path)
    page.evaluate("""() => { const name = `repalign suspects ${pageData.judged_as}`;
      localStorage.setItem(name, '{"el 21": "<b>", "el 42": 7, "__proto__": "wrong"}'); }""")
    page.reload()
    assert verdict(page) == "0 of 8 judged; none decided yet"
    page.evaluate("localStorage.setItem(`repalign suspects ${pageData.judged_as}`, 'no JSON')")
    page.reload()
    assert verdict(page) == "0 of 8 judged; none decided yet"
    page.evaluate("localStorage.clear()")
    page.close()
    assert said == []


def test_nothing_serious_is_wrong_with_the_page_and_it_fits_a_telephone(page, serious):
    assert serious(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.click("#theme")
    assert serious(page) == []


@pytest.mark.parametrize("offset", [0, 9, 21])
def test_hostile_text_is_text(silent, tmp_path, offset):
    page = silent(write_page(lambda: render_suspects(hostile_suspects(offset)), tmp_path / "page.html"))
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for key in "jwjrju":
            page.keyboard.press(key)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.__x") is None
    assert page.evaluate(DEAD_LINKS) == []
    assert page.evaluate(FOREIGN) == 0
