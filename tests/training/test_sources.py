"""Sources: files of every kind, and one line for a broken one."""

from __future__ import annotations

import json

import pytest
from repalign_training.data import files
from repalign_training.data.instructions import translation_request
from repalign_training.data.items import Item

from repalign.errors import RepalignError


def test_files_of_every_kind_give_the_same_items(tmp_path):
    import pandas as pd

    rows = [{"en": "a cat", "zh": "一只猫"}, {"en": "a dog", "zh": "一只狗"}]
    pd.DataFrame(rows).to_parquet(tmp_path / "p.parquet")
    pd.DataFrame({"translation": rows}).to_parquet(tmp_path / "hub.parquet")
    (tmp_path / "p.tsv").write_text("en\tzh\n" + "\n".join(f"{row['en']}\t{row['zh']}" for row in rows))
    (tmp_path / "zh-en.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    for language in ("en", "zh"):
        (tmp_path / f"moses.{language}").write_text("\n".join(row[language] for row in rows) + "\n")
    paths = ["p.parquet", "hub.parquet", "p.tsv", "{pair}.jsonl", "moses.{language}"]
    expected = [(row["zh"], row["en"]) for row in rows]
    for path in paths:
        items = files.pairs(("zh", "en"), {"path": str(tmp_path / path)}, "train")
        assert [(item.input, item.output) for item in items] == expected
        assert items[0].instruction == "Translate the following sentence into English."


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [("a.jsonl", '{"instruction": "x", "output": "y"}\n{"instr', "line 2: not valid JSON"),
     ("a.jsonl", '{"instruction": "x"}', "line 1: no text under 'output'"),
     ("a.json", '{"instruction": "x"}', "one JSON list"), ("a.json", "[", "not valid JSON"),
     ("a.jsonl", "3", "line 1: expected an object"), ("a.json", '["x"]', "object 1: expected an object")],
)  # fmt: skip
def test_a_broken_file_is_named_with_its_line(tmp_path, name, text, complaint):
    (tmp_path / name).write_text(text)
    with pytest.raises(RepalignError, match=complaint):
        files.instructions(("en",), {"path": str(tmp_path / name)}, "train")


def test_sides_of_different_length_and_other_encodings_are_refused(tmp_path):
    (tmp_path / "m.en").write_text("a\nb\n")
    (tmp_path / "m.zh").write_text("一\n")
    with pytest.raises(RepalignError, match="en has 2 lines, zh 1"):
        files.pairs(("en", "zh"), {"path": str(tmp_path / "m.{language}")}, "train")
    (tmp_path / "a.json").write_bytes(b'[{"instruction": "x",\n"output": "\xff"}]')
    with pytest.raises(RepalignError, match="line 2: not UTF-8"):
        files.instructions(("en",), {"path": str(tmp_path / "a.json")}, "train")
    (tmp_path / "m.zh").write_bytes("一\n".encode() + b"\xff")
    with pytest.raises(RepalignError, match="line 2: not UTF-8"):
        files.pairs(("en", "zh"), {"path": str(tmp_path / "m.{language}")}, "train")
    with pytest.raises(RepalignError, match="no file"):
        files.text(("en",), {"path": str(tmp_path / "none.txt")}, "train")


def test_rows_without_text_are_left_out_and_the_request_is_in_the_language_asked_for(tmp_path):
    rows = [{"en": "a cat", "zh": "猫"}, {"en": " ", "zh": "狗"}, {"en": "a cow", "zh": ""}]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for ask, asked_in in (("source", "en"), ("target", "zh"), ("tr", "tr")):
        (item,) = files.pairs(("en", "zh"), {"path": str(tmp_path / "p.jsonl"), "ask": ask}, "train")
        assert (item.input, item.output) == ("a cat", "猫")
        assert item.instruction == translation_request("en", "zh", 0, asked_in)
    asked = [{"instruction": "Add", "input": "1 and 2", "output": "3"}, {"instruction": "Say", "output": "x"}]
    empty = [{"instruction": "Nothing", "output": " "}, {"instruction": "", "output": "x"}]
    (tmp_path / "a.json").write_text(json.dumps(asked + empty))
    items = files.instructions(("en",), {"path": str(tmp_path / "a.json")}, "train")
    assert items == [Item("Add", "1 and 2", "3", ("en",)), Item("Say", "", "x", ("en",))]


def test_pairs_by_way_of_a_third_language_and_repetition(tmp_path, monkeypatch):
    (tmp_path / "en-zh.tsv").write_text("en\tzh\na cat\t猫\na dog\t狗\na cow\t牛\n")
    (tmp_path / "en-el.tsv").write_text("en\tel\na cow\tαγελάδα\na cat\tγάτα\nan owl\tκουκουβάγια\n")
    monkeypatch.setenv("PAIRS", str(tmp_path))
    options = {"path": "$PAIRS/{pair}.tsv", "via": "en", "brief": True}
    joined = files.pairs(("zh", "el"), options, "train")
    assert [(item.input, item.output) for item in joined] == [("猫", "γάτα"), ("牛", "αγελάδα")]
    assert {item.instruction for item in joined} == {"Greek:"}
    assert [item.output for item in files.pairs(("zh", "en"), options, "train")] == [
        "a cat",
        "a dog",
        "a cow",
    ]
    again = files.repeat(("zh",), {"path": "$PAIRS/en-{language}.tsv"}, "train")
    assert [item.input for item in again] == [item.output for item in again] == ["猫", "狗", "牛"]
    (tmp_path / "zh.txt").write_text("猫\n\n狗\n")
    again = files.repeat(("zh",), {"path": "$PAIRS/{language}.txt", "brief": True}, "train")
    assert [(item.instruction, item.output) for item in again] == [("Chinese:", "猫"), ("Chinese:", "狗")]
    monkeypatch.delenv("PAIRS")
    with pytest.raises(RepalignError, match=r"no file \$PAIRS/zh-en.tsv; set .* \$VARIABLE"):
        files.pairs(("zh", "en"), options, "train")
