"""Figures show what the tables hold; every picture that a figure offers can be drawn."""

from __future__ import annotations

import json
import shutil
import socket
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from factories import sample_results

from repalign.commands.report import CHOICES
from repalign.errors import RepalignError
from repalign.figures import FIGURES, draw, export, plot
from repalign.figures.heatmap import cell_numbers
from repalign.figures.names import Names, labels
from repalign.figures.style import DASHES, PALETTE, THEMES, language_styles, styles
from repalign.figures.view import View, from_pivot
from repalign.report.packing import to_json
from repalign.results.profile import COLUMNS
from repalign.results.results import Results

SMALL = {"languages": ("en", "ar", "hi", "zh"), "layers": 5, "sentences": 24, "dim": 12}


@pytest.fixture(scope="module")
def results() -> Results:
    return sample_results("base", "alpaca", "m-llama", **SMALL)


def trace(figure, name: str):
    return next(one for one in figure.data if one.name == name)


def luminance(colour: str) -> float:
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("name", list(FIGURES))
def test_every_picture_is_a_valid_plotly_figure(results, name):
    import plotly.graph_objects as go

    view = View(results)
    pictures = FIGURES[name].choices(view)
    assert pictures
    for choice in (*pictures[:2], *pictures[-2:]):
        spec = FIGURES[name].draw(view, **choice)
        figure = go.Figure(spec["data"], {**spec["layout"], "template": THEMES["light"]})
        assert figure.data


def test_the_command_can_choose_every_picture(results):
    offered = {key for name in FIGURES for choice in FIGURES[name].choices(View(results)) for key in choice}
    assert offered == set(CHOICES)


def test_scores_that_are_no_numbers_are_drawn_empty(results):
    table = results.profile.table.copy()
    table.loc[:, ["value", "low", "high", "chance", "calibrated", "p", "p_adjusted"]] = np.nan
    view = View(replace(results, profile=replace(results.profile, table=table)))
    for name in ("curves", "heatmap", "difference", "difference_heatmap", "series"):
        for choice in FIGURES[name].choices(view)[:1]:
            assert "NaN" not in to_json(FIGURES[name].draw(view, **choice)), name


def test_curves_are_the_profile(results):
    figure = draw("curves", results, checkpoint="m-llama", metric="mexa", variant="raw")
    for name in ("ar", "hi", "zh"):
        rows = results.profile.where(
            checkpoint="m-llama", baseline=None, metric="mexa", variant="raw", source="en", target=name
        ).table
        line = trace(figure, name)
        np.testing.assert_allclose(line.y, rows["value"], atol=1e-6)
        np.testing.assert_array_equal(line.x, rows["layer"])
        filled = [not symbol.endswith("-open") for symbol in line.marker.symbol]
        assert filled == list((rows["p_adjusted"] < 0.05) & (rows["value"] > rows["chance"]))
        band = next(one for one in figure.data if one.legendgroup == f"group {name}" and one.fill == "toself")
        np.testing.assert_allclose(band.y[: len(rows)], rows["low"], atol=1e-6)
        np.testing.assert_allclose(band.y[: -len(rows) - 1 : -1], rows["high"], atol=1e-6)
    np.testing.assert_allclose(trace(figure, "chance").y, rows["chance"], atol=1e-6)


def test_pictures_side_by_side_share_their_range(results):
    for figure, choice in (("curves", {"metric": "mexa"}), ("geometry", {"measure": "average_cosine"})):
        ranges = {
            tuple(draw(figure, results, checkpoint=name, **choice).layout.yaxis.range)
            for name in ("base", "alpaca", "m-llama")
        }
        assert len(ranges) == 1


def test_curves_side_by_side_share_their_range_also_with_a_baseline_above_them(results):
    controls = results.tables["controls"].assign(
        value=lambda rows: rows["value"].where(rows["checkpoint"] != "base", rows["value"] + 3)
    )
    known = replace(results, tables={**results.tables, "controls": controls})
    drawn = [
        draw("curves", known, checkpoint=name, metric="mexa", variant="centred")
        for name in ("base", "m-llama")
    ]
    low, high = drawn[0].layout.yaxis.range
    assert drawn[1].layout.yaxis.range == (low, high)
    assert high > 3


