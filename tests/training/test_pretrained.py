"""analyses/pretrained.py on a tiny stand-in for the model and its data."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from repalign_training import load_recipe

from repalign import ParallelCorpus, RepalignError

ANALYSES = Path(__file__).parents[2] / "analyses"
SIZES = {"tokens": 25_000, "seeds": 1, "sentences": 60, "translations": 4, "questions": 4}


@pytest.fixture
def data(tmp_path) -> Path:
    """A folder of the same layout: the sentences of everyday for evaluation, others for training."""
    corpus = ParallelCorpus.named("everyday")
    folder = tmp_path / "data"
    for name in ("ntrex", "pairs", "alpaca", "instruct_tldr", "xquad"):
        (folder / name).mkdir(parents=True)
    (folder / "ntrex" / "DOCUMENT_IDS.tsv").write_text("".join(f"d{row // 3}\n" for row in range(60)))
    for language in corpus.languages:
        tested, learnt = corpus.sentences[language][:60], corpus.sentences[language][60:]
        (folder / "ntrex" / f"{language}.txt").write_text("".join(f"{line}\n" for line in tested))
        pairs = zip(corpus.sentences["en"][60:], learnt, strict=True)
        (folder / "pairs" / f"en-{language}.tsv").write_text(
            f"en\t{language}\n" + "".join(f"{en}\t{other}\n" for en, other in pairs)
        )
        for kind in ("alpaca", "instruct_tldr"):
            rows = [
                json.dumps({"instruction": "Repeat.", "input": line, "output": line}) + "\n"
                for line in learnt
            ]
            (folder / kind / f"{language}.jsonl").write_text("".join(rows))
        paragraphs = [
            {
                "context": line,
                "qas": [
                    {"id": str(row), "question": "?", "answers": [{"text": line[:4], "answer_start": 0}]}
                ],
            }
            for row, line in enumerate(tested[:6])
        ]
        text = json.dumps({"data": [{"title": "", "paragraphs": paragraphs}]})
        (folder / "xquad" / f"xquad.{language}.json").write_text(text)
    return folder


@pytest.fixture
def pretrained(monkeypatch, tmp_path):
    """The module; its figures go to tmp_path."""
    monkeypatch.syspath_prepend(ANALYSES)
    import pretrained
    from experiment import keep, page, report

    monkeypatch.setattr(pretrained, "TASKS", {"translation": 4, "xquad": 4})
    monkeypatch.setattr(keep, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(report, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(report, "FIGURES", tmp_path / "figures")
    path = tmp_path / "docs" / "pretrained.md"
    (path.parent / "pictures").mkdir(parents=True)
    path.write_text(f"# A page\n\n{page.BEGIN}\n{page.END}\n")
    monkeypatch.setattr(report, "PAGE", path)
    monkeypatch.setattr(page, "PAGE", path)
    yield pretrained
    for name in [
        name for name in sys.modules if name.startswith(("pretrained", "experiment", "demo_family"))
    ]:
        sys.modules.pop(name)


def test_every_stage_on_a_tiny_model(pretrained, data, llama, tmp_path, monkeypatch, capsys):
    out = tmp_path / "runs"
    options = [f"--{name}={value}" for name, value in SIZES.items()]
    common = [f"--base={llama}", f"--out={out}", f"--data={data}", *options, "--only", "alpaca", "x-zh"]

    def stage(name: str) -> None:
        monkeypatch.setattr(sys, "argv", ["pretrained.py", name, *common])
        pretrained.main()

    stage("train")
    cards = {
        path.parent.name: json.loads(path.read_text()) for path in out.glob("checkpoints/*/repalign.json")
    }
    assert set(cards) == {"alpaca-0", "x-zh-0"}
    assert {card["tokens"] for card in cards.values()} == {25_000}
    for name in ("measure", "answer", "keep", "report"):
        stage(name)
    figures = json.loads((tmp_path / "figures" / "pretrained.json").read_text())
    layers = figures["alignment"]["mexa"]["zh"]
    assert set(layers) == {"base", "base~random", *cards}
    assert all(len(curve) == 4 for curve in layers.values())
    compared = {(row["checkpoint"], row.get("baseline")) for row in figures["scores"]}
    assert {("x-zh-0", "alpaca-0"), ("x-zh-0", "base"), ("alpaca-0", "base"), ("base", None)} <= compared
    assert not {other for run, other in compared if run == "base"} - {None}
    assert {row["task"] for row in figures["scores"]} == {"xquad", "en-x", "x-en"}
    assert figures["runs"]["x-zh-0"]["leaked"]["en"] == 0
    assert capsys.readouterr().out.count("\n") == 4 + len(figures["claims"]) + len(layers)

    kept = tmp_path / "kept" / "x-zh-0"
    hits = pd.read_parquet(kept / "hits.parquet").groupby(["language", "layer"])["p_at_1"].mean() / 2
    assert hits["zh"].tolist() == pytest.approx(figures["alignment"]["p_at_1"]["zh"]["x-zh-0"], abs=1e-4)
    for path in (tmp_path / "kept").rglob("*.*"):
        sentence = ParallelCorpus.named("everyday").sentences["tr"][0]
        assert sentence.encode() not in path.read_bytes(), "no text of others is kept"

    changed = {path: path.stat().st_mtime_ns for path in out.rglob("*.*")}
    stage("all")
    assert changed == {path: path.stat().st_mtime_ns for path in out.rglob("*.*")}, "what is finished stays"


def test_a_second_seed_is_for_one_contrast(pretrained, llama, tmp_path):
    plan = pretrained.Plan(llama, tmp_path, tmp_path, ("alpaca", "m", "x-zh"), seeds=2)
    assert list(plan.runs) == ["alpaca-0", "m-0", "x-zh-0", "alpaca-1", "x-zh-1"]
    assert [plan.runs[run].seed for run in plan.runs] == [0, 0, 0, 1, 1]
    from experiment.plan import baselines

    assert baselines("x-zh-1") == ["base", "alpaca-1"]
    assert baselines("alpaca-1") == ["base"]
    assert baselines("base~random") == []


def test_answers_to_other_questions_are_refused(pretrained, data, llama, tmp_path):
    plan = pretrained.Plan(llama, tmp_path, data, ("alpaca",), 1, translations=4, questions=4)
    pretrained.answer_all(plan, 1)
    with pytest.raises(RepalignError, match="answers 4 questions in en, not 3"):
        pretrained.keep_all(replace(plan, questions=3), 1)


def test_runs_of_other_sizes_are_not_mixed(pretrained, llama, tmp_path):
    plan = pretrained.Plan(llama, tmp_path, tmp_path)
    plan.claim("measure")
    replace(plan, sentences=200).claim("measure")  # nothing was measured yet
    (tmp_path / "alignment" / "base").mkdir(parents=True)
    replace(plan, sentences=200, seeds=1, names=("m",), batch_tokens=5, questions=3).claim("measure")
    with pytest.raises(RepalignError, match="holds runs of sentences 200, not 300; give another folder"):
        replace(plan, sentences=300).claim("measure")
    with pytest.raises(RepalignError, match="holds runs of sentences 200, not 300; give another folder"):
        pretrained.keep_all(replace(plan, sentences=300), 1)


@pytest.mark.parametrize(
    "name", ["alpaca", "m", "x-zh", "x-hi", "x-tr", "x-el", "x-vi", "x-ar", "x-zh-forward"]
)
def test_the_recipes_differ_in_their_data_only(name):
    recipe, other = (load_recipe(str(ANALYSES / "pretrained" / f"{one}.toml")) for one in (name, "m"))
    assert (recipe.train, recipe.adapter, recipe.sources, recipe.filters) == (
        other.train, other.adapter, other.sources, other.filters
    )  # fmt: skip


def test_a_base_whose_tokenizer_has_no_padding(pretrained, data, llama, tmp_path, monkeypatch):
    """As of GPT-2 and of most Llamas."""
    monkeypatch.setenv("REPALIGN_DATA", str(data))
    base = tmp_path / "base"
    shutil.copytree(llama, base)
    for name in ("tokenizer_config.json", "config.json", "generation_config.json"):
        if (base / name).is_file():
            values = json.loads((base / name).read_text())
            (base / name).write_text(json.dumps({key: values[key] for key in values if "pad" not in key}))
    sizes = {"tokens": 8_000, "sentences": 60, "translations": 0, "questions": 2}
    plan = pretrained.Plan(base, tmp_path / "runs", data, ("alpaca",), seeds=1, **sizes)
    pretrained.train_all(plan, 1)
    pretrained.answer_all(plan, 1)
    answered = json.loads((plan.out / "answers" / "xquad.alpaca-0.json").read_text())["answers"]
    assert {len(given) for given in answered.values()} == {2}
    assert not (plan.out / "answers" / "translation.alpaca-0.json").exists(), "no translations were requested"


def test_the_time_is_said_before(pretrained, llama, tmp_path):
    from experiment import times

    plan = pretrained.Plan(llama, tmp_path, tmp_path, ("alpaca", "x-zh"), seeds=1, translations=0)
    size = sum(path.stat().st_size for path in llama.glob("*.safetensors")) / times.MEASURED_ON
    hours = times.hours(plan)
    assert hours["train"] == pytest.approx(size * 2 * 900_000 / times.TOKENS_A_SECOND["train"] / 3600)
    assert hours["answer"] == pytest.approx(size * 3 * 7 * 120 * times.SECONDS_AN_ANSWER["xquad"] / 3600)
    (tmp_path / "checkpoints" / "x-zh-0").mkdir(parents=True)
    (tmp_path / "checkpoints" / "x-zh-0" / "repalign.json").write_text("{}")
    assert times.hours(plan)["train"] == pytest.approx(hours["train"] / 2)
    assert "2 runs (tokens 900,000" in times.announced(plan)


def test_questions_are_spread_over_documents(pretrained):
    from experiment.plan import spread

    units = ["a"] * 10 + ["b"] * 10 + ["c"] * 2
    assert {units[row] for row in spread(units, 3)} == {"a", "b", "c"}
    assert sorted(units[row] for row in spread(units, 6)) == [*"aabbcc"]
    assert set(spread(units, 5)) < set(spread(units, 9))
    assert spread(units, 99) == list(range(22))


def test_questions_are_in_english_and_another_language(pretrained, data, llama, tmp_path):
    plan = pretrained.Plan(llama, tmp_path, data, translations=3, questions=2, answer_languages=("en", "zh"))
    xquad, translation = (pretrained.questions(plan, task) for task in ("xquad", "translation"))
    assert list(xquad) == ["en", "zh"]
    assert list(translation) == ["en-zh", "zh-en"]
    ids = {name: [item.id for item in items] for name, items in (xquad | translation).items()}
    assert ids["en"] == ids["zh"]
    assert ids["en-zh"] == ids["zh-en"]
    measured = [str(row + 1) for row in plan.rows(60)]
    assert set(ids["en-zh"]) < set(measured), "so that sentences and answers can be linked"
    with pytest.raises(RepalignError, match="answers are in en and other languages; got zh"):
        pretrained.questions(replace(plan, answer_languages=("zh",)), "xquad")
