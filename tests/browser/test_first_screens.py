"""The other pages' first screen: the answer in a sentence and the main figure, on a desk and on a phone; and what follows the pointer."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest
from browser.conftest import listened
from hostile import hostile_study
from sample_others import sample_evaluation, sample_inside, sample_quantisation

from repalign.report.evaluation import render_evaluation
from repalign.report.inside import render_inside
from repalign.report.layout import write_page
from repalign.report.quantisation import render_quantisation
from repalign.report.scaling import render_scaling
from repalign.results.inside import Inside

pytestmark = pytest.mark.browser
SCREENS = ((1280, 800), (390, 844))


def two_inside() -> Inside:
    """Two checkpoints, of which only the first has neurons."""
    first, second = sample_inside("alpaca"), sample_inside("m-llama")
    tables = {
        name: pd.concat([first.tables[name], second.tables[name]]) for name in ("lens", "interventions")
    }
    checkpoints = {**first.settings["checkpoints"], **second.settings["checkpoints"]}
    return replace(
        first,
        title="alpaca, m-llama inside",
        signatures={**first.signatures, **second.signatures},
        tables={**tables, "neurons": first.tables["neurons"]},
        settings={**first.settings, "checkpoints": checkpoints},
    )


PAGES = {
    "inside": lambda: render_inside(two_inside()),
    "quantisation": lambda: render_quantisation(sample_quantisation()),
    "evaluation": lambda: render_evaluation(sample_evaluation()),
    "scaling": lambda: render_scaling(hostile_study(14)[0]),
    "allocation": lambda: render_scaling(*hostile_study(14)),
}
MAIN = {
    "inside": "overview-1",
    "quantisation": "overview-1",
    "evaluation": "main-1",
    "scaling": "curves",
    "allocation": "split",
}


@pytest.fixture(scope="module", params=PAGES)
def opened_page(request, chromium, tmp_path_factory):
    path = write_page(PAGES[request.param], tmp_path_factory.mktemp(request.param) / "page.html")
    page, said = listened(chromium, path)
    yield request.param, page
    page.close()
    assert said == []


def box(page, selector: str) -> dict[str, float]:
    return page.locator(selector).first.bounding_box()


@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_the_answer_and_the_main_figure_are_on_the_first_screen(opened_page, width, height):
    name, page = opened_page
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("scrollTo(0, 0)")
    figure = f"#{MAIN[name]}"
    page.locator(f"{figure} .main-svg").first.wait_for()
    headline, plot = box(page, ".headline"), box(page, f"{figure} .nsewdrag")
    assert headline["y"] + headline["height"] <= plot["y"]
    assert plot["y"] + plot["height"] <= height
    beside = box(page, ".first .answers")
    assert (
        beside["x"] >= plot["x"] + plot["width"]
        if width > 1000
        else beside["y"] >= plot["y"] + plot["height"]
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_contents_list_every_section(opened_page):
    _, page = opened_page
    listed = page.eval_on_selector_all(
        ".contents a", "links => links.map(link => link.getAttribute('href').slice(1))"
    )
    sections = page.eval_on_selector_all(
        "main > section[id]", "sections => sections.map(section => section.id)"
    )
    assert set(sections) - set(listed) <= {"findings", "names"}
    assert "made" in listed


def test_light_and_dark_by_the_button_and_for_print(opened_page, serious):
    name, page = opened_page
    ink = f"document.getElementById('{MAIN[name]}')._fullLayout.font.color"
    light = page.evaluate(ink)
    page.click("#theme")
    assert page.inner_text("#theme") == "Light"
    assert page.evaluate(ink) != light
    assert serious(page) == []
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(ink) == light
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    page.click("#theme")
    assert page.evaluate(ink) == light


@pytest.mark.parametrize("opened_page", ["inside"], indirect=True)
def test_a_language_stands_out_in_all_figures_of_checkpoints_on_one_scale(opened_page):
    _, page = opened_page
    page.set_viewport_size({"width": 1280, "height": 800})
    page.locator("#lens-1").scroll_into_view_if_needed()
    page.locator("#lens-2 .legend").wait_for()
    ranges = page.evaluate(
        "['lens-1', 'lens-2'].map(id => document.getElementById(id)._fullLayout.yaxis.range)"
    )
    assert ranges[0] == ranges[1]
    assert box(page, "#lens-1")["y"] == box(page, "#lens-2")["y"]
    entry = page.locator("#lens-1 .legend .traces", has_text="zh")
    faded = "[...document.querySelectorAll('#lens-2 .scatterlayer .trace.faded')].map(e => e.__data__[0].trace.legendgroup)"
    entry.locator(".legendtoggle").hover()
    assert set(page.evaluate(faded)) == {"group en", "group ar"}
    elsewhere = "document.querySelectorAll('#overview-1 .faded, #overview-2 .faded').length"
    assert page.evaluate(elsewhere) == 0  # no line of a language alone
    page.mouse.move(5, 5)
    assert page.evaluate(faded) == []


@pytest.mark.parametrize("opened_page", ["inside"], indirect=True)
def test_a_checkpoint_without_neurons_says_so_in_its_column(opened_page):
    _, page = opened_page
    texts = page.locator("#neurons .panel").all_inner_texts()
    assert "No language-specific neurons were selected" in texts[1]
    assert len(texts) == 4


@pytest.mark.parametrize("opened_page", ["evaluation"], indirect=True)
def test_examples_of_one_language_with_right_and_wrong_marked(opened_page):
    _, page = opened_page
    page.select_option("#exampled", label="Chinese (zh)")
    assert page.locator("#examples tbody:visible").count() == 1
    assert page.locator("#examples tbody:visible tr").count() == 1 + 6
    marks = page.locator("#examples tbody:visible td:last-child > span").all_inner_texts()
    assert set(marks) == {"✓", "✗"}
    page.select_option("#exampled", "")
    assert page.locator("#examples tbody:visible").count() == 5


@pytest.mark.parametrize("opened_page", ["evaluation"], indirect=True)
def test_figures_of_an_evaluation_can_be_read(opened_page):
    _, page = opened_page
    page.set_viewport_size({"width": 1280, "height": 800})
    for figure in (
        "main-1",
        "differences-1",
        "wins-1",
        "answer_languages-1",
        "answer_languages-2",
        "consistency-1",
    ):
        page.locator(f"#{figure}").scroll_into_view_if_needed()
        page.locator(f"#{figure} .main-svg").first.wait_for()
    legends = "[...document.querySelectorAll('.plot')].filter(p => p.data && p.data[0].type !== 'heatmap' && !p.querySelector('.legend')).length"
    assert page.evaluate(legends) == 0
    ticks = page.locator("#wins-1 .xtick text").all_text_contents()
    assert ticks == ["0%", "25%", "50%", "75%", "100%"]
    titles = page.locator("#answer_languages figcaption > bdi").all_inner_texts()
    assert titles == ["references", "alpaca", "m-llama"]
    heights = page.eval_on_selector_all(
        "#answer_languages .nsewdrag", "areas => areas.map(a => a.getBoundingClientRect().height)"
    )
    assert len(set(heights)) == 1
    cells = page.locator("#consistency-1 .hm text").all_text_contents()
    assert len([cell for cell in cells if re.fullmatch(r"\d+% \(\d+%\)", cell)]) == 5 * 4
