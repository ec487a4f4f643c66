"""Figures and tables that are taken away from a page."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from browser.factories import scroll_through, wait

pytestmark = pytest.mark.browser

TABLE = ".answers:not([hidden]) .by-language"


def saved(page, button) -> tuple[str, bytes]:
    """Name and contents of the file that a button saves."""
    with page.expect_download() as waiting:
        button.click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def tools_of(page, table: str = TABLE):
    return page.locator(f"{table} >> xpath=ancestor::div[1]/following-sibling::*[1]").first


def without_clipboard(page) -> None:
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })")


def test_a_table_is_saved_as_csv(open_page):
    page = open_page("single")
    name, text = saved(page, tools_of(page).get_by_text("CSV"))
    rows = list(csv.reader(io.StringIO(text.decode())))
    shown = page.locator(f"{TABLE} tr").first.locator("th").all_inner_texts()
    assert name.startswith("m-llama")
    assert rows[0] == shown == ["Language", "Best score", "Layers", "Verdict"]
    assert [row[0] for row in rows[1:]] == ["Arabic (ar)", "Hindi (hi)", "Chinese (zh)"]


def test_a_table_is_copied_or_else_saved_as_markdown_and_latex(open_page):
    page = open_page("single")
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    tools_of(page).get_by_text("Markdown").click()
    wait(page, "window.copied")
    lines = page.evaluate("window.copied").splitlines()
    assert lines[:2] == ["| Language | Best score | Layers | Verdict |", "| --- | --- | --- | --- |"]
    assert len(lines) == 5
    without_clipboard(page)
    name, text = saved(page, tools_of(page).get_by_text("LaTeX"))
    latex = text.decode().splitlines()
    assert name.endswith(".tex")
    assert latex[1:5] == [
        "\\begin{tabular}{llll}",
        "\\toprule",
        "Language & Best score & Layers & Verdict \\\\",
        "\\midrule",
    ]
    assert latex[-2:] == ["\\bottomrule", "\\end{tabular}"]


def test_what_is_taken_away_is_escaped(open_page, results):
    evil = 'a|b & 50%_{$x$} "c", <i>\\d'
    whole = results("single")
    sentences = whole.tables["sentences"].assign(text=evil)
    page = open_page(replace(whole, tables={**whole.tables, "sentences": sentences}))
    without_clipboard(page)
    tools = tools_of(page, "#confusions table")
    rows = list(csv.reader(io.StringIO(saved(page, tools.get_by_text("CSV"))[1].decode())))
    assert evil in rows[1]
    markdown = saved(page, tools.get_by_text("Markdown"))[1].decode()
    assert 'a\\|b &amp; 50%\\_{$x$} "c", &lt;i&gt;\\\\d' in markdown
    latex = saved(page, tools.get_by_text("LaTeX"))[1].decode()
    assert 'a|b \\& 50\\%\\_\\{\\$x\\$\\} "c", \\textless{}i\\textgreater{}\\textbackslash{}d' in latex


@pytest.mark.parametrize("kind", ["single", "compare", "series"])
def test_every_figure_is_saved_with_its_title_on_white(open_page, kind):
    page = open_page(kind, scheme="dark")
    scroll_through(page)
    figures = page.locator(".plot")
    for name in ("SVG", "PNG"):
        assert page.locator("figcaption .take").get_by_text(name).count() == figures.count()
    name, svg = saved(page, page.locator("figcaption .take").get_by_text("SVG").first)
    assert name.endswith(".svg")
    text = svg.decode()
    assert page.locator("h1").inner_text() in text
    assert "rgb(255, 255, 255)" in text
    name, png = saved(page, page.locator("figcaption .take").get_by_text("PNG").first)
    assert name.endswith(".png")
    assert png.startswith(b"\x89PNG")


def test_buttons_are_reached_by_keyboard_and_not_printed(open_page):
    page = open_page("single")
    button = page.locator("figcaption .take button").first
    button.focus()
    assert page.evaluate("document.activeElement.textContent") == "PNG"
    page.emulate_media(media="print")
    assert page.locator(".take:visible").count() == 0
    page.emulate_media(media="screen")
