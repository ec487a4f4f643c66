"""Tables: what becomes of quotes, ragged rows, headers and odd characters."""

from __future__ import annotations

import gzip
import json
import logging

import pandas as pd
import pytest

from repalign.corpora.tables import read_rows
from repalign.corpora.text_files import files_in, text_file
from repalign.errors import RepalignError

ROWS = [
    {"en": 'She said "hello".', "zh": "她说“你好”。"},
    {"en": '"Stop!"', "zh": '"停！"'},
    {"en": "One, two; three", "zh": "一，二"},
    {"en": "A tab\tin it", "zh": "制表符"},
    {"en": "Two\nlines", "zh": "两行"},
    {"en": " spaced", "zh": "空"},
]


def rows_of(path):
    return [row for _, row in read_rows(text_file(path))]


def refused(path, *parts):
    with pytest.raises(RepalignError) as error:
        rows_of(path)
    message = str(error.value)
    assert path.name in message
    assert "\n" not in message
    for part in parts:
        assert part in message, message


@pytest.mark.parametrize("quoting", [0, 1, 2])
@pytest.mark.parametrize(
    ("name", "separator"), [("a.csv", ","), ("b.csv", ";"), ("c.csv", "\t"), ("d.tsv", "\t")]
)
def test_what_pandas_writes_is_read_back(tmp_path, name, separator, quoting, caplog):
    path = tmp_path / name
    pd.DataFrame(ROWS).to_csv(path, sep=separator, index=False, quoting=quoting)
    with caplog.at_level(logging.INFO, "repalign"):
        assert rows_of(path) == ROWS
    assert ("quotes are removed" in caplog.text) == name.endswith(".tsv")


def test_quotes_of_a_tsv_are_text_unless_the_whole_file_is_quoted(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text('en\tzh\n"Stop!" he said\t停\n"Go!"\t"去！"\nunbalanced "\t不\n')
    assert [row["en"] for row in rows_of(path)] == ['"Stop!" he said', '"Go!"', 'unbalanced "']
    path.write_text('en\tzh\n"Stop!"\t停\n"Go!"\t去\n')
    assert [row["en"] for row in rows_of(path)] == ['"Stop!"', '"Go!"'], "nothing shows that these are CSV's"
    path.write_text('en\tzh\n"He said ""go""."\t停\n')
    assert rows_of(path) == [{"en": 'He said "go".', "zh": "停"}]


def test_every_format_gives_the_same_rows(tmp_path):
    frame = pd.DataFrame(ROWS)
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_json(tmp_path / "b.json", orient="records", force_ascii=False)
    frame.to_json(tmp_path / "c.jsonl", orient="records", lines=True)
    frame.to_json(tmp_path / "d.json", orient="records", lines=True)  # JSON lines under the name of JSON
    (tmp_path / "e.json").write_text(json.dumps({"data": ROWS}), encoding="utf-8-sig")
    frame.to_csv(tmp_path / "f.csv.gz", index=False)
    with gzip.open(tmp_path / "g.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\r\n\n" for row in ROWS)
    for file in files_in(tmp_path):
        assert [row for _, row in read_rows(file)] == ROWS, file.name


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("en\tzh\na\n", ["line 2", "1 columns", "has 2"]),
        ("en\tzh\na\tb\tc\n", ["line 2", "3 columns", "tab"]),
        ("en\tzh\na\tb\n\tonly\tx\n", ["line 3", "3 columns"]),
        ("en\ten\na\tb\n", ["'en'", "two columns"]),
        ('en\tzh\n"a\nb"\t"c" d\n', ["line 2", "next line"]),
        ("en\tzh\na\0\tb\n", ["line 2", "NUL"]),
        ("en\tzh\na\rb\tc\n", ["line 2", "carriage return"]),
    ],
)
def test_a_ragged_or_damaged_tsv_is_refused_by_its_line(tmp_path, text, parts):
    path = tmp_path / "a.tsv"
    path.write_bytes(text.encode())
    refused(path, *parts)


def test_empty_cells_and_blank_lines_move_nothing(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("en\tzh\tnote\na\t甲\t\n\n\t乙\tx\n")
    assert rows_of(path) == [{"en": "a", "zh": "甲", "note": ""}, {"en": "", "zh": "乙", "note": "x"}]


@pytest.mark.parametrize(
    ("name", "text", "parts"),
    [
        ("a.jsonl", '{"en": "a"}\n{"en": \n', ["line 2", "not JSON"]),
        ("a.jsonl", '{"en": "a", "en": "b"}\n', ["line 1", "'en' occurs twice"]),
        ("a.jsonl", '{"en": "\\ud83d"}\n', ["line 1", "surrogate"]),
        ("a.jsonl", "[" * 100_000, ["line 1", "not JSON"]),
        ("a.jsonl", "[1]\n", ["line 1", "object"]),
        ("a.json", '{"rows": []}', ["list of objects", "under 'data'"]),
        ("a.json", "[1]", ["object 1"]),
        ("a.csv", 'en,zh\n"a,b\n', ["quote is not closed"]),
        ("a.csv", 'en,zh\n"a" b,c\n', ["line 2", "quote"]),
        ("a.parquet", "no parquet", ["parquet"]),
        ("a.xml", "<tmx/>", [".tsv", ".parquet"]),
        ("a.tsv.gz", "not gzip", ["cannot read"]),
    ],
)
def test_other_tables_are_refused_by_their_place(tmp_path, name, text, parts):
    path = tmp_path / name
    path.write_text(text)
    refused(path, *parts)


def test_a_cell_may_be_longer_than_the_csv_module_expects(tmp_path):
    for name in ("a.tsv", "a.csv"):
        (tmp_path / name).write_text(
            f"en{',' if name.endswith('csv') else chr(9)}zh\n{'a' * 200_000}{',' if name.endswith('csv') else chr(9)}b\n"
        )
        assert len(rows_of(tmp_path / name)[0]["en"]) == 200_000
