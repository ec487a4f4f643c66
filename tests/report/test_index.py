"""The index: every result below a folder, those that cannot be read with the reason, and nothing but text and relative links."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest
from factories import sample_results
from hostile import hostile_evaluation, hostile_inside, hostile_quantisation, hostile_results

from repalign.commands.main import main
from repalign.report.entries import entries
from repalign.report.index import render_index
from repalign.report.page import render
from repalign.results.results import Results

SMALL = {"languages": ("en", "ar", "zh"), "layers": 4, "sentences": 24, "dim": 12}


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    sample_results("m-llama", **SMALL).save(
        folder / "one", draw=lambda: '<meta name="generator" content="repalign">'
    )
    sample_results("alpaca", "m-llama", **SMALL).save(folder / "deep" / "two")
    verdict = {"checkpoint": "m-llama", "engine": "vllm 1", "conclusion": "right: 7 layers"}
    (folder / "one" / "verification.json").write_text(json.dumps(verdict))
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "profile.json").touch()
    return folder


def by_command(folder: Path) -> dict[str, object]:
    return {entry.contents.command: entry for entry in entries(folder) if entry.contents}


def headline_of_page(folder: Path) -> str:
    shown = re.search(r'<p class="headline"[^>]*>(.*?)</p>', render(Results.load(folder)))
    return unescape(re.sub("<[^>]+>", "", shown[1]))


def test_every_kind_is_found_with_what_it_says(out):
    found = by_command(out)
    assert set(found) == {"layers", "compare", "verify"}
    layers = found["layers"]
    assert (layers.folder, layers.page) == (Path("one"), "report.html")
    assert layers.contents.checkpoints == "m-llama"
    assert layers.contents.size == "24 sentences"
    assert layers.contents.headline == headline_of_page(out / "one")
    assert found["compare"].contents.headline == headline_of_page(out / "deep" / "two")
    assert found["compare"].page == "", "no page was drawn"
    assert found["verify"].contents.headline == "right: 7 layers"


def test_a_series_with_a_difference_is_of_layers(tmp_path):
    series = sample_results("base", "alpaca", "m-llama", **SMALL)
    pair = sample_results("base", "m-llama", **SMALL).profile
    change = pair.where(checkpoint="m-llama", baseline="base")
    replace(series, profile=series.profile.joined(change)).save(tmp_path / "series")
    (entry,) = entries(tmp_path)
    assert entry.contents.command == "layers"
    assert "base to m-llama" in entry.contents.headline


def test_a_study_and_an_allocation(tmp_path):
    runs = Path(__file__).parents[2] / "figures" / "scaling_runs.parquet"
    assert main(["scaling", "fit", str(runs), "--out", str(tmp_path), "--draws", "5", "--form", "power"]) == 0
    assert main(["scaling", "allocate", str(tmp_path / "fit.json"), "--budget", "480"]) == 0
    found = by_command(tmp_path)
    assert found["scaling fit"].contents.size == "54 runs"
    assert re.match(r"el \d+, tr \d+, zh \d+; ", found["scaling allocate"].contents.headline)


def test_links_lead_to_pages_and_are_relative(out):
    page = render_index("out", entries(out))
    links = set(re.findall(r'href="([^"#]+)"', page)) - {"data:,"}
    assert links == {"./one/report.html"}
    assert all((out / unquote(link)).is_file() for link in links)


@pytest.mark.parametrize("damage", ["profile.json", "profile.parquet", "profile.manifest.json"])
def test_what_cannot_be_read_is_listed_with_the_reason(damage, tmp_path):
    sample_results("m-llama", **SMALL).save(tmp_path / "bad")
    (tmp_path / "bad" / damage).write_text("{")
    (entry,) = entries(tmp_path)
    assert entry.contents is None
    assert damage in entry.problem
    assert damage in render_index("out", [entry])


def test_results_without_rows_are_listed_and_stop_nothing(tmp_path):
    made = sample_results("m-llama", **SMALL)
    replace(made, profile=replace(made.profile, table=made.profile.table[:0], peaks=None), tables={}).save(
        tmp_path
    )
    (entry,) = entries(tmp_path)
    assert "no rows" in entry.problem


def test_lost_results_are_listed_by_their_manifest(tmp_path):
    sample_results("m-llama", **SMALL).save(tmp_path / "lost")
    (tmp_path / "lost" / "profile.json").unlink()
    (entry,) = entries(tmp_path)
    assert "expected profile.json there" in entry.problem


def test_hostile_names_stay_text_and_hostile_folders_stay_links(tmp_path):
    for name in ("javascript:alert(1)", '"><img src=x onerror=alert(1)>', "a%2f..?#b"):
        hostile_evaluation(0).save(tmp_path / name, draw=lambda: '<meta name="generator" content="repalign">')
    hostile_inside(0).save(tmp_path / "inside")
    hostile_quantisation(0).save(tmp_path / "quantisation")
    hostile_results(sample_results("alpaca", "m-llama", **SMALL), 0).save(tmp_path / "profile")
    found = entries(tmp_path)
    assert not [entry.problem for entry in found if entry.problem]
    page = render_index("</title><script>", found)
    assert "<img" not in page
    assert page.count("<script") == 5, "the data, and four scripts"
    links = set(re.findall(r'href="([^"#]+)"', page)) - {"data:,"}
    assert len(links) == 3
    assert all(link.startswith("./") and (tmp_path / unquote(link)).is_file() for link in links)


def test_the_command_writes_a_page_and_never_replaces_another(out, tmp_path, capsys):
    assert main(["index", str(out), "--quiet"]) == 0
    assert capsys.readouterr().out.splitlines() == [str(out / "index.html")]
    assert main(["index", str(out)]) == 0, "a page of repalign is replaced"
    (out / "index.html").write_text("mine")
    assert main(["index", str(out)]) == 1
    assert (out / "index.html").read_text() == "mine"
    assert main(["index", str(tmp_path)]) == 1
    assert main(["index", str(tmp_path / "nowhere")]) == 1
    said = capsys.readouterr().err
    assert f"no results in {tmp_path} or below it" in said
    assert f"no folder {tmp_path / 'nowhere'}" in said


def test_it_needs_no_torch(out):
    code = (
        "import sys; from pathlib import Path; from repalign.report.entries import entries; "
        f"assert len(entries(Path({str(out)!r}))) == 3; print({{'torch', 'transformers', 'sklearn'}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=os.environ, capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
