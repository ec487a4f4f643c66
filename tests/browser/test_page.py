"""The page in a real browser: it opens silently, keeps its state in the address, and shows hostile text as text."""

from __future__ import annotations

import base64
import gzip
import io
from dataclasses import replace

import pandas as pd
import pytest
from browser.factories import plotted, sample_small, scroll_through, wait
from factories import tables

from repalign import scoring
from repalign.report import Report
from repalign.results.results import Results

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("kind", "width", "scheme"),
    [("single", 1280, "light"), ("single", 390, "dark"), ("compare", 390, "light"), ("series", 1280, "dark")],
)
def test_opens_without_a_word_and_fits(open_page, kind, width, scheme):
    page = open_page(kind, width, scheme)
    scroll_through(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    undrawn = page.evaluate("[...document.querySelectorAll('.plot')].filter(p => !p.data).map(p => p.id)")
    assert undrawn == []
    assert page.evaluate("document.documentElement.dataset.theme") == scheme


def test_theme_button_and_system_preference(open_page):
    page = open_page("series", scheme="dark")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.click("#theme")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.locator("#theme").inner_text() == "Dark"
    assert "theme=light" in page.url


def test_a_term_is_explained_on_hover_and_in_the_glossary(open_page):
    page = open_page("single", address="#layer=1")
    term = page.locator("#findings .term:visible").first
    term.hover()
    definition = page.locator(f"{term.get_attribute('href')} dd").inner_text()
    assert term.get_attribute("title") == definition != ""
    term.click()
    assert page.locator("#layer-shown").inner_text().startswith("1 of"), "the address of a term is no state"


def test_address_keeps_the_state_and_refuses_nonsense(open_page):
    page = open_page("single", address="#metric=cka&layer=1&sentence=3&colour=score&find=zzz")
    assert page.locator("#metric").input_value() == "cka"
    assert page.locator("#layer-shown").inner_text().startswith("1 of")
    assert page.locator("#found").inner_text() == "0 found"
    assert page.locator("#card tbody tr").count() == 4
    page.evaluate("location.hash = '#metric=nonsense&layer=99&map=x&sentence=999&hide=qq'")
    wait(page, "document.getElementById('metric').value === 'mexa'")
    assert page.locator("#card tbody tr").count() == 0


def test_the_words_follow_the_metric_and_variant(open_page):
    page = open_page("single")

    def shown() -> str:
        own = "[...document.querySelectorAll('.answers')].filter(a => !a.hidden)"
        (text,) = page.evaluate(f"{own}.map(a => a.textContent)")
        return text

    def headline() -> str:
        return page.locator(".headline:visible").inner_text()

    assert "(MEXA, centred, on sample)" in shown()
    assert "MEXA" in headline()
    assert page.locator("[data-of='metric variant']").inner_text().startswith("MEXA: The share of sentences")
    page.select_option("#metric", "cka")
    assert "CKA (debiased)" in headline()
    assert page.locator("[data-of='metric variant']").inner_text().startswith("CKA (debiased): ")
    assert "(CKA (debiased), centred, on sample)" in shown()
    assert "MEXA, centred" not in shown()
    page.evaluate("location.hash = '#metric=p_at_1&variant=raw'")
    wait(page, "document.getElementById('metric').value === 'p_at_1'")
    assert "(P@1 averaged over both directions, raw, on sample)" in shown()


def test_print_shows_figures_on_white_and_no_controls(open_page):
    page = open_page("single", 390, "dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator(".controls.main").is_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("[...document.querySelectorAll('.plot')].every(p => p.data)")
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")


HOSTILE = [
    "<script>window.pwned = 1</script>",
    "</script><img src=x onerror='window.pwned = 2'>",
    "\"'`&amp;<b>bold</b> {{ 7 * 7 }} ${7 * 7}",
    "line\u2028separator\u2029and \u202eright to left\u202c mark",
    "x" * 10_000,
    "\u0000null? ]]> <!-- --> %{y} javascript:alert(1)".replace("\u0000", ""),
]


def test_hostile_text_is_text(open_page, results):
    """In sentences, languages, checkpoints, metrics' labels, title, settings and command."""
    states = sample_small("m-llama")
    evil = "</script><script>window.pwned = 3</script><i>zh"
    texts = {k: [HOSTILE[i % 6] + str(i) for i in range(len(v))] for k, v in states.texts.items()}
    rename = {"zh": evil}
    states = replace(
        states,
        signature=states.signature.with_(checkpoint="<img src=x onerror=window.pwned=4>"),
        arrays={rename.get(k, k): v for k, v in states.arrays.items()},
        texts={rename.get(k, k): v for k, v in texts.items()},
        token_counts={rename.get(k, k): v for k, v in states.token_counts.items()},
        token_ids={rename.get(k, k): v for k, v in states.token_ids.items()},
        metadata={"<b>sentences</b>": "<script>window.pwned = 5</script>"},
    )
    scores = scoring.profile(states, metrics=["mexa", "cka"], draws=50, progress=False)
    scores = replace(
        scores, settings={**scores.settings, "labels": {"mexa": "<script>window.pwned = 6</script>"}}
    )
    page = open_page(
        Results(
            "<script>window.pwned = 7</script>",
            scores,
            tables([states]),
            {"command": "</code>" + HOSTILE[0], "manifest": states.metadata},
        )
    )
    scroll_through(page)
    page.locator("#maps canvas").focus()
    for sentence in range(6):
        page.locator("#maps canvas").press("ArrowDown")
        shown = page.evaluate("[...document.querySelectorAll('#card tbody bdi')].map(b => b.textContent)")
        assert len(shown) == 4
        whole = texts["en"][sentence]
        assert all(text == whole or (len(whole) > 600 and text.startswith(whole[:600])) for text in shown)
    assert page.locator("h1").inner_text() == "<script>window.pwned = 7</script>"
    assert evil in page.locator("#legend").inner_text()
    wait(page, "document.getElementById('curves-1').data")
    names = page.evaluate("[...document.querySelectorAll('#curves-1 .legendtext')].map(t => t.textContent)")
    assert evil in names
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("document.querySelectorAll('main img, main i, main script').length") == 0


def test_200_languages_open(open_page, results):
    saved = results("single")

    def many(table: pd.DataFrame, column: str) -> pd.DataFrame:
        own, rest = table[table[column] == "zh"], table[table[column] != "zh"]
        return pd.concat([rest, *(own.assign(**{column: f"l{i:03}"}) for i in range(196))], ignore_index=True)

    scores = saved.profile.table
    profile = replace(saved.profile, table=many(scores[scores["source"] == "en"], "target"))
    shown = {name: many(saved.tables[name], "language") for name in ("map", "sentences", "geometry")}
    page = open_page(Results("many", profile, shown))
    assert "198 languages" in page.locator("#findings .note").first.inner_text()
    assert "the other 197 languages" in page.locator(".headline:visible").inner_text()
    assert set(plotted(page, "curves-1")) >= {"median language", "chance"}
    panels = page.locator("#curves-1-each .one")
    assert panels.count() == 198
    best = page.evaluate(
        "[...document.querySelectorAll('#curves-1-each small')].map(one => Number(one.textContent))"
    )
    assert best == sorted(best, reverse=True), "the highest peak first"
    panels.nth(3).click()
    wait(page, "document.getElementById('curves-1').data.length === 5")
    assert page.locator("#lang").input_value() in plotted(page, "curves-1"), "drawn over the quantiles"
    page.keyboard.press("Escape")
    assert page.evaluate("document.getElementById('heatmap-1').clientHeight") < 900
    assert page.evaluate("repalign.maps[0].space.languages.length") == 199


def test_axe_finds_nothing_serious(open_page, serious):
    whole, contrast = "{}", "{ runOnly: ['color-contrast'] }"
    for kind, width, scheme, rules in (("single", 1280, "light", whole), ("single", 390, "dark", contrast)):
        page = open_page(kind, width, scheme, "#sentence=3")
        scroll_through(page)
        assert serious(page, rules) == []


def test_embedded_table_is_the_whole_table(results, tmp_path):
    """The download does not depend on the browser's arithmetic: the page holds the CSV itself."""
    html = Report(results("single")).write(tmp_path / "report.html").read_text(encoding="utf-8")
    start = html.index('"csv":"') + 7
    csv = gzip.decompress(base64.b64decode(html[start : html.index('"', start)]))
    assert len(pd.read_csv(io.BytesIO(csv))) == len(results("single").profile)