def test_heat_map_crosses_what_is_not_above_chance(results):
    figure = draw("heatmap", results, checkpoint="m-llama", metric="mexa", variant="centred")
    rows = results.profile.where(checkpoint="m-llama", baseline=None, metric="mexa", variant="centred").table
    heat, crosses = figure.data
    names = figure.layout.yaxis.ticktext
    assert list(names) == ["ar", "hi", "zh"]
    table = rows.pivot(index="target", columns="layer", values="value").loc[list(names)]
    np.testing.assert_allclose(np.array(heat.z), table, atol=1e-6)
    tested = rows[(rows["p_adjusted"] >= 0.05) | (rows["value"] <= rows["chance"])]
    assert {(names[round(y)], round(x)) for y, x in zip(crosses.y, crosses.x, strict=True)} == set(
        zip(tested["target"], tested["layer"], strict=True)
    )
    assert (heat.zmin, heat.zmax) == (0, 1), "the same on every page"
    assert np.allclose(np.array(heat.text, dtype=float), table, atol=0.0051)


def test_differences_are_those_of_the_pair(results):
    figure = draw("difference", results, checkpoint="m-llama", baseline="alpaca", metric="cka", variant="raw")
    rows = results.profile.where(
        checkpoint="m-llama", baseline="alpaca", metric="cka", variant="raw", target="zh"
    )
    np.testing.assert_allclose(trace(figure, "zh").y, rows.table["value"], atol=1e-6)


def test_significant_differences_are_filled_and_the_others_crossed(results):
    odd = results.profile.table["layer"] % 2 == 1
    table = results.profile.table.assign(p_adjusted=np.where(odd, 0.01, 0.5))
    known = replace(results, profile=replace(results.profile, table=table))
    which = {"checkpoint": "m-llama", "baseline": "alpaca", "metric": "cka", "variant": "raw"}
    line = trace(draw("difference", known, **which), "zh")
    assert [symbol.endswith("-open") for symbol in line.marker.symbol] == [x % 2 == 0 for x in line.x]
    assert set(np.round(draw("difference_heatmap", known, **which).data[1].x)) == {0, 2, 4}


def test_numbers_in_cells_have_no_negative_zero():
    table = pd.DataFrame([[-0.001, 0.0, 0.004], [-0.5, 0.25, np.nan]])
    assert cell_numbers(table.to_numpy(), "+.2f") == [["0.00", "0.00", "0.00"], ["-0.50", "+0.25", ""]]
    assert cell_numbers(table.to_numpy(), ".2f") == [["0.00", "0.00", "0.00"], ["-0.50", "0.25", ""]]


def test_layers_against_layers_are_those_of_the_table(results):
    figure = draw("layer_cka", results, checkpoint="m-llama", baseline="alpaca", language="zh")
    rows = results.tables["layer_cka"].query("checkpoint == 'm-llama' and language == 'zh'")
    table = rows.pivot(index="layer", columns="baseline_layer", values="value")
    np.testing.assert_allclose(np.array(figure.data[0].z), table, atol=1e-6)
    assert np.abs(table - table.T).to_numpy().max() > 0.01, "which axis is whose matters"


def test_series_shows_each_language_at_its_best_layer(results):
    """Its value is cross-fitted, not the largest of the curve."""
    figure = draw("series", results, metric="mexa", variant="centred")
    peaks = results.profile.peaks.query("baseline.isna() and metric == 'mexa' and variant == 'centred'")
    best, line = peaks[peaks["target"] == "ar"], trace(figure, "ar")
    shown = [figure.layout.xaxis.ticktext[int(x)] for x in line.x]
    assert shown == list(best["checkpoint"]) == ["base", "alpaca", "m-llama"]
    np.testing.assert_allclose(line.y, best["value"], atol=1e-6)
    np.testing.assert_allclose(line.y + line.error_y.array, best["high"], atol=1e-6)
    np.testing.assert_allclose(line.y - line.error_y.arrayminus, best["low"], atol=1e-6)
    assert all(layers in text for layers, text in zip(best["layers"], line.text, strict=True))
    filled = [not symbol.endswith("-open") for symbol in line.marker.symbol]
    assert filled == list((best["p_adjusted"] < 0.05) & (best["value"] > best["chance"]))
    assert FIGURES["series"].choices(View(sample_results("alpaca", "m-llama", **SMALL))) == []


