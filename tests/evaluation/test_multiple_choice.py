"""Multiple choice from file to page: Belebele and Global-MMLU, chosen by log-likelihood."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluation.factories import asked, belebele_rows, json_lines, mmlu_rows, squad_file

from repalign.checkpoints import Checkpoint
from repalign.commands.main import main
from repalign.errors import RepalignError
from repalign.evaluation.answering import answer
from repalign.evaluation.run import evaluate
from repalign.evaluation.scorers import SCORERS
from repalign.evaluation.tasks import TASKS, Request
from repalign.results.evaluation import Evaluation

LANGUAGES = ("eng_Latn", "zho_Hans", "ell_Grek")


@pytest.fixture(scope="module")
def belebele(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("belebele")
    for language in LANGUAGES:
        json_lines(folder / f"{language}.jsonl", belebele_rows(language, 12))
    return folder


def test_belebele_is_worded_as_in_the_harness(belebele):
    items = TASKS["belebele"].read(Request(str(belebele), ["zh"]))
    assert len(items) == len({item.id for item in items}) == 12
    first = items[0]
    assert (first.language, first.id, first.references) == ("zh", "https://example.org/0#1", ("A",))
    assert first.choices == ("A", "B", "C", "D")
    assert first.instruction == "P: 狗看见0只鸟。\nQ: 它看见几只鸟？\nA: 1\nB: 2\nC: 3\nD: 4\nAnswer:"
    english = TASKS["belebele"].read(Request(str(belebele), ["en"]))
    assert [(item.id, item.references) for item in english] == [(item.id, item.references) for item in items]


def test_global_mmlu_is_worded_as_in_the_harness(tmp_path):
    path = tmp_path / "zh" / "test-00000-of-00001.parquet"
    path.parent.mkdir()
    pd.DataFrame(mmlu_rows()).to_parquet(path)
    pd.DataFrame(mmlu_rows(2)).to_parquet(path.with_name("dev-00000-of-00001.parquet"))
    items = TASKS["global-mmlu"].read(Request(str(tmp_path), ["zho_Hans"]))
    assert len(items) == 6
    assert items.notes == ["read: test; left out: dev; to read another, give its folder or file to --data"]
    second = items[1]
    assert (second.id, second.kind, second.references) == ("anatomy/test/1", "anatomy", ("B",))
    assert second.instruction == "How many is 1 and 1?\nA. 2\nB. 3\nC. 4\nD. 5\nAnswer:"


@pytest.mark.parametrize(
    "name", ["belebele/{}/test-00000-of-00001.parquet", "data/{}.jsonl", "all.jsonl", "all.parquet"]
)
def test_belebele_in_every_shape(name, tmp_path):
    rows = {language: belebele_rows(language) for language in LANGUAGES}
    tables = rows if "{}" in name else {"": [row for some in rows.values() for row in some]}
    for language, some in tables.items():
        path = tmp_path / name.format(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        json_lines(path, some) if path.suffix == ".jsonl" else pd.DataFrame(some).to_parquet(path)
    items = TASKS["belebele"].read(Request(str(tmp_path), ["zh", "eng"]))
    assert [(item.language, item.id) for item in items] == [
        (language, f"https://example.org/{n // 2}#{n % 2 + 1}")
        for language in ("zh", "eng")
        for n in range(6)
    ]


@pytest.mark.parametrize(
    ("task", "change", "line"),
    [
        ("belebele", {"correct_answer_num": "5"}, "'correct_answer_num' is '5'; expected one of 1, 2, 3, 4"),
        ("belebele", {"mc_answer3": None}, "'mc_answer3' is not a text but NoneType"),
        ("belebele", {"flores_passage": "\ud83d"}, "half of a surrogate pair"),
        ("belebele", {"dialect": "ell_Grek"}, "the row is in 'ell_Grek', but was found among those in 'zh'"),
        ("global-mmlu", {"answer": 2}, "'answer' is 2; expected one of A, B, C, D"),
        ("global-mmlu", {"sample_id": "anatomy/test/1"}, "different questions have the id 'anatomy/test/1'"),
        ("belebele", {"question_number": 2}, "different questions have the id 'https://example.org/0#2'"),
    ],
)
def test_damaged_rows_are_refused_in_one_line(task, change, line, tmp_path):
    import json

    rows = belebele_rows("zho_Hans") if task == "belebele" else mmlu_rows()
    rows[0] |= change
    (tmp_path / "zh.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    with pytest.raises(RepalignError, match=line):
        TASKS[task].read(Request(str(tmp_path), ["zh"]))


def test_a_missing_field_is_named(tmp_path):
    json_lines(tmp_path / "zh.jsonl", mmlu_rows())
    with pytest.raises(
        RepalignError, match=r"zh.jsonl, question 1: no field 'flores_passage'; found sample_id"
    ):
        TASKS["belebele"].read(Request(str(tmp_path)))


def test_knowledge_without_ids_and_subjects_is_paired_by_place(tmp_path):
    rows = [
        {key: cell for key, cell in row.items() if key not in ("sample_id", "subject")} for row in mmlu_rows()
    ]
    json_lines(tmp_path / "zh.jsonl", rows)
    items = TASKS["global-mmlu"].read(Request(str(tmp_path)))
    assert [(item.id, item.kind) for item in items] == [(str(n), "") for n in range(1, 7)]
    assert "have no id and are paired" in items.notes[0]


def test_languages_on_the_hub_are_named_before_they_are_downloaded(monkeypatch):
    monkeypatch.setattr(
        "datasets.get_dataset_config_names", lambda repo: ["eng_Latn", "zho_Hans", "zho_Hant"]
    )
    monkeypatch.setattr(
        "repalign.evaluation.sources.hub_rows", lambda repo, config, split, *rest: belebele_rows(config)
    )
    with pytest.raises(
        RepalignError, match="facebook/belebele has 3 languages; name those to download in --langs"
    ):
        TASKS["belebele"].read(Request())
    with pytest.raises(RepalignError, match="'zh' may be any of zho_Hans, zho_Hant"):
        TASKS["belebele"].read(Request(languages=["zh"]))
    items = TASKS["belebele"].read(Request(languages=["zho_Hans", "en"]))
    assert [item.language for item in items] == ["zho_Hans"] * 6 + ["en"] * 6


def test_two_checkpoints_are_compared_beside_their_alignment(save_model, belebele, tmp_path, capsys):
    models = [
        str(save_model(tmp_path / name, seed=seed, initializer_range=0.5))
        for seed, name in enumerate(("one", "two"))
    ]
    text = tmp_path / "text"
    text.mkdir()
    for language in ("en", "zh", "el"):  # the profile has other codes than the questions
        (text / f"{language}.txt").write_text(
            "\n".join(f"{language} {n} sentence" for n in range(30)), encoding="utf-8"
        )
    profile = ["layers", *(option for model in models for option in ("--ckpt", model)), "--corpus", str(text)]
    assert (
        main(
            [*profile, "--no-report", "--metrics", "cka", "--draws", "20", "--out", str(tmp_path / "profile")]
        )
        == 0
    )
    out = tmp_path / "out"
    command = ["evaluate", *models, "--task", "belebele", "--data", str(belebele), "--draws", "50"]
    assert main([*command, "--profile", str(tmp_path / "profile"), "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "acc: most likely choice, chance 25%" in shown
    found = Evaluation.load(out)
    assert found.signatures["one"].split("|")[2:5] == ["raw", "log-likelihood", "float32"]
    assert found.settings["chance"] == {"acc": 25.0}
    answers, choices = found.tables["answers"], found.tables["choices"]
    assert len(answers) == 2 * 3 * 12
    assert len(choices) == 4 * len(answers)
    best = choices.loc[choices.groupby(["checkpoint", "language", "item"])["loglikelihood"].idxmax()]
    chosen = answers.set_index(["checkpoint", "language", "item"])["answer"]
    assert (
        best.set_index(["checkpoint", "language", "item"])["choice"].sort_index().equals(chosen.sort_index())
    )
    scores = found.tables["scores"]
    own = scores[scores["baseline"].isna() & scores["language"].notna()]
    for row in own.itertuples():
        right = best[(best["checkpoint"] == row.checkpoint) & (best["language"] == row.language)]["is_right"]
        assert row.value == pytest.approx(100 * right.mean())
        assert row.low <= row.value <= row.high
    assert scores["baseline"].notna().sum() == 4
    assert set(found.tables["wins"]["judge"]) == {"acc"}
    assert len(found.tables["consistency"]) == 2 * 3
    assert set(found.tables["alignment"]["language"]) == {"zho_Hans", "ell_Grek"}
    assert "answer_languages" not in found.tables  # a letter is in no language
    page = (out / "evaluation.html").read_text(encoding="utf-8")
    assert "(accuracy, chance 25.0)" in re.sub("<[^>]+>", "", page)
    assert "P: The dog sees 0 birds." in page


def test_chosen_answers_are_stored(llama, belebele, monkeypatch):
    items = TASKS["belebele"].read(Request(str(belebele), ["en"]))
    checkpoint = Checkpoint.named(str(llama))
    first = answer(checkpoint, items, "belebele", 1)
    monkeypatch.setattr("repalign.evaluation.answering.choose", lambda *rest: pytest.fail("asked again"))
    assert answer(checkpoint, items, "belebele", 1) == first
    assert len(first.answers["en"][0].loglikelihoods) == 4


def test_a_prompt_that_is_too_long_is_cut_and_counted(save_model, belebele, tmp_path):
    short = save_model(tmp_path / "short", max_position_embeddings=40)
    found = evaluate(str(short), "belebele", data=belebele, languages=["el"], draws=20)
    assert found.settings["truncated"]["short"]["prompts"] == {"el": 12}
    assert np.isfinite(found.tables["choices"]["loglikelihood"]).all()


def test_models_with_an_encoder_are_refused(belebele, tmp_path, save_tokenizer):
    import transformers

    folder = tmp_path / "t5"
    tokenizer = save_tokenizer(folder)
    config = transformers.T5Config(
        vocab_size=len(tokenizer),
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=1,
        num_heads=4,
        decoder_start_token_id=2,
    )
    transformers.T5ForConditionalGeneration(config).save_pretrained(folder)
    with pytest.raises(
        RepalignError, match="t5 reads its prompt with an encoder; likelihoods of choices need a model"
    ):
        evaluate(str(folder), "belebele", data=belebele, languages=["en"], draws=20)


def test_accuracy_needs_choices():
    with pytest.raises(RepalignError, match="these questions have no choices; name other --scorers"):
        SCORERS["acc"].measure(asked("en", ["A"]), ["A"])


def test_notes_of_reading_are_printed_saved_and_on_the_page(llama, tmp_path, capsys):
    for language in ("en", "ro"):
        squad_file(
            tmp_path / f"xquad.{language}.json", [("a", "Cats sleep.", "Who?", "Cats"), ("b", "x", "y", "z")]
        )
    out = tmp_path / "out"
    command = [
        "evaluate",
        str(llama),
        "--task",
        "xquad",
        "--data",
        str(tmp_path),
        "--new-tokens",
        "2",
        "--no-language",
    ]
    assert main([*command, "--draws", "20", "--out", str(out)]) == 0
    shown = capsys.readouterr()
    note = "left out: ro, without a wording of the prompt"
    assert note in shown.out
    assert note in shown.err
    assert Evaluation.load(out).settings["notes"][0].startswith(note)
    assert note in (out / "evaluation.html").read_text(encoding="utf-8")


def test_pairs_of_languages_are_apart_in_the_results(llama, tmp_path):
    for context, question in (("en", "en"), ("en", "zh"), ("zh", "zh")):
        rows = [(key, "Cats sleep.", "谁？" if question == "zh" else "Who?", "Cats") for key in ("a", "b")]
        squad_file(tmp_path / f"test-context-{context}-question-{question}.json", rows)
    found = evaluate(
        str(llama), "mlqa", data=tmp_path, languages=["en", "en.zh", "zh"], new_tokens=2, draws=20,
    )  # fmt: skip
    assert found.tables["scores"]["language"].dropna().unique().tolist() == ["en", "en.zh", "zh"]
    assert set(found.tables["answers"]["language"]) == {"en", "en.zh", "zh"}
    asked_in = found.tables["answer_languages"]
    references = asked_in[(asked_in["checkpoint"] == "references") & (asked_in["asked"] == "en.zh")]
    assert references["answered"].tolist() == ["en.zh"]


def test_the_chance_level_is_drawn():
    from repalign.figures.answers import scores

    rows = pd.DataFrame(
        {
            "checkpoint": "m",
            "language": ["en", None],
            "value": [40.0, 40.0],
            "low": 30.0,
            "high": 50.0,
            "items": 12,
        }
    )
    (line,) = scores(rows, "accuracy", chance=25.0)["layout"]["shapes"]
    assert (line["y0"], line["y1"]) == (25.0, 25.0)
    assert "shapes" not in scores(rows, "F1")["layout"]
