"""The claims of analyses/pretrained.py, judged on runs with a known truth."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from repalign import RepalignError

ANALYSES = Path(__file__).parents[2] / "analyses"
LOW, HIGH = 0.4, 2.0
SEEDS = ("0", "1", "2")
ALIGNED = {
    "base": {},
    "base~random": {"hi": 0.0, "tr": 0.0, "zh": 0.0},
    **{f"alpaca-{seed}": {} for seed in SEEDS},
    **{f"x-zh-{seed}": {"zh": HIGH} for seed in SEEDS},
    "m-0": {"hi": HIGH, "tr": HIGH, "zh": HIGH},
}
ANSWERED = {
    "base": 0.1,
    **{f"alpaca-{seed}": 0.1 for seed in SEEDS},
    **{f"x-zh-{seed}": 0.8 for seed in SEEDS},
}


@pytest.fixture
def runs(monkeypatch):
    """The module that makes runs; those of analyses can be imported."""
    monkeypatch.syspath_prepend(ANALYSES)
    monkeypatch.syspath_prepend(Path(__file__).parent)
    import pretrained_runs

    yield pretrained_runs
    for name in [
        name for name in sys.modules if name.startswith(("pretrained", "experiment", "demo_family"))
    ]:
        sys.modules.pop(name)


@pytest.fixture
def kept(runs, tmp_path) -> Path:
    """Runs in which x-zh aligns Chinese, m all languages, and x-zh answers better; nothing else differs."""
    base = dict.fromkeys(runs.LANGUAGES[1:], LOW)
    aligned = {run: base | weights for run, weights in ALIGNED.items()}
    runs.keep_runs(tmp_path / "kept", aligned, ANSWERED)
    return tmp_path / "kept"


def judged(folder: Path) -> dict[str, dict]:
    """Key of a claim -> the claim, with `by label` -> row."""
    from experiment.claims import verdicts
    from experiment.kept import Kept

    claims = {claim["key"]: claim for claim in verdicts(Kept.load(folder))}
    for claim in claims.values():
        claim["by label"] = {(row["label"], row["measure"]): row for row in claim["rows"]}
    return claims


def test_planted_effects_are_supported_and_others_are_not(kept):
    claims = judged(kept)
    better = claims["a"]["by label"]
    assert claims["a"]["verdict"] == "supported"
    for label, measure in (
        ("zh", "XQuAD F1"),
        ("en to zh", "chrF++"),
        ("zh to en", "chrF++"),
        ("zh to en", "BLEU"),
    ):
        row = better[f"x-zh − alpaca, {label}", measure]
        assert row["verdict"] == "supported"
        assert row["low"] < row["value"] < row["high"]
        assert len(row["seeds"]) == 3
        assert row["seeds_low"] > 0
        assert row["items"] == 60
        assert row["units"] == 30
    assert 55 < better["x-zh − alpaca, zh", "XQuAD F1"]["value"] < 85, "80% right instead of 10%"
    assert better["x-hi − alpaca, hi", "XQuAD F1"]["verdict"] == "not testable here"
    assert better["x-hi − alpaca, hi", "XQuAD F1"]["reason"] == "x-hi not trained"

    aligned = claims["d2"]["by label"]
    for label in (
        "m − base, all languages",
        "m − alpaca, all languages",
        "x-zh − base, zh",
        "x-zh − alpaca, zh",
    ):
        assert aligned[label, "P@1"]["verdict"] == "supported"
    assert claims["d3"]["verdict"] == "supported"
    middle = claims["d1"]["by label"]
    assert middle["m: middle layers − the first", "P@1"]["verdict"] == "supported"
    best = middle["m: layer with the best P@1", "depth, 0 first to 1 last"]
    assert (best["value"], best["verdict"]) == (0.5, "supported")

    english = claims["h"]["by label"]
    assert english["alpaca − base, middle layers", "P@1"]["verdict"] == "not supported"
    assert english["alpaca − base, en", "XQuAD F1"]["verdict"] in ("not supported", "not testable here")
    assert claims["e"]["verdict"] == claims["g"]["verdict"] == claims["b"]["verdict"] == "not testable here"
    assert claims["g"]["by label"]["x-zh − x-zh-forward, zh", "P@1"]["reason"] == "x-zh-forward not trained"


def test_nothing_is_supported_where_nothing_differs(runs, tmp_path):
    same = dict.fromkeys(runs.LANGUAGES[1:], LOW)
    names = ("base", *(f"alpaca-{seed}" for seed in SEEDS), *(f"x-zh-{seed}" for seed in SEEDS), "m-0")
    runs.keep_runs(tmp_path / "kept", dict.fromkeys(names, same), dict.fromkeys(names, 0.5))
    claims = judged(tmp_path / "kept")
    for key in ("a", "c", "d2", "d3", "h"):
        tested = [row for row in claims[key]["rows"] if row["verdict"] != "not testable here"]
        assert [row["label"] for row in tested if row["verdict"] == "supported"] == []
        assert key == "c" or tested, "languages of such answers may not be distinguished"
    assert claims["b"]["by label"]["m − x-zh, zh", "XQuAD F1"]["reason"].startswith(
        ("the interval", "they differ")
    )


def test_correlations_over_languages_and_over_sentences(runs, tmp_path):
    """Languages that are better aligned are answered better; which sentence is, is chance."""
    from experiment.keep import Results

    from repalign.results.schema import RESULTS

    languages = ("en", "ar", "el", "hi", "tr", "vi", "zh")
    grades = dict(zip(languages[1:], (0.4, 0.7, 0.9, 1.1, 1.4, 2.5), strict=True))
    shares = dict(zip(languages[1:], (0.05, 0.2, 0.4, 0.6, 0.8, 0.95), strict=True))
    same = dict.fromkeys(languages[1:], 0.9)
    kept = tmp_path / "kept"
    runs.keep_runs(kept, {"base": grades, "m-0": same}, {"base": shares, "m-0": 0.5}, languages)
    results = Results.load(kept / "base")
    table = results.profile.where(layer=0).table.assign(control="bag-of-tokens")
    table = table[[name for name in RESULTS["controls"].names if name in table]]
    Results("base", results.profile, {"controls": RESULTS["controls"].frame(table)}).save(kept / "base")

    rows = judged(kept)["f"]["by label"]
    row = rows["base: alignment and XQuAD F1, over 6 languages", "Spearman's rho"]
    assert row["value"] > 0.9
    assert row["low"] > 0
    assert row["items"] == 6
    partial = rows[
        "base: alignment and XQuAD F1, over 6 languages, at equal overlap of tokens", "Spearman's rho"
    ]
    assert partial["beside"]
    assert partial["items"] == 6
    change = rows["m − base: alignment and XQuAD F1, over 6 languages", "Spearman's rho"]
    assert change["value"] > 0.8, "the languages that m aligns less than the base are answered worse"
    sentences = [row for label, row in rows.items() if "over 60 sentences" in label[0] and not row["beside"]]
    assert len(sentences) == 24
    assert sum(row["verdict"] == "supported" for row in sentences) == 0


def test_a_comparison_is_judged_by_its_interval_its_seeds_and_its_margin(runs):
    from experiment.comparisons import Comparison, judged
    from experiment.estimates import Estimate

    noise = np.random.default_rng(0).normal(size=200)

    def of(*means: float, scale: float = 1.0) -> dict[int, Estimate]:
        return {seed: Estimate.of_mean(mean + scale * noise, None) for seed, mean in enumerate(means)}

    def verdict(seeds: dict[int, Estimate], **rest: object) -> tuple[str, str]:
        row = judged([Comparison("", "F1", seeds, **rest)])[0]
        return row["verdict"], row["reason"]

    assert verdict(of(1.0)) == ("supported", "")
    assert verdict(of(-1.0)) == ("not supported", "the opposite: the interval is below zero")
    assert verdict(of(0.05)) == ("not supported", "the interval over items includes zero")
    assert verdict(of(3.0, 0.1, 0.1)) == ("not supported", "the interval over seeds includes zero")
    assert verdict(of(3.0, -0.1)) == ("not supported", "the seeds differ in sign")
    assert verdict(of(1.0, 1.1, 0.9)) == ("supported", "")
    comparable = {"kind": "comparable", "margin": 0.5}
    assert verdict(of(0.1), **comparable) == ("supported", "")
    assert verdict(of(0.1, scale=9), **comparable)[1] == "the interval over items is not within ±0.5"
    assert verdict(of(2.0), **comparable) == ("not supported", "they differ by more than 0.5")
    few = {0: Estimate.of_mean(np.array([1.0] * 9 + [0.0] * 91), None)}
    assert verdict(few)[0] == "not testable here"
    assert judged([Comparison("", "", of(0.16)), *(Comparison("", "", of(0.0)) for _ in range(9))])[0][
        "reason"
    ] == ("not after Holm's correction")


def test_the_report_needs_the_kept_files_only(kept, tmp_path, monkeypatch, capsys):
    import pretrained
    from experiment import page, report

    path = tmp_path / "docs" / "pretrained.md"
    (path.parent / "pictures").mkdir(parents=True)
    path.write_text(
        (ANALYSES.parent / "docs" / "pretrained.md").read_text(encoding="utf-8"), encoding="utf-8"
    )
    monkeypatch.setattr(report, "KEPT", kept)
    monkeypatch.setattr(report, "FIGURES", tmp_path / "figures")
    for module in (report, page):
        monkeypatch.setattr(module, "PAGE", path)
    monkeypatch.setattr(report, "export", lambda figure, file, width: file.write_text(str(len(figure.data))))
    monkeypatch.setattr(sys, "argv", ["pretrained.py", "report"])
    monkeypatch.delenv("REPALIGN_DATA", raising=False)
    pretrained.main()
    figures = json.loads((tmp_path / "figures" / "pretrained.json").read_text(encoding="utf-8"))
    written = path.read_text(encoding="utf-8")
    value = next(row for row in figures["claims"][0]["rows"] if row["label"] == "x-zh − alpaca, zh")["value"]
    assert f"| x-zh − alpaca, zh | XQuAD F1 | {value:+.1f} [" in written
    assert "pictures/pretrained_claims.svg" in written
    assert "| (a) |" in capsys.readouterr().out
    assert "1,000 tokens per run" in written
    before = written
    pretrained.main()
    assert path.read_text(encoding="utf-8") == before
    assert len(figures["alignment"]["p_at_1"]["zh"]["x-zh-0"]) == 7


def test_kept_runs_of_other_sizes_or_items_are_refused(kept):
    import pandas as pd
    from experiment.kept import Kept

    path = kept / "m-0" / "run.json"
    about = json.loads(path.read_text())
    about["recipe"]["train"]["tokens"] = 999
    path.write_text(json.dumps(about))
    with pytest.raises(
        RepalignError, match="m-0 holds runs of tokens 1000, not 999; keep runs of other sizes"
    ):
        Kept.load(kept)
    about["recipe"]["train"]["tokens"] = 1000
    path.write_text(json.dumps(about))
    answers = kept / "x-zh-1" / "answers.parquet"
    pd.read_parquet(answers).query("item != '7'").to_parquet(answers)
    with pytest.raises(RepalignError, match="x-zh-1 is about other items than base"):
        Kept.load(kept)


def test_no_kept_runs_are_no_report(runs, tmp_path):
    from experiment.kept import Kept

    with pytest.raises(RepalignError, match=r"no kept runs in .*; run the stage keep first"):
        Kept.load(tmp_path)


@pytest.mark.skipif(
    not (ANALYSES.parent / "figures" / "pretrained.json").is_file(), reason="no run is kept yet"
)
def test_the_figures_and_the_page_are_those_of_the_kept_runs(runs):
    """Run `python analyses/pretrained.py report` if they are not."""
    from experiment.keep import FIGURES, KEPT
    from experiment.kept import Kept
    from experiment.page import PAGE, rewritten
    from experiment.report import numbers

    saved = json.loads((FIGURES / "pretrained.json").read_text(encoding="utf-8"))
    today = numbers(Kept.load(KEPT))
    for before, now in zip(saved["claims"], today["claims"], strict=True):
        assert [row["verdict"] for row in before["rows"]] == [row["verdict"] for row in now["rows"]]
        values = ([row.get("value", 0.0) for row in claim["rows"]] for claim in (before, now))
        assert next(values) == pytest.approx(next(values), abs=1e-6)
    page = PAGE.read_text(encoding="utf-8")
    assert rewritten(page, saved) == page
    assert sum(path.stat().st_size for path in KEPT.rglob("*.*")) < 2_000_000