def test_series_without_peaks_shows_one_layer_for_all(results):
    """A training log has scores but no peaks: a layer chosen for each would be too good."""
    older = replace(results, profile=replace(results.profile, peaks=None))
    figure = draw("series", older, metric="mexa", variant="centred")
    (named,) = set(trace(figure, "ar").text)
    assert f"at {named},<br>the best of the last checkpoint" in figure.layout.yaxis.title.text
    layer = int(named.removeprefix("layer "))
    rows = older.profile.where(metric="mexa", variant="centred", target="ar", layer=layer, baseline=None)
    np.testing.assert_allclose(trace(figure, "ar").y, rows.table["value"], atol=1e-6)


def test_the_tree_joins_all_languages_at_their_rows(results):
    spec = FIGURES["languages"].draw(
        View(results), checkpoint="m-llama", metric="mexa", variant="centred", layer=3
    )
    branches = spec["data"][1]
    heights = results.tables["tree"].query("checkpoint == 'm-llama' and variant == 'centred' and layer == 3")[
        "distance"
    ]
    assert np.nanmax(branches["x"]) == pytest.approx(heights.max())
    leaves = branches["y"][branches["x"] == 0]
    assert sorted(set(leaves.tolist())) == [0, 1, 2, 3]


def test_many_languages_become_quantiles(results):
    own = results.profile.where(checkpoint="m-llama", baseline=None, source="en", target="zh").table
    values = np.linspace(0, 1, 31)
    many = pd.concat(
        [own.assign(target=f"l{i}", value=value) for i, value in enumerate(values)], ignore_index=True
    )
    profile = replace(results.profile, table=many)
    figure = draw("curves", profile, metric="mexa")
    assert [one.name for one in figure.data] == [
        "8 of 10 languages",
        "half of the languages",
        "median language",
        "chance",
    ]
    np.testing.assert_allclose(trace(figure, "median language").y, 0.5)
    assert len(draw("heatmap", profile, metric="mexa").data[0].y) == 31
    view = View(Results("many", profile, {}))
    each = FIGURES["curves"].draw(view, **FIGURES["curves"].choices(view)[0])["each"]
    assert each["names"] == [f"l{i}" for i in range(30, -1, -1)], "the best first"
    np.testing.assert_allclose(each["y"][0], 1)
    assert each["significant"][0] == bool((own["p_adjusted"] < 0.05).any())


def test_names_are_text_in_every_figure(results):
    evil = "<b>zh</b>"
    table = results.profile.table.replace({"zh": evil, "m-llama": "<i>m</i>"})
    peaks = results.profile.peaks.replace({"zh": evil, "m-llama": "<i>m</i>"})
    renamed = Results("x", replace(results.profile, table=table, peaks=peaks), {})
    for name in ("curves", "heatmap", "difference", "difference_heatmap", "series"):
        text = json.dumps(draw(name, renamed, theme="light").to_plotly_json(), default=str)
        assert evil not in text
        assert "<i>m" not in text


def test_the_pivot_is_turned_to_the_source():
    row = dict.fromkeys(COLUMNS, 0)
    rows = [
        {**row, "metric": "cka", "source": "ar", "target": "en"},
        {**row, "metric": "cka", "source": "ar", "target": "zh"},
    ]
    turned = from_pivot(pd.DataFrame(rows), "en")
    assert turned[["source", "target"]].values.tolist() == [["en", "ar"]]


def test_two_directions_are_averaged_and_the_larger_p_counts():
    row = {**dict.fromkeys(COLUMNS, 0), "metric": "p", "baseline": None}
    there, back = {"source": "en", "target": "ar"}, {"source": "ar", "target": "en"}
    ends = {"value": 0.2, "low": 0.1, "high": 0.3, "chance": 0.01}
    other = {"value": 0.4, "low": 0.3, "high": 0.6, "chance": 0.03}
    table = pd.DataFrame(
        [{**row, **there, **ends, "layer": layer, "p": 0.04, "p_adjusted": 0.2} for layer in (0, 1)]
        + [{**row, **back, **other, "layer": 0, "p": 0.01, "p_adjusted": 0.3}]
        + [{**row, **back, **other, "layer": 1, "low": np.nan, "p": np.nan, "p_adjusted": 0.1}]
        + [{**row, **there, **ends, "layer": 2}]
    )
    averaged = from_pivot(table, "en").set_index("layer")
    columns = ["value", "low", "high", "chance", "p", "p_adjusted"]
    expected = [
        [0.3, 0.2, 0.45, 0.02, 0.04, 0.3],
        [0.3, np.nan, 0.45, 0.02, np.nan, 0.2],
        [0.2, 0.1, 0.3, 0.01, 0, 0],
    ]
    np.testing.assert_allclose(averaged[columns].to_numpy(float), expected)


