"""Every kind of page full of hostile text, in a real browser: it stays text, and nothing is asked of anyone."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser.conftest import KINDS, SMALL, listened
from browser.factories import scroll_through
from factories import sample_results
from hostile import (
    HOSTILE,
    hostile_evaluation,
    hostile_inside,
    hostile_quantisation,
    hostile_results,
    hostile_study,
)

from repalign.figures import draw, export
from repalign.report import Report
from repalign.report.evaluation import render_evaluation
from repalign.report.inside import render_inside
from repalign.report.layout import write_page
from repalign.report.quantisation import render_quantisation
from repalign.report.scaling import render_scaling

pytestmark = pytest.mark.browser

BUTTONS = {"Download plot", "Zoom", "Pan", "Zoom in", "Zoom out", "Reset axes"}
"""What may stand above a figure; a new release of Plotly must not add any."""

HOVER = """() => { for (const plot of document.querySelectorAll('.plot')) {
  for (const [curveNumber, trace] of plot._fullData.entries()) {
    if (trace.hoverinfo === 'skip' || trace.visible !== true) continue;
    Plotly.Fx.hover(plot, [{ curveNumber, pointNumber: trace.type === 'heatmap' ? [0, 0] : 0 }]);
  }
} }"""
"""Show the label of a point of every trace."""

USE = """() => {
  for (const details of document.querySelectorAll('details')) details.open = true;
  for (const button of document.querySelectorAll('button:not(#download, .show)')) button.click();
  for (const form of document.querySelectorAll('form')) form.requestSubmit();
  for (const select of document.querySelectorAll('select')) {
    select.selectedIndex = select.options.length - 1;
    select.dispatchEvent(new Event('change', { bubbles: true }));
  }
  for (const button of document.querySelectorAll('.modebar-btn:not([data-title="Download plot"])')) button.click();
}"""
"""Use every control, but for downloads."""

DEAD_LINKS = """[...document.querySelectorAll('a')].map(a => a.getAttribute('href') ?? a.getAttribute('xlink:href'))
  .filter(to => !to?.startsWith('#') || !document.getElementById(to.slice(1)))"""
"""Links to anything but a place on the page."""
FOREIGN = "document.querySelectorAll('main img, main iframe, main script, main style, main sub:not(.formula sub)').length"


def layers(kind: str, offset: int, folder: Path) -> Path:
    return Report(hostile_results(sample_results(*KINDS[kind], **SMALL), offset)).write(folder / "page.html")


PAGES = {
    "layers": lambda folder: layers("single", 0, folder),
    "compare": lambda folder: layers("compare", 12, folder),
    "series": lambda folder: layers("series", 24, folder),
    "evaluation": lambda folder: write_page(
        lambda: render_evaluation(hostile_evaluation(3)), folder / "page.html"
    ),
    "inside": lambda folder: write_page(lambda: render_inside(hostile_inside(5)), folder / "page.html"),
    "quantisation": lambda folder: write_page(
        lambda: render_quantisation(hostile_quantisation(7)), folder / "page.html"
    ),
    "scaling": lambda folder: write_page(lambda: render_scaling(hostile_study(24)[0]), folder / "page.html"),
    "allocation": lambda folder: write_page(lambda: render_scaling(*hostile_study(4)), folder / "page.html"),
}
"""The page of training is that of a series."""


@pytest.mark.parametrize("kind", PAGES)
def test_hostile_text_is_text(chromium, tmp_path, kind):
    path = PAGES[kind](tmp_path)
    assert path.stat().st_size < 8e6
    page, said = listened(chromium, path)
    page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        scroll_through(page)
        page.evaluate(HOVER)
        page.evaluate(USE)
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.__x") is None
    assert page.evaluate(DEAD_LINKS) == []
    assert page.evaluate(FOREIGN) == 0
    titles = page.evaluate("[...document.querySelectorAll('.modebar-btn')].map(b => b.dataset.title)")
    assert set(titles) == BUTTONS
    page.close()
    assert said == []


def test_a_shortened_name_is_whole_as_a_tooltip_and_below(chromium, tmp_path):
    page, said = listened(chromium, PAGES["series"](tmp_path))
    shown = page.locator("#names dt").all_inner_texts()
    assert len(set(shown)) == len(shown)
    assert sum(one.startswith("ZZZ") for one in shown) == 2
    button = page.locator("#legend button", has_text="ZZZ").first
    button.hover()
    assert len(button.get_attribute("title")) > 200
    page.close()
    assert said == []


def test_no_markup_runs_even_if_it_got_in(chromium, tmp_path):
    """The policy names the page's scripts by their hashes."""
    page, said = listened(chromium, Report(sample_results("m-llama", **SMALL)).write(tmp_path / "page.html"))
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=x onerror=window.__x=1>')"
    )
    page.evaluate(
        "document.querySelector('main').append(Object.assign(document.createElement('script'), { text: 'window.__x = 2' }))"
    )
    page.evaluate(
        "document.querySelector('main').append(Object.assign(document.createElement('form'), { action: 'http://evil.test/', id: 'evil' }))"
    )
    page.evaluate("HTMLFormElement.prototype.submit.call(document.getElementById('evil'))")
    page.wait_for_timeout(100)
    assert page.evaluate("window.__x") is None
    assert page.url.startswith("file:")
    assert sum("Content Security Policy" in line for line in said) == 4, "handler, image, script, form"
    assert not any(line.startswith("http") for line in said)
    page.close()


def test_a_figure_by_itself_is_closed_too(chromium, tmp_path):
    results = hostile_results(sample_results("m-llama", **SMALL), 3)
    page, said = listened(chromium, export(draw("heatmap", results), tmp_path / "figure.html"))
    page.wait_for_timeout(300)
    titles = page.evaluate("[...document.querySelectorAll('.modebar-btn')].map(b => b.dataset.title)")
    assert set(titles) == BUTTONS
    assert page.evaluate(DEAD_LINKS) == []
    assert page.evaluate("window.__x") is None
    drawn = page.evaluate("[...document.querySelectorAll('.ytick text')].map(tick => tick.textContent)")
    assert HOSTILE[9] in drawn
    page.close()
    assert said == []
