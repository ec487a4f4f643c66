"""Figures in a real browser: what they show against the tables, and their controls."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from browser.factories import expected, plotted, scroll_through, wait

pytestmark = pytest.mark.browser


def test_curves_follow_metric_and_variant(open_page, results):
    page, table = open_page("single"), results("single")
    for metric, variant in (("mexa", "centred"), ("cka", "raw"), ("cosine_gap", "centred")):
        page.select_option("#metric", metric)
        page.select_option("#variant", variant)
        shown = plotted(page, "curves-1")
        for name, values in expected(table, metric=metric, variant=variant).items():
            np.testing.assert_allclose(shown[name], values, atol=1e-6)
    assert "metric=cosine_gap" in page.url


def test_own_choosers_of_sections(open_page, results):
    page, saved = open_page("compare"), results("compare")
    scroll_through(page)
    page.select_option("#measure", "hubness_skew")
    rows = saved.tables["geometry"].query(
        "checkpoint == 'alpaca' and measure == 'hubness_skew' and language == 'zh'"
    )
    np.testing.assert_allclose(plotted(page, "geometry-1")["zh"], rows["value"], rtol=1e-5)
    page.select_option("#language", "hi")
    rows = saved.tables["layer_cka"].query("language == 'hi'")
    shown = page.evaluate("[...document.getElementById('layer_cka-1')._fullData[0].z].map(row => [...row])")
    np.testing.assert_allclose(np.ravel(shown), rows["value"], atol=1e-5)
    page.select_option("#confused", "zh")
    shown = page.locator("#confusions-rows tr")
    assert shown.count() <= 20
    pairs = set(page.locator("#confusions-rows tr td:nth-child(2)").all_inner_texts())
    assert pairs == {"en → zh"}
    layer = page.evaluate("repalign.state().layer")
    errors = saved.tables["confusions"].query(f"layer == {layer} and target == 'zh' and variant == 'centred'")
    first = errors.loc[(errors["cosine"] - errors["cosine_right"]).idxmax()]
    text = saved.tables["sentences"].set_index(["language", "sentence"])["text"]
    cells = shown.first.locator("bdi").all_inner_texts()
    assert cells[1:] == [text["en", first.sentence], text["zh", first.taken_for], text["zh", first.sentence]]
    numbers = [float(cell) for cell in shown.first.locator("td.number").all_inner_texts()[1:]]
    assert numbers == pytest.approx([first.cosine, first.cosine_right], abs=6e-4)


def test_language_grid_is_the_table_in_the_order_of_its_tree(open_page, results):
    page, saved = open_page("single"), results("single")
    scroll_through(page)
    layer = page.evaluate("repalign.state().layer")
    shown = page.evaluate(
        """(() => { const drawn = document.getElementById('languages-1');
        return [drawn.layout.yaxis.ticktext, drawn._fullData[0].z.map(row => [...row])]; })()"""
    )
    rows = saved.tables["languages"].query(f"layer == {layer} and variant == 'centred'")
    order = list(rows.drop_duplicates("language").sort_values("order")["language"])
    assert shown[0] == order
    table = rows.pivot(index="language", columns="other", values="value").loc[order, order]
    np.testing.assert_allclose(np.array(shown[1], dtype=float), table, atol=1e-6)


def test_a_finding_leads_to_its_layer(open_page):
    page = open_page("single")
    button = page.locator(".answers:not([hidden]) .show[data-choice*=layer]").first
    choice = json.loads(button.get_attribute("data-choice"))
    page.locator("#layer").fill("0")
    button.click()
    assert page.evaluate("Number(repalign.state().layer)") == choice["layer"]


def test_a_click_on_a_curve_moves_the_slider(open_page):
    page = open_page("single")
    wait(page, "document.getElementById('curves-1').data")
    page.evaluate("document.getElementById('curves-1').emit('plotly_click', { points: [{ x: 1 }] })")
    assert page.locator("#layer-shown").inner_text().startswith("1 of")


def test_pointing_at_one_checkpoints_curve_shows_the_others(open_page):
    page = open_page("compare")
    wait(page, "['curves-1', 'curves-2'].every(id => document.getElementById(id)._fullData)")
    page.locator("#curves-1").scroll_into_view_if_needed()
    x, y = page.evaluate(
        """(() => { const { _fullLayout: drawn, _fullData: data } = document.getElementById('curves-1');
        const line = data.find(trace => trace.name === 'zh');
        return [drawn._size.l + drawn.xaxis.d2p(line.x[2]), drawn._size.t + drawn.yaxis.d2p(line.y[2])]; })()"""
    )
    box = page.locator("#curves-1").bounding_box()
    page.mouse.move(box["x"] + x, box["y"] + y)
    wait(page, "document.querySelectorAll('#curves-2 .hoverlayer .hovertext').length > 0")
    here, there = (page.locator(f"#curves-{n} .hoverlayer .hovertext").first.text_content() for n in (1, 2))
    assert ", layer 2:" in here
    assert here.split(":")[0] == there.split(":")[0]
    page.mouse.move(2, 2)


def test_download_is_the_table(open_page, results):
    page = open_page("single")
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "profile.csv"
    table = pd.read_csv(download.value.path())
    whole = results("single").profile.table
    assert list(table.columns) == list(whole.columns)
    np.testing.assert_allclose(table["value"], whole["value"], rtol=1e-5)
    assert list(table["target"]) == list(whole["target"])