def test_a_metric_with_two_directions_says_that_they_are_averaged(results):
    view = View(results)
    assert view.label("p_at_1") == "P@1 averaged over both directions"
    assert view.axis_label("p_at_1") == "P@1 both ways"
    assert view.label("mexa") == view.axis_label("mexa") == "MEXA"
    rows = results.profile.where(checkpoint="m-llama", baseline=None, metric="p_at_1", variant="raw").table
    means = rows[(rows["source"] == "zh") | (rows["target"] == "zh")].groupby("layer")["value"].mean()
    line = trace(draw("curves", results, checkpoint="m-llama", metric="p_at_1", variant="raw"), "zh")
    np.testing.assert_allclose(line.y, means, atol=1e-6)


def test_the_band_holds_every_baseline_and_the_legend_the_other_controls(results):
    table = results.tables["controls"].query(
        "checkpoint == 'm-llama' and metric == 'mexa' and variant == 'centred'"
    )
    random = table[table["control"] == "bag-of-tokens"].assign(
        control="random-weights", value=lambda rows: rows["value"] + 0.2
    )
    known = replace(
        results, tables={**results.tables, "controls": pd.concat([table, random], ignore_index=True)}
    )
    figure = draw("curves", known, theme="light", checkpoint="m-llama", metric="mexa", variant="centred")
    baselines = pd.concat([table[table["control"] == "bag-of-tokens"], random]).groupby("layer")["value"]
    band, edge = (one for one in figure.data if one.name == "baselines")
    layers = len(baselines)
    np.testing.assert_allclose(band.y[:layers], baselines.min(), atol=1e-6)
    np.testing.assert_allclose(band.y[: -layers - 1 : -1], baselines.max(), atol=1e-6)
    assert "shared tokens: " in edge.text[0]
    assert "random weights: " in edge.text[0]
    assert figure.layout.annotations[0].text == "shared tokens, random weights"
    hidden = {one.name for one in figure.data if one.visible == "legendonly"}
    assert {"random weights (mean)", "length regressed out (mean)", "lengths matched (mean)"} <= hidden
    assert "length regressed out: " in trace(figure, "zh").text[0]


def test_a_language_keeps_its_colour_whatever_the_others_are():
    few, more = (
        language_styles(["en", "zh", "ar"]),
        language_styles(["ar", "ja", "zho_Hans", "xx", "en", "hi"]),
    )
    assert few["zh"] == more["zho_Hans"]
    assert (few["ar"], few["en"]) == (more["ar"], more["en"])
    every = language_styles(map(str, range(len(PALETTE) * len(DASHES))))
    assert len({(look.colour, look.dash) for look in every.values()}) == len(every)


def in_oklab(linear: np.ndarray) -> np.ndarray:
    cones = linear @ np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.63]]).T
    return (
        np.cbrt(cones)
        @ np.array([[0.2105, 0.7936, -0.0041], [1.978, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]).T
    )


def test_colours_are_apart_also_for_deuteranopia():
    """As `PALETTE` says; the simulation is that of Machado, Oliveira and Fernandes (2009), severity 1."""
    red_green_blind = np.array(
        [[0.3673, 0.8606, -0.228], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]]
    )
    colours = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in PALETTE]) / 255
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    for seen, least in ((linear, 0.105), (np.clip(linear @ red_green_blind.T, 0, 1), 0.055)):
        lab = in_oklab(seen)
        apart = np.linalg.norm(lab[:, None] - lab, axis=-1)
        assert apart[~np.eye(len(lab), dtype=bool)].min() > least


def test_styles_differ_and_can_be_seen_on_light_and_dark():
    looks = styles(map(str, range(len(PALETTE) * len(DASHES))))
    assert len({(look.colour, look.dash) for look in looks.values()}) == len(looks)
    assert len({(look.colour, look.symbol) for look in list(looks.values())[:8]}) == 8
    for colour in PALETTE:
        assert 1.05 / (luminance(colour) + 0.05) >= 3
        assert (luminance(colour) + 0.05) / (luminance("#15181e") + 0.05) >= 3


