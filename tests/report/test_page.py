"""The page as a file: whole, offline, within its size, and the command that redraws it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from factories import sample_results

from repalign.commands import main as cli
from repalign.corpora import ParallelCorpus
from repalign.corpora.checks import check
from repalign.errors import RepalignError
from repalign.figures.view import View
from repalign.report import Report
from repalign.report.confusions import confusions
from repalign.report.manifest import manifest
from repalign.report.map import map_data
from repalign.report.packing import to_json
from repalign.results.profile import LayerProfile
from repalign.results.results import Results

SMALL = {"languages": ("en", "ar", "hi", "zh"), "layers": 5, "sentences": 24, "dim": 12}


@pytest.fixture(scope="module")
def results() -> Results:
    return sample_results("m-llama", **SMALL)


def page(results: Results | LayerProfile, folder: Path) -> str:
    return Report(results).write(folder / "report.html").read_text(encoding="utf-8")


def test_a_profile_alone_makes_a_page(results, tmp_path):
    path = Report("mine", results.profile).write(tmp_path / "new" / "page.html")
    html = path.read_text(encoding="utf-8")
    assert path == tmp_path / "new" / "page.html"
    assert "<title>mine · repalign</title>" in html
    assert 'id="maps"' not in html


def test_nothing_is_fetched(results, tmp_path):
    html = page(results, tmp_path)
    ours = html.replace(re.search(r"<script>/\*\*\n\* plotly.js.*?</script>", html, re.S)[0], "")
    assert re.findall(r"""(?:src|href)\s*=\s*["']?(?!data:|#)[^"'> ]+""", ours) == []
    assert "url(" not in ours
    assert "default-src 'none'" in ours


def test_the_page_holds_the_sentences_command_and_signature(results, tmp_path):
    html = page(results, tmp_path)
    assert "孩子在树下看书。" in html
    assert "repalign layers --ckpt m-llama" in html
    assert results.profile.signatures["m-llama"] in html
    assert "Arabic" in html


def test_size_at_full_scale(results, tmp_path):
    """7 languages x 240 sentences x 33 layers x 2 variants stay below 8 MB."""
    draw = np.random.default_rng(0)
    languages = ["en", "ar", "el", "hi", "tr", "vi", "zh"]
    index = pd.MultiIndex.from_product(
        [["m-llama"], ["pca"], ["raw", "centred"], range(33), languages, range(240)],
        names=["checkpoint", "reducer", "variant", "layer", "language", "sentence"],
    )
    table = index.to_frame(index=False)
    numbers = {
        name: draw.normal(size=len(table))
        for name in ("x", "y", "cosine", "margin", "trustworthiness", "knn_overlap")
    }
    neighbours = {f"nearest_{rank}": draw.integers(0, 240, len(table)) for rank in (1, 2, 3)}
    table = table.assign(**numbers, **neighbours, z=np.nan)
    text = [f"{language} {'字' * 12} {i} {'word ' * 10}" for language in languages for i in range(240)]
    sentences = pd.DataFrame(
        {
            "language": np.repeat(languages, 240),
            "sentence": np.tile(range(240), 7),
            "group": 0,
            "text": text,
            "tokens": 9,
        }
    )
    own = results.profile.where(target="zh").table
    deep = pd.concat(
        [own.assign(layer=layer, depth=layer / 32) for layer in range(33) for _ in own["layer"].unique()[:1]]
    )
    scores = pd.concat([deep.assign(target=language) for language in languages[1:]], ignore_index=True)
    whole = Results(
        "big", replace(results.profile, table=scores), {"map": table, "sentences": sentences}, results.about
    )
    size = Report(whole).write(tmp_path / "report.html").stat().st_size
    assert size < 8e6


def test_more_points_than_a_page_can_hold_are_thinned_with_a_note(results, tmp_path, monkeypatch):
    monkeypatch.setattr("repalign.report.page.MAX_POINTS", 4 * 5 * 2 * 10)
    html = page(results, tmp_path)
    assert "14 of 24 sentences are left out of this map" in html


def test_a_table_that_is_missing_is_not_drawn(results, tmp_path):
    for name in ("sentences", "tree"):
        rest = {key: table for key, table in results.tables.items() if key != name}
        assert page(replace(results, tables=rest), tmp_path)


def test_the_page_holds_every_position_and_the_text_of_every_retrieval_error(results):
    held, table = map_data(results), results.tables["map"]
    sheet = next(one for one in held["sheets"] if one["variant"] == "centred")
    own = table[(table["variant"] == "centred") & (table["layer"] == 3)].set_index(["language", "sentence"])
    for language in ("en", "zh"):
        for place, row in ((0, held["rows"][0]), (-1, held["rows"][-1])):
            found = sheet["places"][sheet["layers"].index(3), held["languages"].index(language), place]
            expected = own.loc[(language, row), ["x", "y"]].to_numpy(float)
            assert found * held["grain"] == pytest.approx(expected, abs=1e-6)
    wrong = confusions(results)
    assert all(row["taken_for"] in wrong["texts"][row["target"]] for row in wrong["rows"])
    assert all(row["sentence"] in wrong["texts"][row["source"]] for row in wrong["rows"])


def test_what_results_are_called_is_text(results, tmp_path):
    evil = "<i onclick=alert(1)>evil</i>"
    page = Report(evil, results).write(tmp_path / "page.html").read_text(encoding="utf-8")
    assert evil not in page
    assert "&lt;i onclick" in page


def test_the_page_is_written_atomically(results, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(RepalignError, match="No space left on device"):
        Report(results).write(tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_differences_alone_make_a_page(tmp_path):
    pair = sample_results("alpaca", "m-llama", **SMALL).profile
    differences = replace(pair, table=pair.table[pair.table["baseline"].notna()])
    html = page(differences, tmp_path)
    assert "m-llama over alpaca:" in html


def test_the_page_holds_the_findings_of_every_metric_and_variant(results, tmp_path):
    html = page(results, tmp_path)
    blocks = re.findall(r'<div class="answers" data-metric="(\w+)" data-variant="(\w+)"( hidden)?>', html)
    choices = {
        (one["metric"], one["variant"]) for one in View(results).choices("scores", "metric", "variant")
    }
    assert {block[:2] for block in blocks} == choices
    assert [block[2] for block in blocks] == ["", *[" hidden"] * (len(blocks) - 1)]
    start, end = html.index('<section id="findings"'), html.index("</section>")
    assert end - start < 6000 * len(blocks)
    text = unescape(re.sub("<[^>]+>", "", html[start:end]))
    for metric, variant in choices:
        assert f"({View(results).label(metric)}, {variant}, on sample)" in text


def test_no_scores_are_reported(results):
    with pytest.raises(RepalignError, match="no scores to report"):
        Report("empty", replace(results.profile, table=results.profile.table[:0]))


def test_a_report_needs_results():
    with pytest.raises(RepalignError, match="takes a profile or results, and a title"):
        Report("only a title")


def test_json_cannot_leave_its_script():
    hostile = "</script><!--\u2028\u2029&<"
    packed = to_json({"text": hostile, "array": np.array([[1.5, np.nan]], dtype=np.float32)})
    assert not set("<>&\u2028\u2029") & set(packed)
    read = json.loads(packed)
    assert read["text"] == hostile
    assert read["array"]["shape"] == "1, 2"
    assert read["array"]["dtype"] == "f4"


def test_manifest_counts_lists_and_lines_up_languages():
    made = manifest(
        {
            "sentences": 9,
            "languages": {"en": {"copies": [], "odd": []}, "zh": {"copies": [3, 4, 5, 7], "odd": []}},
            "tokens": {"en": {"per_sentence": 4.25}},
        }
    )
    assert made == {
        "warning": "",
        "verdict": [],
        "totals": {"sentences": "9"},
        "columns": ["copies", "tokens per sentence"],
        "rows": {
            "en": {"copies": "0", "tokens per sentence": "4.25"},
            "zh": {"copies": "4 (rows 3, 4, 5, …)", "tokens per sentence": ""},
        },
        "none": ["odd"],
    }
    assert manifest({}) is None


def test_the_page_warns_of_faulty_text_before_its_findings(results, tmp_path):
    text = {"en": [f"<b>{word}" for word in "abc"], "<i>zh": ["x", "y", "z"], "ar": ["<b>a", "<b>b", "x"]}
    faulty = replace(results, about={"manifest": check(ParallelCorpus(text, "faulty"))})
    html = page(faulty, tmp_path)
    assert "wrong text: ar: text is mostly Latin, expected Arabic" in html
    assert html.index("The text of these results is faulty") < html.index("Where do languages align?")
    assert "<i>zh" not in html[: html.index('id="page-data"')], "names of languages are escaped"
    assert "The text of these results is faulty" not in page(results, tmp_path)


def test_results_of_earlier_versions_have_no_verdict(results, tmp_path):
    earlier = {
        key: value for key, value in results.about["manifest"].items() if key not in ("ok", "problems")
    }
    assert 'class="verdict"' in page(results, tmp_path)
    assert 'class="verdict"' not in page(replace(results, about={"manifest": earlier}), tmp_path)


def test_command_redraws_without_torch_or_model(results, tmp_path):
    results.save(tmp_path)
    code = (
        "import sys; from repalign.commands.main import main; code = main(sys.argv[1:]); "
        "sys.exit(code or any(name in sys.modules for name in ('torch', 'transformers')))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, "report", str(tmp_path), "-q"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.split() == [str(tmp_path / "report.html")]


def test_command_draws_one_figure(results, tmp_path, capsys):
    results.save(tmp_path)
    given = [str(tmp_path / "profile.parquet"), "--figure", "heatmap", "--metric", "cka", "--format", "json"]
    assert cli.main(["report", *given, "--quiet"]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path == tmp_path / "heatmap.json"
    assert "CKA" in path.read_text(encoding="utf-8")
    for out, given in (
        ("a.json", []),
        ("b.html", []),
        ("c.html", ["--format", "json"]),
        ("d", ["--format", "json"]),
    ):
        assert (
            cli.main(
                ["report", str(tmp_path), "-q", "--figure", "curves", "--out", str(tmp_path / out), *given]
            )
            == 0
        )
        path = Path(capsys.readouterr().out.strip())
        assert path.name == (out if not given else f"{out[0]}.json")
        assert path.read_bytes().startswith(b"{") == (path.suffix == ".json")


def test_a_figure_is_svg_by_default(results, tmp_path, monkeypatch):
    monkeypatch.setattr("repalign.commands.report.exported", lambda figure, name, *size: name.encode())
    results.save(tmp_path)
    for out in ([], ["--out", str(tmp_path / "mine")]):
        assert cli.main(["report", str(tmp_path), "--figure", "curves", *out]) == 0
    assert {path.read_text() for path in tmp_path.glob("*.svg")} == {"curves.svg", "mine.svg"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no results in nowhere"),
        (["RESULTS", "--figure", "heatmaps"], "did you mean 'heatmap'"),
        (["RESULTS", "--figure", "curves", "--metric", "mexxa"], "did you mean 'mexa'"),
        (["RESULTS", "--figure", "drift"], "lack the table for figure 'drift'"),
        (["RESULTS", "--metric", "cka"], "--metric selects a panel of a figure; add --figure"),
    ],
)
def test_command_reports_errors_in_one_line(results, tmp_path, capsys, arguments, message):
    results.save(tmp_path)
    assert cli.main(["report", *[str(tmp_path) if word == "RESULTS" else word for word in arguments]]) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]


def test_results_show_themselves_in_notebooks(results):
    html = results._repr_html_()
    assert "m-llama" in html
    assert html.count("<tr") > 10
    best = results.profile.peaks.query("metric == 'mexa' and variant == 'centred' and target == 'zh'")
    assert all(f"{row.value:.3f}" in html and row.layers in html for row in best.itertuples())
    assert ("< .001" in unescape(html)) == (results.profile.peaks["p_adjusted"] < 0.001).any()
    assert html.count("<svg") >= min(40, len(results.profile.peaks)), "a curve for every row that is shown"
    assert "NA>" not in unescape(html)
    alone = results.profile.where(checkpoint="m-llama", baseline=None)._repr_html_()
    assert "<th>baseline</th>" not in alone, "a column without anything in it"
    evil = replace(results.profile, table=results.profile.table.replace({"zh": "<i>zh</i>"}))
    assert "<i>zh" not in evil._repr_html_()
