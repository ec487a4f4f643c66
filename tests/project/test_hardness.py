"""Damaged and hostile input of every kind ends in one line, as found by attacks; the readers' own tests are beside them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from repalign_training.recipe import load_recipe

from repalign.checkpoints import Card, Checkpoint, default_corpus
from repalign.corpora import EMBEDDED, ParallelCorpus, as_corpus
from repalign.corpora.columns import from_rows
from repalign.errors import RepalignError
from repalign.evaluation.tasks import TASKS, Request
from repalign.scaling.runs import read_runs


def refused(call, *args, say: str) -> None:
    with pytest.raises(RepalignError) as caught:
        call(*args)
    assert "\n" not in str(caught.value)
    assert say in str(caught.value), str(caught.value)


def test_texts_that_no_reader_can_use(tmp_path):
    (tmp_path / "mac.tsv").write_bytes(b"en\tzh\na\rb\tc\n")
    refused(as_corpus, str(tmp_path / "mac.tsv"), say="mac.tsv, line 2: a carriage return")
    (tmp_path / "half.jsonl").write_text('{"en": "\\ud800", "zh": "x"}\n')
    refused(as_corpus, str(tmp_path / "half.jsonl"), say="half of a surrogate pair")
    refused(ParallelCorpus, {"en": ["\udfff"]}, say="sentence 1 of 'en' holds half")
    (tmp_path / "deep.jsonl").write_text("[" * 100_000)
    refused(as_corpus, str(tmp_path / "deep.jsonl"), say="deep.jsonl, line 1: not JSON")
    broken = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")]
    )
    pq.write_table(pa.table({"en": broken, "zh": ["x"]}), tmp_path / "text.parquet")
    refused(as_corpus, str(tmp_path / "text.parquet"), say="text.parquet is not a readable parquet file")
    for row in ("text", None, 3, ["x"]):
        refused(from_rows, "hub", [("row 1", {"en": "a"}), ("row 2", row)], None, "hub", say="row 2 is")


def test_questions_with_a_number_of_thousands_of_digits(tmp_path):
    for text in ("9" * 5000, "[" * 100_000):
        (tmp_path / "xquad.en.json").write_text(f'{{"data": {text}')
        refused(TASKS["xquad"].read, Request(data=str(tmp_path), languages=["en"]), say="xquad.en.json")


@pytest.mark.parametrize(
    ("table", "say"),
    [
        ("language,pairs,score\n", "no runs to fit"),
        ("", "cannot read"),
        ("language,pairs,score,score_low,score_high\nzh,10,1,x,2\n", "'score_low' should hold numbers"),
        ("language,pairs,score\n1,10,1\n", "should hold language codes"),
    ],
)
def test_tables_of_runs(table, say, tmp_path):
    (tmp_path / "runs.csv").write_text(table)
    refused(read_runs, tmp_path / "runs.csv", say=say)


@pytest.mark.parametrize(
    ("text", "say"),
    [
        ('extends = "nope"', "there is no"),
        ('extends = "one"', "extends it"),
        ('extends = "../x"', "name of a recipe in its folder"),
        ("extends = 3", "name of a recipe in its folder"),
        ("variant = 3", "variant should be"),
        ("variant = { paper = 3 }", "variant should be"),
        ('family = "ar"', "family should be"),
        ('mixture = "x"\nmodel = { hidden_size = 2020-01-01 }', "what no setting can"),
    ],
)
def test_recipes(text, say, tmp_path):
    (tmp_path / "one.toml").write_text(text)
    refused(load_recipe, str(tmp_path / "one.toml"), say=say)


def test_recipes_that_extend_each_other(tmp_path):
    for name, other in ("ab", "bc", "ca"):
        (tmp_path / f"{name}.toml").write_text(f'extends = "{other}"')
    refused(load_recipe, str(tmp_path / "a.toml"), say="which extends it")


@pytest.mark.parametrize("corpus", ["evil/x", "/etc", "./data", 3, ["everyday"]])
def test_a_card_chooses_no_corpus_but_an_embedded_one(corpus, llama, tmp_path):
    Card("x", {"corpus": corpus}, "0", None, "raw", [], 0, 1, 1, {}, 1.0).write(tmp_path)
    assert default_corpus([Checkpoint.named(str(tmp_path))], EMBEDDED) == "everyday"


@pytest.mark.parametrize("card", ['{"schema": "1"}', "[]", '{"recipe": []}', "{", "[" * 100_000])
def test_cards(card, tmp_path):
    (tmp_path / "repalign.json").write_text(card)
    refused(Checkpoint.named, str(tmp_path), say="repalign.json")


def test_what_a_message_quotes_cannot_break_its_line():
    """Names of columns, languages and files come from data: a newline, or an escape sequence of a terminal."""
    from repalign.errors import unknown

    for error in (RepalignError("a\nb\x1b[31m\u2028c"), unknown("column", "a\r", ["b\nc"])):
        assert str(error).isprintable(), repr(str(error))
