"""Files of questions in every published shape; what is left out or counted once is noted, and doubt is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from evaluation.factories import json_lines, squad_file

from repalign.errors import RepalignError
from repalign.evaluation.items import Items
from repalign.evaluation.labels import in_path
from repalign.evaluation.tasks import TASKS, Request

ENGLISH = [("a", "Cats sleep.", "Who sleeps?", "Cats"), ("b", "Dogs run.", "Who runs?", "Dogs")]
CHINESE = [("a", "猫睡觉。", "谁睡觉？", "猫"), ("b", "狗跑。", "谁跑？", "狗")]


def read(task: str, data: Path, languages: list[str] | None = None, **more: object) -> Items:
    return TASKS[task].read(Request(str(data), languages, **more))


def refused(line: str, task: str, data: Path, languages: list[str] | None = None) -> None:
    with pytest.raises(RepalignError, match=line) as caught:
        read(task, data, languages)
    assert "\n" not in str(caught.value)


def write(path: Path, rows: list[tuple[str, str, str, str]]) -> Path:
    """In SQuAD's JSON, or as the hub's rows in JSONL or parquet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        return squad_file(path, rows)
    flat = [
        {
            "id": key,
            "context": context,
            "question": question,
            "answers": {"text": [answer], "answer_start": [0]},
        }
        for key, context, question, answer in rows
    ]
    if path.suffix == ".jsonl":
        return json_lines(path, flat)
    pd.DataFrame(flat).to_parquet(path)
    return path


SHAPES = [
    ("xquad", "xquad.{}.json", "en", "zh"),
    ("xquad", "xquad/xquad.{}.json", "en", "zh"),  # XTREME
    ("xquad", "xquad.{}.json", "eng_Latn", "zho_Hans"),
    ("xquad", "xquad.{}/validation-00000-of-00001.parquet", "en", "zh"),
    ("xquad", "xquad.{}.parquet", "en", "zh"),
    ("mlqa", "MLQA_V1/test/test-context-{0}-question-{0}.json", "en", "zh"),
    ("mlqa", "MLQA_V1/dev/dev-context-{0}-question-{0}.json", "en", "zh"),
    ("xquad", "XQuAD.{}/validation-00000-of-00001.parquet", "en", "zh"),  # XTREME on the hub
    ("xquad", "xquad.{}/validation/0000.parquet", "en", "zh"),  # the hub's own conversion
    ("mlqa", "mlqa.{0}.{0}/test-00000-of-00001.parquet", "en", "zh"),
    ("mlqa", "mlqa.{0}.{0}/validation-00000-of-00001.parquet", "en", "zh"),
    ("squad", "tydiqa-goldp-v1.1-dev/tydiqa.goldp.{}.dev.json", "en", "zh"),  # XTREME
    ("squad", "tydiqa-goldp-v1.1-dev/tydiqa-goldp-dev-{}.json", "english", "chinese"),
    ("squad", "{}.json", "en", "zh"),  # XQuAD-R
    ("squad", "{}.jsonl", "eng_Latn", "zho_Hans"),
    ("squad", "data/squad_{}.json", "en", "zh-CN"),
    ("squad", "{}/questions.parquet", "en", "zh"),
]


@pytest.mark.parametrize(("task", "name", "english", "chinese"), SHAPES)
def test_every_published_shape_is_read(task, name, english, chinese, tmp_path):
    write(tmp_path / name.format(english), ENGLISH)
    write(tmp_path / name.format(chinese), CHINESE)
    items = read(task, tmp_path, ["en", "cmn"])
    assert [(item.id, item.language, item.references) for item in items] == [
        ("a", "en", ("Cats",)), ("b", "en", ("Dogs",)), ("a", "cmn", ("猫",)), ("b", "cmn", ("狗",))
    ]  # fmt: skip
    assert items[2].input == "文章：猫睡觉。\n问题：谁睡觉？\n回答："
    assert len(read(task, tmp_path)) == 4
    assert items.notes == []


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("test/test-context-ar-question-de.json", "ar.de"),
        ("mlqa.ar.de/test-00000-of-00001.parquet", "ar.de"),
        ("xquad.pt-BR.json", "pt-BR"),
        ("belebele_zho_Hant.jsonl", "zho_Hant"),
        ("zho_Hant/test-00000-of-00001.parquet", "zho_Hant"),
        ("my-data/all.jsonl", None),
        ("secondary_task/validation-00000-of-00001.parquet", None),
        ("dev-v1.1.json", None),
    ],
)
def test_the_language_in_a_path(path, label):
    assert in_path(path) == label