@pytest.mark.parametrize(
    ("name", "choice", "said"),
    [
        ("curvess", {}, "did you mean 'curves'"),
        ("curves", {"metric": "mexxa"}, "did you mean 'mexa'"),
        ("curves", {"flavour": "x"}, "no choice of 'curves' named 'flavour'"),
    ],
)
def test_mistakes_are_told(results, name, choice, said):
    with pytest.raises(RepalignError, match=said):
        draw(name, results, **choice)


def test_nothing_to_draw_is_told(results):
    with pytest.raises(RepalignError, match="lack the table for figure 'geometry'"):
        draw("geometry", results.profile)


@pytest.mark.parametrize("kind", ["html", "json"])
def test_export_without_a_browser(results, tmp_path, kind):
    path = export(draw("curves", results), tmp_path / f"figure.{kind}")
    text = path.read_text(encoding="utf-8")
    assert "MEXA, centred" in text
    assert 'src="http' not in text


@pytest.mark.browser
def test_export_asks_nobody_and_its_svg_holds_no_link(results, tmp_path, monkeypatch):
    pytest.importorskip("kaleido", reason="kaleido is not installed")
    if not (shutil.which("chromium") or shutil.which("google-chrome")):
        pytest.skip("no Chromium available")
    evil = '<a href="http://evil.test/">x</a><script>'
    renamed = results.profile.table.assign(target=results.profile.table["target"].replace({"zh": evil}))
    hostile = replace(results, profile=replace(results.profile, table=renamed))
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        path = export(draw("curves", hostile), tmp_path / "figure.svg")
        proxy.settimeout(0.2)
        with pytest.raises(TimeoutError):
            proxy.accept()
    root = ElementTree.parse(path).getroot()
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert not tags & {"a", "script", "foreignObject", "iframe"}
    links = [
        value for one in root.iter() for name, value in one.attrib.items() if name.endswith(("href", "src"))
    ]
    assert all(link.startswith(("#", "data:image/png")) for link in links)
    assert any("http://evil.test/" in (element.text or "") for element in root.iter())


@pytest.mark.browser
@pytest.mark.parametrize(("kind", "start"), [("svg", b"<svg"), ("pdf", b"%PDF")])
def test_export_with_a_browser(results, tmp_path, kind, start):
    pytest.importorskip("kaleido", reason="kaleido is not installed")
    if not (shutil.which("chromium") or shutil.which("google-chrome")):
        pytest.skip("no Chromium available")
    path = export(draw("curves", results), tmp_path / f"figure.{kind}")
    assert path.read_bytes().startswith(start)


def test_no_browser_is_told_in_one_line(results, tmp_path, monkeypatch):
    def broken(*arguments, **options):
        raise RuntimeError("no chrome")

    monkeypatch.setattr("kaleido.calc_fig_sync", broken)
    with pytest.raises(RepalignError, match=r"^pdf needs .* --format html.*$"):
        export(draw("curves", results), tmp_path / "figure.pdf")
    assert list(tmp_path.iterdir()) == []


def test_unknown_format_is_told(results, tmp_path):
    with pytest.raises(RepalignError, match="did you mean 'svg'"):
        export(draw("curves", results), tmp_path / "figure.svgg")


def test_a_name_from_right_to_left_keeps_its_letters_along_an_axis():
    shown = Names(["عربي"])("عربي")
    assert labels([shown]) == labels(["عربي"]) == [shown]


def test_plot_shows_centred_scores_by_default(results):
    curves = plot(results)
    assert curves.data == draw("curves", results, theme="light", variant="centred").data
    assert curves.layout.paper_bgcolor == "#ffffff", "legible in a dark notebook"
    heatmap = plot(results.profile, "heatmap", metric="cka", variant="raw", theme="paper")
    assert heatmap == draw("heatmap", results, metric="cka", variant="raw")
    assert plot(results, "geometry").data == draw("geometry", results).data, "has no variants"


def test_plot_refuses_what_is_no_profile():
    with pytest.raises(RepalignError, match="got int"):
        plot(3)  # type: ignore[arg-type]
