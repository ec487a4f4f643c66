"""Files of tasks, and the wording of their questions."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from evaluation.factories import squad_file
from parallel_text import made_text, without

from repalign.commands.main import main
from repalign.errors import RepalignError
from repalign.evaluation.items import Item, by_language
from repalign.evaluation.scores import measure
from repalign.evaluation.tasks import TASKS, TRANSLATION_REQUEST, Request
from repalign.results.evaluation import Evaluation

XQUAD = Path(__file__).parents[2].parent / "shared" / "data" / "xquad"


@pytest.fixture(scope="module")
def xquad() -> list[Item]:
    if not XQUAD.is_dir():
        pytest.skip("the shared data are not here")
    return TASKS["xquad"].read(Request(str(XQUAD)))


def test_xquad_from_the_shared_data(xquad, llama, tmp_path):
    assert len(xquad) == 10 * 1190
    assert len({item.id for item in xquad}) == 1190
    options = ["--langs", "en,ar,zh", "--limit", "2", "--new-tokens", "4", "--draws", "20", "--no-language"]
    out = tmp_path / "out"
    assert (
        main(["evaluate", str(llama), "--task", "xquad", "--data", str(XQUAD), *options, "--out", str(out)])
        == 0
    )
    answers = Evaluation.load(out).tables["answers"]
    assert answers.groupby("language")["item"].apply(tuple).nunique() == 1


def test_right_answers_score_in_full_on_xquad(xquad):
    items = by_language(item for item in xquad if item.language in ("ar", "el", "hi", "zh"))
    right = {language: [item.references[0] for item in own] for language, own in items.items()}
    for scorer in ("contains", "exact", "squad-exact"):
        assert {one.value for one in measure(scorer, items, right).values()} == {100}


def test_files_of_mlqa_and_of_the_hub(tmp_path):
    folder = tmp_path / "MLQA_V1"
    (folder / "test").mkdir(parents=True)
    squad_file(folder / "test" / "test-context-en-question-en.json", [("a", "Cats sleep.", "Who?", "Cats")])
    squad_file(folder / "test" / "test-context-en-question-zh.json", [("b", "Cats sleep.", "谁？", "Cats")])
    squad_file(folder / "test" / "dev-context-zh-question-zh.json", [("c", "猫睡觉。", "谁？", "猫")])
    (item,) = TASKS["mlqa"].read(Request(str(folder)))
    assert (item.id, item.language, item.references) == ("a", "en", ("Cats",))
    assert item.input.startswith("Passage: Cats sleep.\nQuestion: Who?")
    for shard in range(2):
        path = tmp_path / "hub" / "xquad.zh" / f"validation-{shard:05}-of-00002.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        row = {
            "id": f"z{shard}",
            "context": "猫睡觉。",
            "question": "谁？ {context}",
            "answers": {"text": ["猫 "], "answer_start": [0]},
        }
        pd.DataFrame([row]).to_parquet(path)
    items = TASKS["xquad"].read(Request(str(tmp_path / "hub")))
    assert [item.id for item in items] == ["z0", "z1"]
    assert items[0].references == ("猫",)
    assert items[0].input == "文章：猫睡觉。\n问题：谁？ {context}\n回答："


def test_files_of_flores(tmp_path):
    lines = {
        "eng_Latn": "The cat.\nA dog.",
        "zho_Hans": "猫。\n狗。",
        "zho_Hant": "貓。\n狗。",
        "arb_Arab": "قطة.\nكلب.",
    }
    (tmp_path / "devtest").mkdir()
    for code, text in lines.items():
        (tmp_path / "devtest" / f"{code}.devtest").write_text(text, encoding="utf-8")
    items = TASKS["flores"].read(Request(str(tmp_path)))
    assert {item.language for item in items} == {"arb_Arab", "zho_Hans", "zho_Hant"}
    found = TASKS["flores"].read(Request(str(tmp_path), ["zho_Hans", "zho_Hant"], limit=1))
    assert [item.references[0] for item in found] == ["猫。", "貓。"]
    assert found[0].instruction == "Translate the following sentence into Chinese."
    (back,) = TASKS["flores"].read(Request(str(tmp_path), ["en"], source="zh-CN", limit=1))
    assert (back.input, back.references) == ("猫。", ("The cat.",))


def test_evaluation_asks_as_training_first_does():
    from repalign_training.data.instructions import translation_request

    (item,) = TASKS["translation"].read(Request("everyday", ["zh"], limit=1))
    assert item.instruction == translation_request("en", "zh")
    assert TRANSLATION_REQUEST.format(target="Greek") == translation_request("en", "el")


def test_the_phrasebook_asks_the_same_in_every_language():
    items = TASKS["phrasebook"].read(Request(limit=5))
    ids = {lang: [item.id for item in items if item.language == lang] for lang in ("en", "zh", "tr")}
    assert ids["en"] == ids["zh"] == ids["tr"]
    assert {"who", "yes-no", "gap"} <= {item.kind for item in items}


def test_a_language_asked_for_needs_a_wording_also_on_the_hub(monkeypatch):
    row = {"id": "0", "context": "c", "question": "q", "answers": {"text": ["a"], "answer_start": [0]}}
    monkeypatch.setattr("repalign.evaluation.sources.hub_rows", lambda *rest: [row])
    assert "ro" not in {item.language for item in TASKS["xquad"].read(Request())}
    with pytest.raises(RepalignError, match="no prompt for language named 'ro'"):
        TASKS["xquad"].read(Request(languages=["en", "ro"]))


def test_translation_of_misaligned_text_is_noted_in_one_line(tmp_path):
    text = made_text(100, "en zh")
    for language, rows in {**text, "zh": without(text["zh"], 40)}.items():
        (tmp_path / f"{language}.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (note,) = TASKS["translation"].read(Request(str(tmp_path), ["zh"])).notes
    assert "misaligned: zh: rows" in note
    assert "\n" not in note