def test_one_file_with_a_column_of_languages(tmp_path):
    rows = [
        {"id": key, "context": context, "question": question, "answers": [answer], "language": language}
        for language, some in (("English", ENGLISH), ("zho_Hans", CHINESE))
        for key, context, question, answer in some
    ]
    file = json_lines(tmp_path / "all.jsonl", rows)
    for data in (tmp_path, file):
        assert [(item.language, item.id) for item in read("squad", data, ["zh", "en"])] == [
            ("zh", "a"), ("zh", "b"), ("en", "a"), ("en", "b")
        ]  # fmt: skip


def test_one_file_of_tydi_with_the_language_in_every_id(tmp_path):
    english = [(f"english-{key}", *rest) for key, *rest in ENGLISH]
    arabic = [("arabic-1", "القط نائم.", "من النائم؟", "القط")]
    squad_file(tmp_path / "tydiqa-goldp-v1.1-dev.json", [*english, *arabic])
    squad_file(tmp_path / "tydiqa-goldp-v1.1-train.json", english)
    items = read("squad", tmp_path)
    assert [item.language for item in items] == ["en", "en", "ar"]
    assert items.notes == ["read: dev; left out: train; to read another, give its folder or file to --data"]
    squad_file(tmp_path / "tydiqa-goldp-v1.1-dev.json", ENGLISH)
    refused("in which language\\? Name it in the file's name, such as squad.zh.json", "squad", tmp_path)
    refused("in which language", "squad", tmp_path, ["en", "zh"])
    assert {item.label for item in read("squad", tmp_path, ["en"])} == {"en"}


def test_passages_and_questions_in_two_languages_are_kept_apart(tmp_path):
    for context in ("en", "zh", "de"):
        for question in ("en", "zh"):
            rows = [(key, f"passage in {context}", f"question in {question}", context) for key in ("a", "b")]
            write(tmp_path / "test" / f"test-context-{context}-question-{question}.json", rows)
    plain = read("mlqa", tmp_path)
    assert {item.label for item in plain} == {"en", "zh"}
    assert plain.notes == [
        "left out: 4 pairs of a passage and a question in different languages; name them in --langs, such as de.en"
    ]
    items = read("mlqa", tmp_path, ["zh", "zho_Hans.eng_Latn", "de.zh", "en.en"])
    assert list(dict.fromkeys((item.label, item.language, item.asked_in, item.references[0]) for item in items)) == [
        ("zh", "zh", "", "zh"), ("zho_Hans.eng_Latn", "zho_Hans", "eng_Latn", "zh"), ("de.zh", "de", "zh", "de"),
        ("en", "en", "", "en"),
    ]  # fmt: skip
    assert items[2].input == "Passage: passage in zh\nQuestion: question in en\nAnswer:"
    refused("no language named 'de'; .*known: en, zh", "mlqa", tmp_path, ["zh.de"])
    (tmp_path / "test" / "test-context-de-question-zh.json").unlink()
    refused("no passages and questions named 'de.zh'.*known: de.en", "mlqa", tmp_path, ["de.zh"])
    refused("a language is named twice", "mlqa", tmp_path, ["zh", "zh.zh"])


def test_pairs_where_there_are_none_are_refused(tmp_path):
    write(tmp_path / "xquad.en.json", ENGLISH)
    refused("no passages and questions named 'en.zh'.*known: en", "xquad", tmp_path, ["en.zh"])


def test_the_same_questions_found_twice_are_counted_once_and_noted(tmp_path):
    write(tmp_path / "xquad.en.json", ENGLISH)
    write(tmp_path / "old" / "xquad.en.json", ENGLISH)
    write(tmp_path / "xquad.en" / "validation-00000-of-00001.parquet", ENGLISH)
    items = read("xquad", tmp_path)
    assert [item.id for item in items] == ["a", "b"]
    assert len(items.notes) == 2
    assert all("hold the same questions, which are counted once" in note for note in items.notes)


