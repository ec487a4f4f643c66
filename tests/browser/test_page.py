"""The page in a real browser: every control, what is shown against the tables, and hostile text."""

from __future__ import annotations

import base64
import gzip
import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sample import sample_states, tables

from repalign import scoring
from repalign.maps.projection import project, sentence_table
from repalign.report import Report
from repalign.results.results import Results

pytestmark = pytest.mark.browser


def scroll_through(page) -> None:
    """Every figure is drawn when it comes near the screen."""
    page.evaluate(
        """async () => { for (const plot of document.querySelectorAll('.plot')) {
          plot.scrollIntoView();
          for (let frame = 0; frame < 300 && !plot.data; frame++) await new Promise(requestAnimationFrame);
        } }"""
    )


def wait(page, expression: str) -> None:
    """Until it is true; Playwright's own way evaluates strings, which the page's policy forbids."""
    for _ in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came true: {expression}")


def plotted(page, figure: str) -> dict[str, list[float]]:
    """Name of each line -> its values, as Plotly holds them."""
    wait(page, f"document.getElementById('{figure}').data")
    return page.evaluate(
        "(id) => Object.fromEntries(document.getElementById(id)._fullData.map(t => [t.name, [...t.y]]))",
        figure,
    )


def expected(results: Results, **equal: object) -> dict[str, list[float]]:
    rows = results.profile.where(baseline=None, source="en", **equal).table.sort_values("layer")
    return {name: list(own["value"]) for name, own in rows.groupby("target")}


def at(page, language: int, sentence: int, place: int = 0) -> tuple[float, float]:
    """Where a sentence lies on the screen."""
    box = page.locator("#maps canvas").nth(place).bounding_box()
    x, y = page.evaluate(f"repalign.maps[{place}].at({language}, {sentence})")
    return box["x"] + 1 + x, box["y"] + 1 + y


def loner(page, place: int = 0) -> tuple[int, int]:
    """A sentence with no other near it."""
    points, size = page.evaluate(
        """(place) => { const map = repalign.maps[place], all = [];
        for (let l = 0; l < map.space.languages.length; l++)
          for (let s = 0; s < map.count; s++) all.push([l, s, ...map.at(l, s)]);
        return [all, [map.width, map.height]]; }""",
        place,
    )
    points = np.array(points)
    places = points[:, 2:]
    far = np.linalg.norm(places[:, None] - places, axis=-1) + 1e9 * np.eye(len(points))
    inside = ((places > 5) & (places < np.array(size) - 5)).all(1)
    language, sentence = points[np.where(inside, far.min(1), 0).argmax(), :2]
    return int(language), int(sentence)


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


def test_curves_follow_metric_and_variant(open_page, results):
    page, table = open_page("single"), results("single")
    for metric, variant in (("mexa", "centred"), ("cka", "raw"), ("cosine_gap", "centred")):
        page.select_option("#metric", metric)
        page.select_option("#variant", variant)
        shown = plotted(page, "curves-1")
        for name, values in expected(table, metric=metric, variant=variant).items():
            np.testing.assert_allclose(shown[name], values, atol=1e-6)
    assert "metric=cosine_gap" in page.url


def test_slider_puts_every_sentence_where_the_table_says(open_page, results):
    page, table = open_page("compare"), results("compare").tables["map"]
    layers = sorted(table["layer"].unique())
    for variant in ("raw", "centred"):
        page.select_option("#variant", variant)
        for position, layer in enumerate(layers):
            page.locator("#layer").fill(str(position))
            shown = np.array(page.evaluate("repalign.maps.map(map => [...map.now])"), dtype=np.float32)
            rows = table[(table["variant"] == variant) & (table["layer"] == layer)]
            for places, checkpoint in zip(shown, ("alpaca", "m-llama"), strict=True):
                expected = rows.loc[rows["checkpoint"] == checkpoint, ["x", "y"]]
                np.testing.assert_array_equal(places.reshape(-1, 2), expected)
    assert page.locator("#layer-shown").inner_text() == f"{layers[-1]} of {layers[-1]}"


