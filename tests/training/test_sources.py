"""Sources: files of every kind give items, and what is no text is refused in one line."""

from __future__ import annotations

import json

import pytest
from repalign_training.data import files
from repalign_training.data.instructions import translation_request
from repalign_training.data.sources import read_source

from repalign.errors import RepalignError


def read(kind, languages, split="train", **options):
    return read_source("some", languages, {"some": {"kind": kind, **options}}, split)


def test_rows_without_text_are_items_without_text_and_the_request_is_in_the_language_that_is_set(tmp_path):
    rows = [
        {"en": "a cat", "zh": "猫"},
        {"en": " ", "zh": "狗"},
        {"en": "a cow", "zh": None},
        {"en": "a dog"},
    ]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for ask, asked_in in (("source", "en"), ("target", "zh"), ("tr", "tr"), ("zho_Hans", "zh")):
        items = read("pairs", ("en", "zh"), path=str(tmp_path / "p.jsonl"), ask=ask)
        assert (items[0].input, items[0].output) == ("a cat", "猫")
        assert items[0].instruction == translation_request("en", "zh", 0, asked_in)
        assert [items.is_empty(item) for item in items] == [False, True, True, True]
        assert items.where(2).endswith("p.jsonl, line 3")


def test_repetition_is_from_a_column_or_from_lines_of_text(tmp_path, monkeypatch):
    (tmp_path / "en-zh.tsv").write_text("en\tzho_Hans\na cat\t猫\na dog\t狗\n")
    (tmp_path / "zh.txt").write_text("猫\n\n\u200b\n狗\n")
    monkeypatch.setenv("PAIRS", str(tmp_path))
    again = read("repeat", ("zh",), path="$PAIRS/en-{language}.tsv")
    assert [item.input for item in again] == [item.output for item in again] == ["猫", "狗"]
    again = read("repeat", ("zh",), path="$PAIRS/{language}.txt", brief=True)
    assert [(item.instruction, item.output) for item in again] == [("Chinese:", "猫"), ("Chinese:", "狗")]
    assert again.where(1).endswith("zh.txt, line 4")
    plain = read("text", ("zh",), path="$PAIRS/{language}.txt")
    assert [(item.instruction, item.input, item.output) for item in plain] == [("", "", "猫"), ("", "", "狗")]


TABLES = [
    ("a.csv", "en,zh\ncat,猫\n"),
    ("a.tsv", "en\tzh\n"),
    ("a.JSONL", '{"en": "x"}'),
    ("a.tmx", "<tmx/>"),
]
MARKUP = [("a.xml", "<p>x</p>"), ("a.txt", "\n<?xml version='1.0'?>\n<tmx>"), ("a.txt", "<!DOCTYPE html><p>x</p>"),
          ("a.en", '<tmx version="1.4">\n')]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [(kind, *file) for kind in ("text", "pairs", "repeat") for file in ([] if kind == "repeat" else TABLES) + MARKUP],
)  # fmt: skip
def test_tables_and_markup_are_not_learnt_as_text(tmp_path, kind, name, text):
    (tmp_path / name).write_text(text)
    for language in ("en", "zh"):
        (tmp_path / name.replace("a", language, 1)).write_text(text)
    languages = ("en", "zh") if kind == "pairs" else ("en",)
    with pytest.raises(RepalignError) as error:
        read(kind, languages, path=str(tmp_path / name.replace("a", "{language}", 1)))
    message = str(error.value)
    assert "\n" not in message
    assert name.replace("a", "en", 1) in message
    assert "expected plain text, one sentence per line" in message
    assert 'kind = "pairs"' in message


@pytest.mark.parametrize(
    ("kind", "name", "content", "complaint"),
    [("text", "a.txt", b"", "is empty"), ("text", "a.txt", b"a\n\xff\n", "line 2: not UTF-8"),
     ("text", "a.txt", b"a\rb\n", "line 1: a carriage return"), ("text", "a.txt", b"a\0b\n", "line 1: holds a NUL"),
     ("instructions", "a.txt", b"a\n", "expected a table"), ("instructions", "a.jsonl", b"\n", "has no rows"),
     ("instructions", "a.json.gz", b"no gzip", "cannot read"), ("instructions", "a.parquet", b"PAR1", "not a readable parquet"),
     ("pairs", "a.tsv", b"", "has no rows"), ("pairs", "a.tsv", b"en\tzh\n", "has no rows"),
     ("pairs", "a.tsv", b"en\tzh\na\tb\tc\n", "line 2: 3 columns"), ("pairs", "a.txt", b"a\tb\n", "expected a table"),
     ("pairs", "a.tsv", b"en\ten\na\tb\n", "two columns are named 'en'"), ("pairs", "a.tsv", b"en\tfr\na\tb\n", "no language named 'zh'"),
     ("pairs", "a.tsv", b"en\tzh\r\na\rb\tc\r\n", "line 2: a carriage return"),
     ("pairs", "a.jsonl", b'{"en": 3, "zh": "x"}', "line 1: 'en' should be text, got 3"),
     ("pairs", "a.jsonl", b'{"en": "\\ud83d", "zh": "x"}', "half of a surrogate pair"),
     ("pairs", "a.tmx", b"<tmx", "is not TMX"), ("repeat", "a.csv", b"fr,de\na,b\n", "no language named 'en'")],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_one_line_that_names_the_file(
    tmp_path, kind, name, content, complaint
):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RepalignError, match=complaint) as error:
        list(read(kind, ("en", "zh") if kind == "pairs" else ("en",), path=str(tmp_path / name)))
    assert "\n" not in str(error.value)
    assert str(tmp_path / name) in str(error.value)


def test_a_source_takes_the_number_of_languages_of_its_kind(tmp_path):
    with pytest.raises(
        RepalignError, match=r"takes 1 language\(s\), not 'zh-cn'; .* in braces, e.g. \{pt-br\}"
    ):
        read("text", ("zh", "cn"), path="x")
    with pytest.raises(RepalignError, match="needs a path"):
        read("text", ("en",))
    with pytest.raises(RepalignError, match="needs a path"):
        read("pairs", ("en", "zh"))


@pytest.mark.parametrize("kind", ["text", "tasks", "translation", "phrases", "switched"])
def test_the_phrasebook_knows_its_languages_by_any_code(kind):
    pair = kind in ("phrases", "translation")
    asked, meant = (("eng_Latn", "zh-CN"), ("en", "zh")) if pair else (("zho_Hans",), ("zh",))
    found, expected = read(f"phrasebook-{kind}", asked), read(f"phrasebook-{kind}", meant)
    assert [found[index] for index in range(20)] == [expected[index] for index in range(20)]
    assert found[0].languages == expected[0].languages
    with pytest.raises(RepalignError, match="'sw'"):
        read(f"phrasebook-{kind}", ("en", "sw")[-len(asked) :])


def test_all_readers_of_files_make_items_whose_place_is_known(tmp_path):
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    items = files.text(("en",), {"path": str(tmp_path / "a.txt")}, "train")
    assert items.example(items[1]) == f"{tmp_path / 'a.txt'}, line 2: 'two'"
