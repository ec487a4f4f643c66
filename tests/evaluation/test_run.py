"""Evaluation end to end: the command, the library call, one line for every mistake."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from evaluation.factories import squad_file

from repalign.checkpoints import Checkpoint
from repalign.checkpoints.card import Card
from repalign.commands.main import main
from repalign.errors import RepalignError
from repalign.evaluation.answering import answer
from repalign.evaluation.items import Item
from repalign.evaluation.run import evaluate
from repalign.evaluation.tasks import TASKS, Request
from repalign.results.evaluation import Evaluation


def test_the_command_end_to_end(llama, questions, tmp_path, save_model, capsys):
    other = save_model(tmp_path / "other", seed=1)
    options = [
        "--task",
        "xquad",
        "--data",
        str(questions),
        "--new-tokens",
        "6",
        "--draws",
        "50",
        "--template",
        "raw",
    ]
    out = tmp_path / "out"
    assert main(["evaluate", str(llama), str(other), *options, "--out", str(out)]) == 0
    shown = capsys.readouterr()
    assert "other minus tiny-llama" in shown.out
    assert "MLQA's normalisation" in shown.out
    assert f"wrote {out}: evaluation.html, scores.parquet, " in shown.out
    found = Evaluation.load(out)
    assert found.title == "tiny-llama against other on xquad"
    assert found.signatures["other"].endswith(
        f"|raw|greedy:6|float32|{found.signatures['other'].split('|')[-1]}"
    )
    answers, scores = found.tables["answers"], found.tables["scores"]
    assert len(answers) == 2 * 2 * 6
    # the table of scores is the mean of the table of answers
    for scorer in ("contains", "exact", "f1"):
        means = answers.groupby(["checkpoint", "language"])[scorer].mean()
        own = scores[scores["baseline"].isna() & scores["language"].notna() & (scores["scorer"] == scorer)]
        for row in own.itertuples():
            assert row.value == pytest.approx(means[(row.checkpoint, row.language)])
            assert row.low <= row.value <= row.high
    for name, own in answers.groupby("checkpoint"):
        cut = {lang: int(n) for lang, n in (~own["ended"]).groupby(own["language"]).sum().items() if n}
        assert found.settings["truncated"][name] == {"answers": cut, "prompts": {}}
    wins = found.tables["wins"]
    assert set(wins["checkpoint"] + " over " + wins["baseline"]) == {"other over tiny-llama"}
    assert {"consistency", "answer_languages"} <= set(found.tables)
    again = tmp_path / "again"
    assert main(["evaluate", str(llama), str(other), *options, "--out", str(again)]) == 0
    pd.testing.assert_frame_equal(scores, Evaluation.load(again).tables["scores"])


def test_results_stand_beside_alignment(llama, tmp_path, capsys):
    words = {
        "en": ("dog", "sees"),
        "el": ("σκύλος", "βλέπει"),
        "zh": ("狗", "看见"),
        "tr": ("köpek", "görür"),
    }
    text = tmp_path / "text"
    text.mkdir()
    for language, (a, b) in words.items():
        rows = [f"{a} {b} {n}" for n in range(30)]
        (text / f"{language}.txt").write_text("\n".join(rows), encoding="utf-8")
    profile = tmp_path / "profile"
    shared = ["--draws", "20", "--out"]
    assert (
        main(
            [
                "layers",
                "--ckpt",
                str(llama),
                "--corpus",
                str(text),
                "--no-report",
                "--metrics",
                "mexa,cka",
                *shared,
                str(profile),
            ]
        )
        == 0
    )
    command = ["evaluate", str(llama), "--task", "translation", "--data", str(text), "--new-tokens", "8"]
    out = tmp_path / "out"
    assert main([*command, "--profile", str(profile), *shared, str(out)]) == 0
    tables = Evaluation.load(out).tables
    assert set(tables["alignment"]["language"]) == {"el", "zh", "tr"}
    assert tables["alignment"].groupby("metric")["layer"].nunique().max() == 1
    found = tables["correlations"]
    languages = found[found["over"] == "languages"]
    assert languages["note"].str.contains("3 are too few").all()
    assert languages["p"].isna().all()
    sentences = found[found["over"] == "sentences"]
    assert set(sentences["language"]) == {"el", "zh", "tr"}
    assert (sentences["units"] == 30).all()
    assert "3 are too few" in capsys.readouterr().out
    other = [
        "evaluate",
        str(llama),
        "--task",
        "translation",
        "--data",
        str(text),
        "--langs",
        "en",
        "--source",
        "zh",
    ]
    assert main([*other, "--new-tokens", "4", "--profile", str(profile), *shared, str(out)]) == 1
    assert "no alignment of these checkpoints" in capsys.readouterr().err


def test_checkpoints_of_the_demo_family_are_asked_briefly(llama, tmp_path, save_model, capsys):
    folder = save_model(tmp_path / "tuned")
    recipe = {
        "corpus": "everyday",
        "sources": {"translation": {"kind": "phrasebook-translation", "brief": True}},
    }
    Card("tuned", recipe, "", None, "input-first", [], 0, 1, 1, {}, 1.0).write(folder)
    options = ["--task", "translation", "--langs", "zh", "--limit", "2", "--new-tokens", "2", "--no-language"]
    assert main(["evaluate", str(folder), *options, "--out", str(tmp_path / "out")]) == 0
    found = Evaluation.load(tmp_path / "out")
    assert set(found.tables["answers"]["instruction"]) == {"Chinese:"}
    assert "|input-first|" in found.signatures["tuned"]
    assert "answer_languages" not in found.tables
    answered = answer(
        Checkpoint.named(str(folder)), [Item("0", "zh", "Say", "x", ("y",))], "t", 2, template="raw"
    )
    assert "|raw|" in answered.signature


def test_the_page_is_offline_inert_and_drawn_again_without_a_model(llama, questions, tmp_path, capsys):
    folder = tmp_path / "hostile"
    folder.mkdir()
    hostile = "</script><script>alert(1)</script><b>"
    squad_file(folder / "xquad.en.json", [("q", hostile, hostile, hostile), ("r", "a", "b", "c")])
    out = tmp_path / "out"
    options = [
        "--task",
        "xquad",
        "--data",
        str(folder),
        "--new-tokens",
        "2",
        "--no-language",
        "--out",
        str(out),
    ]
    assert main(["evaluate", str(llama), *options]) == 0
    page = (out / "evaluation.html").read_text(encoding="utf-8")
    assert "alert(1)" in page
    assert "<script>alert(1)" not in page
    assert "<b>" not in page.partition('id="examples"')[2].partition("<script")[0]
    again = tmp_path / "again.html"
    assert main(["report", str(out), "--out", str(again)]) == 0
    assert again.read_text(encoding="utf-8") == page
    assert main(["report", str(out), "--figure", "curves"]) == 1
    assert "--figure needs results of `layers` or `compare`" in capsys.readouterr().err


MISTAKES = [
    (["--task", "xquat"], "no task named 'xquat'; did you mean 'xquad'"),
    (["--task", "xquad", "--data", "nowhere"], "no file or folder nowhere"),
    (["--task", "xquad", "--data", "{empty}"], "no questions in .*expected files such as xquad.zh.json"),
    (["--task", "xquad", "--data", "{data}", "--langs", "en,zz"], "no language named 'zz'"),
    (["--task", "xquad", "--data", "{broken}"], r"xquad.en.json, line 3: not JSON"),
    (["--task", "xquad", "--data", "{other}"], "question 1: no field 'context'; found text"),
    (["--task", "xquad", "--data", "{data}", "--scorers", "exakt"], "no scorer named 'exakt'; did you mean 'exact'"),
    (["--task", "xquad", "--data", "{data}", "--judge", "chrff"], "no judge named 'chrff'; did you mean 'chrf'"),
    (["--task", "xquad", "--data", "{data}", "--template", "alpca"], "no template named 'alpca'"),
    (["--task", "xquad", "--data", "{data}", "--prompts", "no.toml"], "no file no.toml with prompts"),
    (["--task", "xquad", "--data", "{data}", "--profile", "nowhere"], "no results in nowhere"),
    (["--task", "xquad", "--data", "{number}"], "question 1: 'context' is not a text but int"),
    (["--task", "xquad", "--data", "{data}", "--prompts", "{number}/own.toml"], r"\[en\] needs `instruction`"),
    (["--task", "flores", "--data", "nowhere"], "no corpus named 'nowhere'"),
    (["--task", "flores", "--data", "{empty}"], "no parallel text in"),
    (["--task", "translation", "--langs", "en"], "nothing to translate 'en' into"),
    (["--task", "phrasebook", "--langs", "de"], "no language named 'de'"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "line"), MISTAKES)
def test_mistakes_are_told_in_one_line(options, line, llama, questions, tmp_path, capsys):
    import re

    folders = {name: tmp_path / name for name in ("empty", "broken", "other", "number")}
    for folder in folders.values():
        folder.mkdir()
    (folders["broken"] / "xquad.en.json").write_text('{\n"data": [\n{"paragraphs": [}\n]}')
    squad_file(folders["number"] / "xquad.en.json", [("1", 5, "Who?", "Cats")])
    (folders["number"] / "own.toml").write_text("en = 3")
    (folders["other"] / "xquad.en.json").write_text('{"data": [{"text": "no paragraphs"}]}')
    filled = [option.format(data=questions, **folders) for option in options]
    assert main(["evaluate", str(llama), *filled, "--out", str(tmp_path / "out")]) == 1
    shown = capsys.readouterr().err.strip().splitlines()[-1]
    assert shown.startswith("repalign: ")
    assert re.search(line, shown), shown


def test_three_checkpoints_are_too_many(llama, capsys):
    with pytest.raises(SystemExit):
        main(["evaluate", *[str(llama)] * 3, "--task", "phrasebook"])
    assert "expected one or two checkpoints, got 3" in capsys.readouterr().err


def test_a_wording_of_ones_own(questions, tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('[en]\ninstruction = "Reply."\ninput = "{question} ({context})"\n')
    request = Request(str(questions), ["en"], prompts=path)
    item = TASKS["xquad"].read(request)[0]
    assert (item.instruction, item.input) == ("Reply.", "How many birds? (The dog sees 0 birds.)")
    path.write_text('[en]\ninstruction = "Reply."\ninput = "{question}"\n')
    with pytest.raises(RepalignError, match=r"\[en\] needs"):
        TASKS["xquad"].read(replace(request, languages=["en"]))


def test_evaluate_as_a_library_call_equals_the_command(llama, questions, tmp_path):
    out = tmp_path / "out"
    options = [
        "--data",
        str(questions),
        "--langs",
        "zh",
        "--limit",
        "3",
        "--new-tokens",
        "4",
        "--draws",
        "20",
    ]
    assert main(["evaluate", str(llama), "--task", "xquad", *options, "--out", str(out)]) == 0
    called = evaluate(
        str(llama), task="xquad", data=questions, languages="zh", limit=3, new_tokens=4, draws=20
    )
    saved = Evaluation.load(out)
    assert called.signatures == saved.signatures
    assert called.settings == saved.settings
    for name, table in saved.tables.items():
        pd.testing.assert_frame_equal(called.tables[name], table, check_dtype=False)


def test_evaluate_with_custom_items_and_judge(llama, save_model, tmp_path):
    items = [Item(str(n), "en", "Say", "x", ("y",)) for n in range(3)]
    other = Checkpoint.named(str(save_model(tmp_path / "other", seed=1)))

    def first_wins(item, first, second):
        return 1

    result = evaluate(
        [str(llama), other], "echo", items=items, scorers="exact", new_tokens=2, judge=first_wins,
        detect=False, draws=20, store=False,
    )  # fmt: skip
    assert result.title == "tiny-llama against other on echo"
    assert result.tables["wins"][["judge", "position_biased"]].values.tolist() == [["first_wins", 1.0]]
    without = evaluate(
        str(llama), "echo", items=items, scorers=["exact"], new_tokens=2, detect=False, draws=20
    )
    assert "wins" not in without.tables


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"task": "xquat"}, "no task named 'xquat'; did you mean 'xquad'"),
        ({"scorers": "exakt"}, "no scorer named 'exakt'; did you mean 'exact'"),
        ({"scorers": []}, "no scorers; give one or more"),
        ({"judge": "chrff"}, "no judge named 'chrff'; did you mean 'chrf'"),
        ({"template": "alpca"}, "no template named 'alpca'"),
        ({"task": "echo", "items": [Item("0", "en", "", "", ("y",))]}, "'echo' is not a registered task"),
        ({"task": "echo", "items": [Item("0", "en", "", "", ("y",))], "scorers": "f1"}, "new_tokens has no default"),
        ({"checkpoints": []}, "at least one checkpoint is needed"),
        ({"checkpoints": ["base", "base"]}, "two checkpoints have the same name"),
        ({"checkpoints": "m-lama"}, "no checkpoint named 'm-lama'"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_reported_before_a_model_is_loaded(change, line, monkeypatch):
    import repalign.evaluation.run as module

    monkeypatch.setattr(module, "answer", lambda *rest, **more: pytest.fail("a checkpoint was read"))
    monkeypatch.setattr("repalign.checkpoints.resolving.make", lambda *rest: None)
    arguments = {"checkpoints": "m-llama", "task": "phrasebook", "detect": False} | change
    with pytest.raises(RepalignError, match=line):
        evaluate(**arguments)


def test_languages_are_detected_only_where_there_are_some_to_choose_from(llama, caplog):
    """Without a choice, all answers would count as in another language."""
    caplog.set_level("INFO", logger="repalign")
    items = {
        lang: [Item("0", lang, "Say", "x", ("Maayong buntag kaninyong tanan.",))]
        for lang in ("eng_Latn", "ceb", "zho_Hans")
    }

    def tables(*languages):
        given = [item for lang in languages for item in items[lang]]
        return evaluate(str(llama), "echo", items=given, scorers="exact", new_tokens=2, draws=20).tables

    assert "answer_languages" not in tables("eng_Latn")
    assert "there is none but English to choose from" in caplog.text
    found = tables("eng_Latn", "ceb", "zho_Hans")
    assert set(found["answer_languages"]["asked"]) == {"eng_Latn", "zho_Hans"}
    assert found["answers"].set_index("language")["answered_in"].isna()["ceb"]
    assert "answers in ceb: lingua does not know the language" in caplog.text
