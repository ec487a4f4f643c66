"""The maps in a real browser: against the table, by pointer and by keyboard."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from browser.factories import sample_small, wait

from repalign import scoring
from repalign.maps.projection import project, sentence_table
from repalign.results.results import Results

pytestmark = pytest.mark.browser


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


def test_the_card_names_the_nearest_in_all_dims(open_page, results):
    page, saved = open_page("single", address="#sentence=3&layer=2"), results("single")
    texts = saved.tables["sentences"].set_index(["language", "sentence"])["text"]
    row = (
        saved.tables["map"]
        .query("layer == 2 and variant == 'centred' and sentence == 3")
        .set_index("language")
    )
    page.evaluate("repalign.view.language = 3; repalign.set({ layer: 2 }, 0)")
    nearest = row.loc["zh", ["nearest_1", "nearest_2", "nearest_3"]].tolist()
    shown = page.locator(".neighbours li bdi").all_inner_texts()
    assert shown == [texts["en", sentence] for sentence in nearest]
    translated = page.locator(".neighbours li", has_text="its translation").count()
    assert translated == nearest.count(3)
    page.evaluate("repalign.view.language = 0; repalign.set({ layer: 2 }, 0)")
    at_layer = saved.tables["map"].query("layer == 2 and variant == 'centred'")
    found = at_layer[at_layer["nearest_1"].eq(3).fillna(False)]
    assert page.locator(".neighbours li:not(.note)").count() == min(12, len(found))


def test_search_lists_what_it_found_and_enter_keeps_one_after_the_other(open_page, results):
    page, sentences = open_page("single", address="#sentence=3"), results("single").tables["sentences"]
    page.fill("#find", "下雨")
    found = sentences[sentences["text"].str.contains("下雨") & (sentences["language"] == "zh")]
    assert page.locator("#listed-rows tr").count() == len(found)
    assert page.locator("#listed-count").inner_text() == f"{len(found)} found: zh {len(found)}"
    shown = page.evaluate(
        "[...repalign.maps[0].space.rows.keys()].filter(s => !repalign.maps[0].faded(0, s))"
    )
    assert shown == sorted(found["sentence"]), "also while a sentence is kept"
    for sentence in [*found["sentence"], found["sentence"].iloc[0]]:
        page.press("#find", "Enter")
        assert page.evaluate("repalign.state().sentence") == str(sentence)
    page.click("#unselect")
    assert page.locator("#listed").is_hidden()


@pytest.mark.parametrize("by", ["shift", "button"])
def test_a_lasso_lists_the_sentences_within(open_page, by):
    page = open_page("single")
    page.locator("#maps").scroll_into_view_if_needed()
    box = page.locator("#maps canvas").bounding_box()
    wide, high = box["width"], box["height"]
    corners = [(0.3, 0.2), (0.7, 0.2), (0.7, 0.8), (0.3, 0.8)]
    page.keyboard.down("Shift") if by == "shift" else page.click("#select")
    page.mouse.move(box["x"] + corners[0][0] * wide, box["y"] + corners[0][1] * high)
    page.mouse.down()
    for x, y in corners[1:]:
        page.mouse.move(box["x"] + x * wide, box["y"] + y * high, steps=3)
    page.mouse.up()
    page.keyboard.up("Shift") if by == "shift" else page.click("#select")
    inside = page.evaluate(
        """([wide, high]) => { const map = repalign.maps[0], found = [];
        for (let l = 0; l < map.space.languages.length; l++) for (let s = 0; s < map.count; s++) {
          const [x, y] = map.at(l, s);
          if (x > 0.3 * wide && x < 0.7 * wide && y > 0.2 * high && y < 0.8 * high) found.push(l * map.count + s);
        } return found; }""",
        [wide, high],
    )
    selected = set(page.evaluate("[...repalign.view.selected]"))
    assert len(set(inside) ^ selected) <= 2, "but for points on the line"
    assert page.locator("#listed-rows tr").count() == min(100, len(selected))
    assert page.evaluate("repalign.maps[0].shift") == [0, 0]
    page.click("#unselect")
    assert page.evaluate("repalign.view.selected") is None


def test_density_shades_where_points_are(open_page):
    page = open_page("single")
    ink = """(() => { const { canvas } = repalign.maps[0], copy = new OffscreenCanvas(canvas.width, canvas.height);
        const pen = copy.getContext('2d', { willReadFrequently: true });
        pen.drawImage(canvas, 0, 0);
        return pen.getImageData(0, 0, copy.width, copy.height).data.reduce((a, b) => a + b, 0); })()"""
    plain = page.evaluate(ink)
    page.click("#density")
    assert page.locator("#density").get_attribute("aria-pressed") == "true"
    assert page.evaluate(ink) > 1.5 * plain
    page.click("#density")
    assert page.evaluate(ink) == plain


def test_one_map_moves_from_the_first_checkpoint_to_the_last(open_page):
    page = open_page("compare")
    page.check("#morph-on")
    assert page.locator("#maps figure:visible").count() == 1
    places = "[0, 1].map(c => [...repalign.maps[c].places(repalign.maps[c].sheet, repalign.maps[c].layer)])"
    first, last = (np.array(one) for one in page.evaluate(places))
    for part in (0, 50, 100):
        page.locator("#morph").fill(str(part))
        between = first + (last - first) * part / 100
        np.testing.assert_allclose(page.evaluate("[...repalign.maps[0].now]"), between, atol=1e-5)
    assert page.locator("#morph-shown").inner_text().strip() == "→ 100% m-llama"
    page.locator("#morph").fill("0")
    page.click("#morph-play")
    wait(page, "document.getElementById('morph').value === '100'")
    page.uncheck("#morph-on")
    assert page.locator("#maps figure:visible").count() == 2
    np.testing.assert_allclose(page.evaluate("[...repalign.maps[0].now]"), first, atol=1e-6)


def test_a_chosen_language_stands_out(open_page):
    page = open_page("single")
    page.evaluate("repalign.view.chosen = 'zh'")
    assert page.evaluate("[0, 3].map(l => repalign.maps[0].faded(l, 5))") == [True, False]


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
