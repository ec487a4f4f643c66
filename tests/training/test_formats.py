"""Formats of instruction data: recognised by their columns, and read without a loss that is not counted."""

from __future__ import annotations

import json
import logging

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from repalign_training.data.formats import FORMATS, ROLES
from repalign_training.data.items import Item
from repalign_training.data.mixture import Term, draw
from repalign_training.data.sources import read_source

from repalign.errors import RepalignError


def turn(speaker, text, keys=("role", "content")):
    return dict(zip(keys, (speaker, text), strict=True))


SHAREGPT = ("from", "value")
ONE = [
    ("Alpaca's format", {"instruction": "Add", "input": "1 and 2", "output": "3"}, ("Add", "1 and 2", "3")),
    ("Alpaca's format", {"instruction": "Add", "output": "3"}, ("Add", "", "3")),
    ("Alpaca's format", {"instruction": "Add", "input": None, "output": "3"}, ("Add", "", "3")),
    ("Dolly's format", {"instruction": "Add", "context": "1 2", "response": "3"}, ("Add", "1 2", "3")),
    ("Dolly's format", {"instruction": "Add", "response": "3"}, ("Add", "", "3")),
    ("prompts and completions", {"prompt": "Add", "completion": "3"}, ("Add", "", "3")),
    ("prompts and responses", {"prompt": "Add", "response": "3"}, ("Add", "", "3")),
    ("messages, as of OpenAI", {"messages": [turn("user", "Add"), turn("assistant", "3")]}, ("Add", "", "3")),
    ("messages, as of OpenAI", {"prompt": "Add", "messages": [turn("system", "Be brief."), turn("user", "Add"), turn("assistant", "3")]},
     ("Be brief.\n\nAdd", "", "3")),
    ("conversations, as of ShareGPT", {"conversations": [turn("human", "Add", SHAREGPT), turn("gpt", "3", SHAREGPT)]}, ("Add", "", "3")),
]  # fmt: skip


def read(path):
    return read_source("a", ("eng_Latn",), {"a": {"kind": "instructions", "path": str(path)}})


def written(folder, rows, name="a.jsonl"):
    path = folder / name
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.mark.parametrize(("name", "row", "texts"), ONE)
@pytest.mark.parametrize("suffix", ["jsonl", "json", "parquet"])
def test_each_format_is_recognised_and_named_in_the_log(tmp_path, caplog, name, row, texts, suffix):
    caplog.set_level(logging.INFO, logger="repalign.training")
    path = tmp_path / f"a.{suffix}"
    if suffix == "parquet":
        pd.DataFrame([row]).to_parquet(path)
    else:
        path.write_text(json.dumps([row] if suffix == "json" else row))
    (item,) = read(path)
    assert (item.instruction, item.input, item.output, item.languages) == (*texts, ("eng_Latn",))
    assert f"{path}: {name} (" in caplog.text


def test_columns_that_are_not_read_are_named_in_the_log(tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="repalign.training")
    read(written(tmp_path, [{"id": 3, "history": [], "instruction": "Add", "output": "3"}]))
    assert "Alpaca's format (instruction, output); not read: id, history" in caplog.text


def test_each_answer_of_a_conversation_is_an_item_that_holds_what_precedes_it(tmp_path):
    said = [
        ("system", "Be brief."),
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "2 + 2?"),
        ("tool", "4"),
        ("assistant", "4!"),
    ]
    so_far = "System: Be brief.\n\nUser: Hi\n\nAssistant: Hello\n\nUser: 2 + 2?\n\nTool: 4"
    expected = [Item("Be brief.\n\nHi", "", "Hello"), Item(so_far, "", "4!")]
    for keys in (("role", "content"), SHAREGPT):
        for column in ("messages", "conversations"):
            rows = [{column: [turn(speaker, text, keys) for speaker, text in said]}]
            assert list(read(written(tmp_path, rows))) == expected


def test_conversations_and_rows_without_a_question_or_an_answer_are_counted(tmp_path):
    rows = [[turn("user", "Hi"), turn("assistant", "Hello")], [turn("assistant", "Hello")], [turn("user", "Hi")], [], None,
            [turn("user", "Hi"), turn("assistant", None)]]  # fmt: skip
    items = read(written(tmp_path, [{"messages": row} for row in rows]))
    part = draw(Term("a", ("en",)), items, len(items), 0)
    assert (part.read, len(part.items), part.dropped.counts) == (6, 1, {"empty": 5})
    assert part.dropped.examples["empty"].startswith(f"{tmp_path / 'a.jsonl'}, line 2: ")
    rows = [("x", "y"), (" ", "y"), ("x", "\u200b"), ("x", None), (None, None)]
    items = read(written(tmp_path, [{"instruction": a, "output": b} for a, b in rows]))
    assert [items.is_empty(item) for item in items] == [False, True, True, True, True]


WRONG = [3, 2.5, True, ["x"], {"x": 1}]


@pytest.mark.parametrize("value", [*WRONG, float("nan")])
@pytest.mark.parametrize(
    "form", [one for one in FORMATS if one.needed[0] not in ("messages", "conversations")], ids=lambda one: one.name
)
def test_a_field_that_is_no_text_is_refused_with_file_and_row(tmp_path, form, value):
    for field in (*form.needed, *form.optional):
        good = dict.fromkeys((*form.needed, *form.optional), "text")
        path = written(tmp_path, [good, {**good, field: value}])
        with pytest.raises(RepalignError) as error:
            read(path)
        assert str(error.value).startswith(
            f"{path}, line 2: {field!r} should be text, got {str(value)[:40]}; "
        )


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [("Hi", "'messages' should be a list of messages, got 'Hi'"), (3, "should be a list"), ({"role": "user"}, "should be a list"),
     (["Hi"], "message 1: expected an object with role and content"), ([{"text": "Hi"}], "message 1: expected an object"),
     ([turn("user", "Hi"), turn("narrator", "x")], "no role named 'narrator'.*line 1, message 2"),
     ([turn("user", ["Hi"])], "message 1: 'content' should be text"), ([turn(3, "Hi")], "'role' should be text")],
)  # fmt: skip
def test_a_conversation_of_another_form_is_refused_with_file_and_row(tmp_path, messages, complaint):
    with pytest.raises(RepalignError, match=complaint) as error:
        read(written(tmp_path, [{"messages": messages}]))
    assert str(tmp_path / "a.jsonl") in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "row", [{}, {"question": "x", "answer": "y"}, {"instruction": "x"}, {"text": "x"}, {"en": "x", "zh": "y"}]
)
def test_columns_of_no_format_are_refused_with_the_formats(tmp_path, row):
    with pytest.raises(
        RepalignError, match=r"line 1: its columns, .* those of no format of instructions"
    ) as error:
        read(written(tmp_path, [row]))
    assert all(one.name in str(error.value) for one in FORMATS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "from", "content", "value", "x"]), inner),
    max_leaves=5,
)  # fmt: skip
messages = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from([*ROLES, "x"]), "content": st.text(max_size=3) | json_values}), max_size=4
)  # fmt: skip


@given(st.sampled_from(FORMATS), st.data())
def test_whatever_the_fields_hold_a_row_gives_texts_or_an_error_in_one_line(form, data):
    row = {name: data.draw(messages | json_values) for name in (*form.needed, *form.optional)}
    message = ""
    try:
        read_texts = list(form.read(row, "a.json, object 1"))
    except RepalignError as error:
        read_texts, message = [], str(error)
    assert all(isinstance(text, str) for texts in read_texts for text in texts)
    assert read_texts or "a.json, object 1" in message
    assert len(message.splitlines()) <= 1
