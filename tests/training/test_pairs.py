"""Sentence pairs: the same from every format, complete, and never shifted."""

from __future__ import annotations

import gzip
import json
import logging

import pandas as pd
import pytest
from repalign_training.data.mixture import Term, draw
from repalign_training.data.pairs import sentence_pairs
from repalign_training.data.sources import read_source

from repalign.errors import RepalignError

ROWS = [
    {"eng_Latn": 'She said "hello".', "zho_Hans": "她说“你好”。"},
    {"eng_Latn": "One, two", "zho_Hans": "一，二"},
    {"eng_Latn": "a dog", "zho_Hans": "一只狗"},
]
TMX = '<tmx version="1.4"><body>{}</body></tmx>'
UNIT = '<tu><tuv xml:lang="en-US"><seg>{eng_Latn}</seg></tuv><tuv xml:lang="zh-CN"><seg>{zho_Hans}</seg></tuv></tu>'


def write_all(folder):
    """The same pairs in every format; returns the `path` and other options of each."""
    frame = pd.DataFrame(ROWS)
    frame.to_parquet(folder / "p.parquet")
    frame.to_csv(folder / "p.csv", index=False)
    frame.to_csv(folder / "semicolons.csv", index=False, sep=";")
    frame.to_csv(folder / "quoted.tsv", index=False, sep="\t")
    frame.to_json(folder / "p.json", orient="records")
    pd.DataFrame({"id": [1, 2, 3], "translation": ROWS}).to_parquet(folder / "hub.parquet")
    lines = [f"{row['eng_Latn']}\t{row['zho_Hans']}" for row in ROWS]
    (folder / "p.tsv").write_text("\n".join(["eng_Latn\tzho_Hans", *lines]))
    (folder / "tatoeba.txt").write_text("\n".join(f"{line}\tCC-BY" for line in lines) + "\n")
    (folder / "p.tmx").write_text(TMX.format("".join(UNIT.format(**row) for row in ROWS)))
    with gzip.open(folder / "zho_Hans-eng_Latn.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in ROWS)
    for code, column in (("en", "eng_Latn"), ("zh", "zho_Hans")):
        text = "\r\n".join(row[column] for row in ROWS) + "\r\n"
        (folder / f"moses.{code}").write_text(text, newline="")
        with gzip.open(folder / f"{column}.gz", "wt") as file:
            file.write(text)
    names = ["p.parquet", "p.csv", "semicolons.csv", "quoted.tsv", "p.json", "hub.parquet", "p.tsv", "p.tmx"]
    names += ["{pair}.jsonl.gz", "{target}-{source}.jsonl.gz", "moses.{language}", "{language}.gz"]
    options = [{"path": str(folder / name)} for name in names]
    return [*options, {"path": str(folder / "tatoeba.txt"), "columns": "en, zh, licence"}]


@pytest.mark.parametrize(
    "codes", [("en", "zh"), ("eng", "cmn"), ("eng_Latn", "zho_Hans"), ("en-US", "zh-CN")]
)
def test_every_format_gives_the_same_pairs_whatever_the_codes(tmp_path, codes):
    for options in write_all(tmp_path):
        (sources, targets), where = sentence_pairs(options, *codes)
        assert sources == [row["eng_Latn"] for row in ROWS], options
        assert targets == [row["zho_Hans"] for row in ROWS], options
        assert str(tmp_path) in where(2), options


def test_two_columns_of_one_language_are_not_mixed_up(tmp_path):
    (tmp_path / "p.tsv").write_text("en\tzho_Hans\tzho_Hant\na cat\t猫\t貓\n")
    options = {"path": str(tmp_path / "p.tsv")}
    assert sentence_pairs(options, "en", "zh_TW").texts[1] == ["貓"]
    with pytest.raises(RepalignError, match="'zh' may be any of zho_Hans, zho_Hant"):
        sentence_pairs(options, "en", "zh")


def test_rows_of_json_may_lack_a_language_that_others_have(tmp_path):
    rows = [{"zh": "猫"}, {"en": "a dog", "zh": "狗"}, {"en": "a cow"}]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (sources, targets), _ = sentence_pairs({"path": str(tmp_path / "p.jsonl")}, "en", "zh")
    assert (sources, targets) == (["", "a dog", "a cow"], ["猫", "狗", ""])


def moses(folder, english: str, chinese: str):
    (folder / "m.en").write_text(english, newline="")
    (folder / "m.zh").write_text(chinese, newline="")
    return {"path": str(folder / "m.{language}")}


def test_empty_lines_of_moses_files_stay_in_their_rows_and_are_counted_where_they_are_drawn(tmp_path):
    options = moses(tmp_path, "a\n\nc\nd\u2028e\n\n", "一\n二\n\n四\n\n")
    items = read_source("m", ("en", "zh"), {"m": {"kind": "pairs", **options}})
    assert [(item.input, item.output) for item in items] == [
        ("a", "一"), ("", "二"), ("c", ""), ("d\u2028e", "四"), ("", "")]  # fmt: skip
    part = draw(Term("m", ("en", "zh")), items, 5, 0)
    assert (part.read, len(part.items), part.dropped.counts) == (5, 2, {"empty": 3})
    assert part.dropped.examples["empty"].startswith(f"{tmp_path / 'm.en'}, line 2: ")


@pytest.mark.parametrize("english", ["a\nb\n\n", "a\nb\n \n\u200b\n", "a\nb\n\n\n\n", "a\nb\n\r\n"])
def test_surplus_empty_lines_at_the_end_of_a_file_are_left_out_and_logged(tmp_path, caplog, english):
    caplog.set_level(logging.INFO, logger="repalign.training")
    (sources, targets), _ = sentence_pairs(moses(tmp_path, english, "一\n二\n"), "en", "zh")
    assert (sources, targets) == (["a", "b"], ["一", "二"])
    assert f"m.en: {english.count(chr(10)) - 2} empty line(s) at its end are left out" in caplog.text


@pytest.mark.parametrize(
    ("english", "chinese", "counts"),
    [("a\nb\n", "一\n", r"en has 2 lines \(0 empty\), zh has 1 lines \(0 empty\)"),
     ("a\n\nb\n", "一\n二\n", r"en has 3 lines \(1 empty\), zh has 2 lines"),
     ("a\nb\n\n\n", "\n\n一\n二\n三\n", r"en has 4 lines \(2 empty\), zh has 5 lines \(2 empty\)")],
)  # fmt: skip
def test_sides_of_different_length_are_refused_with_the_counts_of_wc(tmp_path, english, chinese, counts):
    with pytest.raises(RepalignError, match=counts):
        sentence_pairs(moses(tmp_path, english, chinese), "en", "zh")


def test_all_pairs_by_way_of_a_third_language_are_kept_and_the_rest_is_counted(tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="repalign.training")
    (tmp_path / "en-zh.tsv").write_text("en\tzh\na cat\t猫\na dog\t狗\na cat\t猫咪\n\t空\nan ox\t牛\n")
    (tmp_path / "en-el.tsv").write_text(
        "en\tel\na cat\tγάτα\na cat\tγατούλα\na cat\tγάτα\n\tκενό\na dog\tσκύλος\n"
    )
    options = {"path": str(tmp_path / "{pair}.tsv"), "via": "eng_Latn"}
    (sources, targets), where = sentence_pairs(options, "zh", "ell")
    assert list(zip(sources, targets, strict=True)) == [
        ("猫", "γάτα"), ("猫", "γατούλα"), ("狗", "σκύλος"), ("猫咪", "γάτα"), ("猫咪", "γατούλα")]  # fmt: skip
    assert where(4) == f"{tmp_path / 'en-zh.tsv'}, line 4"
    assert "zh-ell by way of eng_Latn: 2 of 5 rows are left out" in caplog.text
    assert sentence_pairs(options, "zh", "en").texts[1][:2] == ["a cat", "a dog"], (
        "no detour for a language of the pair"
    )
    (tmp_path / "en-el.tsv").write_text("en\tel\nan owl\tκουκουβάγια\n")
    with pytest.raises(RepalignError, match="no eng_Latn text is translated into both"):
        sentence_pairs(options, "zh", "el")


def test_names_of_columns_must_fit_a_table_without_a_header(tmp_path):
    (tmp_path / "cmn.txt").write_text("a cat\t猫\tCC-BY\n")
    with pytest.raises(RepalignError, match="line 1: 3 columns, the header has 2"):
        sentence_pairs({"path": str(tmp_path / "cmn.txt"), "columns": "en,zh"}, "en", "zh")
    with pytest.raises(RepalignError, match="columns names their languages"):
        sentence_pairs({"path": str(tmp_path / "cmn.txt")}, "en", "zh")