def test_hover_shows_the_sentence_and_its_translations(open_page, results):
    page, saved = open_page("compare"), results("compare")
    language, sentence = loner(page)
    page.locator("#maps").scroll_into_view_if_needed()
    page.mouse.move(*at(page, language, sentence))
    texts = saved.tables["sentences"].set_index(["language", "sentence"])["text"]
    codes = list(dict.fromkeys(saved.tables["sentences"]["language"]))
    row = int(page.evaluate(f"repalign.maps[0].space.rows[{sentence}]"))
    assert page.locator("#tip").inner_text() == f"{codes[language]} {texts[codes[language], row]}"
    shown = page.locator("#card tbody tr")
    assert shown.locator("bdi").all_inner_texts() == [texts[code, row] for code in codes]
    layer = int(page.evaluate("repalign.state().layer"))
    table = saved.tables["map"].query(f"layer == {layer} and variant == 'centred' and sentence == {row}")
    for place, checkpoint in enumerate(("alpaca", "m-llama")):
        cosines = table[table["checkpoint"] == checkpoint].set_index("language").loc[codes, "cosine"]
        cells = shown.locator(f"td:nth-child({place + 3})").all_inner_texts()
        np.testing.assert_allclose([float(cell.split()[0]) for cell in cells], cosines, atol=6e-4)
    assert page.evaluate("repalign.maps.every(map => map.view.sentence === repalign.view.sentence)")
    page.mouse.move(2, 2)
    assert page.locator("#tip").is_hidden()
    assert page.locator("#card tbody tr").count() == 0


def test_click_keeps_a_sentence_and_escape_lets_go(open_page):
    page = open_page("single")
    language, sentence = loner(page)
    page.locator("#maps").scroll_into_view_if_needed()
    page.mouse.click(*at(page, language, sentence))
    page.mouse.move(2, 2)
    assert page.locator("#card tbody tr").count() == 4
    assert f"sentence={sentence}" in page.url
    page.locator("#maps canvas").press("Escape")
    assert page.locator("#card tbody tr").count() == 0


def test_keys_move_layers_and_sentences(open_page):
    page = open_page("single")
    layer = int(page.evaluate("repalign.state().layer"))
    page.locator("#layer").press("ArrowLeft")
    assert page.evaluate("Number(repalign.state().layer)") == layer - 1
    canvas = page.locator("#maps canvas")
    canvas.press("ArrowRight")
    assert page.evaluate("Number(repalign.state().layer)") == layer
    canvas.press("ArrowDown")
    canvas.press("ArrowDown")
    assert page.locator("#card th[scope=col]").nth(1).inner_text() == "Sentence 1"
    canvas.press("+")
    assert page.evaluate("repalign.maps[0].zoom") == 1.5
    canvas.press("0")
    assert page.evaluate("repalign.maps[0].zoom") == 1


def test_find_legend_colour_and_zoom(open_page, results):
    page, sentences = open_page("single"), results("single").tables["sentences"]
    page.fill("#find", "下雨")
    found = sentences[sentences["text"].str.contains("下雨")]["sentence"].nunique()
    assert page.locator("#found").inner_text() == f"{found} found"
    assert page.evaluate("repalign.view.matches.size") == found > 0
    button = page.locator("#legend button[data-code=ar]")
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert page.evaluate("[...repalign.view.hidden]") == ["ar"]
    button.click()
    assert page.evaluate("repalign.view.hidden.size") == 0
    drawn = {page.evaluate("repalign.maps[0].canvas.toDataURL()")}
    for colour in ("group", "length", "score", "language"):
        page.select_option("#colour", colour)
        assert page.locator("#scale").is_visible() == (colour != "language")
        drawn.add(page.evaluate("repalign.maps[0].canvas.toDataURL()"))
    assert len(drawn) == 4
    page.click("#nearer")
    assert page.evaluate("repalign.maps[0].zoom") == 1.5
    page.click("#farther")
    page.click("#whole")
    assert page.evaluate("repalign.maps[0].zoom") == 1


def test_dragging_moves_both_maps(open_page):
    page = open_page("compare")
    page.locator("#maps").scroll_into_view_if_needed()
    box = page.locator("#maps canvas").first.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 130, box["y"] + 110, steps=3)
    page.mouse.up()
    assert page.evaluate("repalign.maps.map(map => map.shift)") == [[30, 10], [30, 10]]
    assert page.locator("#card tbody tr").count() == 0


def test_play_walks_through_the_layers(open_page):
    page = open_page("single")
    before = page.evaluate("repalign.state().layer")
    page.click("#play")
    assert page.locator("#play").inner_text() == "Pause"
    wait(page, f"repalign.state().layer !== {before}")
    page.click("#play")
    assert page.locator("#play").inner_text() == "Play"


