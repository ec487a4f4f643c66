"""The first screen answers the page's question; one language stands out, in every figure and without a redraw."""

from __future__ import annotations

import pytest
from browser.factories import expected, plotted, scroll_through, wait

pytestmark = pytest.mark.browser

SCREENS = ((1280, 800), (390, 844))
BOTTOMS = """(() => { const plot = document.querySelector('.first .plot'), bottom = (one) => one.getBoundingClientRect().bottom;
return [document.querySelector('.headline:not([hidden])'), plot, plot.querySelector('.xtitle'), plot.querySelector('.legend')].map(bottom); })()"""
SHOWN = """Object.fromEntries([...document.querySelectorAll('#curves-1 .scatterlayer .trace')].map(
group => [group.__data__[0].trace.meta?.language + group.__data__[0].trace.fill, Number(getComputedStyle(group).opacity)]))"""


@pytest.mark.parametrize("kind", ["single", "compare", "series"])
@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_headline_and_a_whole_curve_are_on_the_first_screen(open_page, kind, width, height):
    page = open_page(kind, width)
    page.set_viewport_size({"width": width, "height": height})
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        wait(page, "document.querySelector('.first .legend')")
        assert all(0 < bottom <= height for bottom in page.evaluate(BOTTOMS)), (
            scheme,
            page.evaluate(BOTTOMS),
        )
    answered = "curves" if kind == "single" else "difference"
    assert page.evaluate("document.querySelector('.first .plot').id") == f"{answered}-1"


def test_the_slider_stays_on_screen_over_the_whole_page(open_page):
    for width in (1280, 390):
        page = open_page("single", width)
        page.evaluate("document.getElementById('made').scrollIntoView()")
        assert page.evaluate("document.getElementById('layer').getBoundingClientRect().top") >= 0
        page.evaluate("scrollTo(0, 0)")


def test_a_chosen_language_stands_out_until_escape(open_page):
    page = open_page("single")
    wait(page, "document.querySelector('#curves-1 .legend')")
    before = page.evaluate(SHOWN)
    assert before["zhnone"] == before["arnone"] == 1
    assert before["zhtoself"] < 0.5, "bands are faint until a language is chosen"
    page.evaluate(
        "document.getElementById('curves-1').on('plotly_afterplot', () => { globalThis.redrawn = true; })"
    )
    page.locator("#curves-1 .legend .traces", has_text="zh").locator(".legendtoggle").click()
    assert page.locator("#lang").input_value() == "zh"
    assert "lang=zh" in page.url
    page.mouse.move(2, 2)
    page.wait_for_timeout(250)  # the fade
    chosen = page.evaluate(SHOWN)
    assert chosen["zhnone"] == chosen["zhtoself"] == 1
    assert chosen["arnone"] < 0.3
    assert chosen["artoself"] == 0
    assert page.evaluate("document.querySelector('#heatmap-1 .row-frame:not([hidden])') !== null")
    page.keyboard.press("Escape")
    assert "lang" not in page.url
    page.wait_for_timeout(250)
    assert page.evaluate(SHOWN) == before
    assert page.evaluate("globalThis.redrawn") is None, "too slow for a pointer"


def test_pointing_at_a_language_in_the_words_singles_it_out(open_page):
    page = open_page("single")
    wait(page, "document.querySelector('#curves-1 .legend')")
    name = page.locator(".answers:not([hidden]) .language:visible").first
    code = name.get_attribute("data-language")
    name.hover()
    faded = page.evaluate(
        "[...document.querySelectorAll('#curves-1 .trace.faded')].map(g => g.__data__[0].trace.meta.language)"
    )
    assert set(faded) == {"ar", "hi", "zh"} - {code}
    name.click()
    assert page.locator("#lang").input_value() == code
    page.mouse.move(2, 2)
    name.click()
    assert page.locator("#lang").input_value() == ""
    page.mouse.move(2, 2)


def test_grids_have_numbers_in_their_cells(open_page, results):
    page = open_page("single")
    scroll_through(page)
    shown = page.evaluate(
        "[...document.querySelectorAll('#heatmap-1 .heatmap-label')].map(text => text.textContent)"
    )
    values = expected(results("single"), metric="mexa", variant="centred")
    assert sorted(map(float, shown)) == sorted(round(value, 2) for line in values.values() for value in line)


def test_controls_are_a_band_and_lines_in_the_legend(open_page):
    page = open_page("single")
    assert "baselines" in plotted(page, "curves-1")
    label = page.locator("#curves-1 .annotation-text").first
    assert label.text_content() == "shared tokens"
    page.locator("#curves-1 .legend .traces", has_text="length regressed out").locator(
        ".legendtoggle"
    ).click()
    wait(
        page,
        "document.getElementById('curves-1')._fullData.some(t => t.name.startsWith('length regressed') && t.visible === true)",
    )
    page.locator("#curves-1 .legend .traces", has_text="length regressed out").locator(
        ".legendtoggle"
    ).click()