@pytest.mark.parametrize("other", ["old/xquad.en.json", "xquad.en/validation.parquet", "xquad.eng_Latn.json"])
def test_different_questions_of_one_language_are_refused_with_both_names(other, tmp_path):
    write(tmp_path / "xquad.en.json", ENGLISH)
    write(tmp_path / other, ENGLISH[:1])
    refused(
        "en.* is in .*xquad.en.* and in .*xquad.en.* with different questions; keep one", "xquad", tmp_path
    )


def test_shards_of_one_table_are_read_together(tmp_path):
    for shard, row in enumerate(ENGLISH):
        write(tmp_path / "xquad.en" / f"validation-{shard:05}-of-00002.parquet", [row])
    assert [item.id for item in read("xquad", tmp_path)] == ["a", "b"]


def test_shards_of_the_hubs_own_conversion_are_read_together(tmp_path):
    for shard, row in enumerate(ENGLISH):
        write(tmp_path / "xquad.en" / "validation" / f"{shard:04}.parquet", [row])
    assert [item.id for item in read("xquad", tmp_path)] == ["a", "b"]


def test_repeated_ids_are_counted_once_or_refused(tmp_path):
    write(tmp_path / "xquad.en.json", [*ENGLISH, ENGLISH[0]])
    items = read("xquad", tmp_path)
    assert [item.id for item in items] == ["a", "b"]
    assert items.notes == ["en: 1 questions are there more than once and counted once"]
    write(tmp_path / "xquad.en.json", [*ENGLISH, ("a", "Birds sing.", "Who sings?", "Birds")])
    refused("different questions have the id 'a'; give each an id of its own", "xquad", tmp_path)


def test_questions_without_an_id_are_paired_by_their_place(tmp_path):
    for language in ("en", "zh"):
        rows = [{"context": "c", "question": f"{language} {n}", "answers": ["a"]} for n in range(3)]
        json_lines(tmp_path / f"{language}.jsonl", rows)
    items = read("squad", tmp_path)
    assert [item.id for item in items] == ["1", "2", "3"] * 2
    note = "3 questions have no id and are paired with those of other languages by their place"
    assert items.notes == [f"en: {note}", f"zh: {note}"]


def test_questions_without_an_answer_are_left_out_and_counted(tmp_path):
    questions = [
        {
            "id": "a",
            "question": "Who?",
            "answers": [{"text": "Cats", "answer_start": 0}],
            "is_impossible": False,
        },
        {"id": "b", "question": "When?", "answers": [], "is_impossible": True},
        {"id": "c", "question": "Where?", "answers": [{"text": " ", "answer_start": 0}]},
        {"id": "d", "question": "Why?", "answers": {"text": ["Because", "So"], "answer_start": [1, 2]}},
    ]
    data = {"version": "v2.0", "data": [{"paragraphs": [{"context": "Cats sleep.", "qas": questions}]}]}
    file = tmp_path / "squad.en.json"
    file.write_text(json.dumps(data), encoding="utf-8-sig")
    items = read("squad", file)
    assert [(item.id, item.references) for item in items] == [("a", ("Cats",)), ("d", ("Because", "So"))]
    assert items.notes == ["en: 2 questions without an answer are left out"]
    data["data"][0]["paragraphs"][0]["qas"] = questions[1:2]
    file.write_text(json.dumps(data))
    refused("squad.en.json has no question with an answer", "squad", file)


def test_a_language_without_a_wording_is_noted_with_a_way_to_add_it(tmp_path):
    write(tmp_path / "xquad.en.json", ENGLISH)
    write(tmp_path / "xquad.ro.json", ENGLISH)
    write(tmp_path / "xquad.th.json", ENGLISH)
    items = read("xquad", tmp_path)
    assert {item.language for item in items} == {"en"}
    assert items.notes == [
        "left out: ro, th, without a wording of the prompt; add it by --prompts FILE.toml, with a section [ro] of "
        "instruction and input"
    ]
    refused("no prompt for language named 'th'", "xquad", tmp_path, ["en", "th"])
    own = tmp_path / "own.toml"
    own.write_text('[ron]\ninstruction = "Răspunde."\ninput = "{context} {question}"\n', encoding="utf-8")
    assert len(read("xquad", tmp_path, ["ro"], prompts=own)) == 2