def test_theme_button_and_system_preference(open_page):
    page = open_page("series", scheme="dark")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.click("#theme")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.locator("#theme").get_attribute("aria-pressed") == "false"
    assert "theme=light" in page.url


def test_address_keeps_the_state_and_refuses_nonsense(open_page):
    page = open_page("single", address="#metric=cka&layer=1&sentence=3&colour=score&find=zzz")
    assert page.locator("#metric").input_value() == "cka"
    assert page.locator("#layer-shown").inner_text().startswith("1 of")
    assert page.locator("#found").inner_text() == "0 found"
    assert page.locator("#card tbody tr").count() == 4
    page.evaluate("location.hash = '#metric=nonsense&layer=99&map=x&sentence=999&hide=qq'")
    wait(page, "document.getElementById('metric').value === 'mexa'")
    assert page.locator("#card tbody tr").count() == 0


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
    pairs = set(page.locator("#confusions-rows tr td:nth-child(2)").all_inner_texts())
    assert pairs == {"en → zh"}
    layer = page.evaluate("repalign.state().layer")
    first = saved.tables["confusions"].query(f"layer == {layer} and target == 'zh'").iloc[0]
    text = saved.tables["sentences"].set_index(["language", "sentence"])["text"]
    cells = page.locator("#confusions-rows tr").first.locator("bdi").all_inner_texts()
    assert cells[1:] == [text["en", first.sentence], text["zh", first.taken_for], text["zh", first.sentence]]


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
    button = page.locator(".show[data-choice*=layer]").last
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


def test_print_shows_figures_on_white_and_no_controls(open_page):
    page = open_page("single", 390, "dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator(".controls.main").is_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("[...document.querySelectorAll('.plot')].every(p => p.data)")
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")


@pytest.fixture(scope="module")
def two_depths() -> Results:
    """Checkpoints of 3 and of 5 layers, with maps of two and of three dims."""
    made = [sample_small("alpaca", layers=3), sample_small("m-llama", layers=5)]
    scores = scoring.profile(made, metrics=["mexa"], draws=50, progress=False)
    places = pd.concat([project(made, dims=dims, progress=False) for dims in (2, 3)], ignore_index=True)
    return Results("two depths", scores, {"map": places, "sentences": sentence_table(made[0])})


def test_checkpoints_of_other_depth_are_linked_by_depth(open_page, two_depths):
    page = open_page(two_depths)
    page.locator("#layer").fill("2")
    notes = page.locator("#maps .note").all_inner_texts()
    assert "layer 1." in notes[0]
    assert "layer 2." in notes[1]


def test_three_dims_turn(open_page, two_depths):
    page = open_page(two_depths)
    page.select_option("#map", "pca 3-D")
    page.locator("#maps").scroll_into_view_if_needed()
    before = page.evaluate("repalign.maps.map(map => map.at(0, 0))")
    box = page.locator("#maps canvas").first.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 100, steps=3)
    page.mouse.up()
    after = page.evaluate("repalign.maps.map(map => map.at(0, 0))")
    assert before[0] != after[0]
    assert before[1] != after[1]


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
        shown = page.evaluate("[...document.querySelectorAll('#card bdi')].map(b => b.textContent)")
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
    assert "198 languages" in page.locator("#curves p").first.inner_text()
    assert "all 198 languages are above chance" in page.locator(".head").first.inner_text()
    assert set(plotted(page, "curves-1")) >= {"median language", "chance"}
    assert page.evaluate("repalign.maps[0].space.languages.length") == 199


def test_axe_finds_nothing_serious(open_page, serious):
    whole, contrast = "{}", "{ runOnly: ['color-contrast'] }"
    for kind, width, scheme, rules in (("single", 1280, "light", whole), ("single", 390, "dark", contrast)):
        page = open_page(kind, width, scheme, "#sentence=3")
        scroll_through(page)
        assert serious(page, rules) == []


def sample_small(checkpoint: str, layers: int = 5):
    return sample_states(
        checkpoint, 1.0, languages=("en", "ar", "hi", "zh"), layers=layers, sentences=24, dim=12
    )


def test_embedded_table_is_the_whole_table(results, tmp_path):
    """The download does not depend on the browser's arithmetic: the page holds the CSV itself."""
    html = Report(results("single")).write(tmp_path / "report.html").read_text(encoding="utf-8")
    start = html.index('"csv":"') + 7
    csv = gzip.decompress(base64.b64decode(html[start : html.index('"', start)]))
    assert len(pd.read_csv(io.BytesIO(csv))) == len(results("single").profile)