WRONG = [
    ({"data": 3}, "should hold a JSON list of objects, or an object with one under 'data'"),
    ({"data": ["text"]}, "object 1: expected an object with named fields, got 'text'"),
    ({"data": [{"paragraphs": [{"qas": [{"id": "1"}]}]}]}, "a paragraph lacks 'qas' or 'context'"),
    ({"data": [{"paragraphs": 3}]}, "a paragraph lacks 'qas' or 'context'"),
    ([{"id": "1", "context": "c", "question": "q"}], "question 1: no field 'answers'"),
    ([{"id": "1", "context": "c", "question": "q", "answers": 3}], "question 1: an answer is not a text"),
    (
        [{"id": "1", "context": "c", "question": "q", "answers": [{"text": 3}]}],
        "question 1: an answer is not a text",
    ),
    ([{"id": "1", "context": "\ud83d", "question": "q", "answers": ["a"]}], "half of a surrogate pair"),
    ([{"id": "1", "context": "c", "question": "q", "answers": ["\ud83d"]}], "half of a surrogate pair"),
    (
        [{"id": "1", "context": "c", "question": "q", "answers": ["a"], "language": "de"}],
        "the row is in 'de', but",
    ),
]


@pytest.mark.parametrize(("content", "line"), WRONG)
def test_a_damaged_file_is_refused_in_one_line(content, line, tmp_path):
    file = tmp_path / "squad.en.json"
    file.write_text(json.dumps(content))
    refused(f"squad.en.json.*{line}", "squad", file)


def test_a_path_that_does_not_exist_is_not_sought_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.setattr("repalign.evaluation.sources.hub_rows", lambda *rest: pytest.fail("asked the hub"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    refused(
        "no file or folder data/xquad; --data takes a folder with files such as xquad.zh.json",
        "xquad",
        Path("data/xquad"),
    )


def test_lines_named_json_and_bytes_that_are_no_text(tmp_path):
    (tmp_path / "en.json").write_text('{"id": "1"}\n{"id": "2"}\n')
    refused("question 1: no field 'context'; found id", "squad", tmp_path)  # they are read as lines
    (tmp_path / "en.json").write_bytes(b"\xff")
    refused("en.json, line 1: not UTF-8 \\(byte 1 is 0xff\\)", "squad", tmp_path)


def test_hub_configurations_of_pairs_and_unknown_data(monkeypatch):
    asked = []

    def rows(repo, config, split, *rest):
        asked.append((repo, config, split))
        return [{"id": "0", "context": "c", "question": "q", "answers": {"text": ["a"], "answer_start": [0]}}]

    monkeypatch.setattr("repalign.evaluation.sources.hub_rows", rows)
    items = TASKS["mlqa"].read(Request(languages=["eng_Latn", "zh.en"]))
    assert asked == [("facebook/mlqa", "mlqa.en.en", "test"), ("facebook/mlqa", "mlqa.zh.en", "test")]
    assert [item.label for item in items] == ["eng_Latn", "zh.en"]
    with pytest.raises(
        RepalignError, match=r"no --data; --data takes a folder with files such as squad.zh.json"
    ):
        TASKS["squad"].read(Request())


def test_questions_are_read_from_an_archive_as_downloaded(tmp_path):
    for language, rows in (("en", ENGLISH), ("zh", CHINESE)):
        write(tmp_path / "MLQA_V1" / "test" / f"test-context-{language}-question-{language}.json", rows)
    shutil.make_archive(str(tmp_path / "MLQA_V1"), "zip", tmp_path, "MLQA_V1")
    assert [item.language for item in read("mlqa", tmp_path / "MLQA_V1.zip")] == ["en", "en", "zh", "zh"]


def test_a_missing_shard_is_refused(tmp_path):
    write(tmp_path / "xquad.en" / "validation-00000-of-00002.parquet", ENGLISH)
    refused("1 of 2 shards", "xquad", tmp_path)
