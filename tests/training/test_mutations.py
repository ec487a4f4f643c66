"""Damaged training data end in one line that names the file, never in a traceback, and every item stays counted."""

from __future__ import annotations

import json
import random

import pytest
from mutations import mutated
from repalign_training.data.filters import ItemFilter
from repalign_training.data.mixture import Term, draw
from repalign_training.data.sources import read_source
from repalign_training.settings import Filters

from repalign.errors import RepalignError

PAIRS = [{"en": f"The cat sees {n} birds.", "zh": f"猫看见{n}只鸟。"} for n in range(4)]
TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello"},
]
SHAREGPT = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
ALPACA = {"instruction": "Add", "input": "1 and 2", "output": "3"}
LINES = {language: "".join(f"{row[language]}\n" for row in PAIRS) for language in ("en", "zh")}
SOURCES = {
    "pairs": [
        ("a.tsv", "en\tzh\n" + "".join("\t".join(row.values()) + "\n" for row in PAIRS), {}),
        ("a.csv", "en,zh\n" + "".join('"{en}","{zh}"\n'.format(**row) for row in PAIRS), {}),
        ("a.txt", "".join("\t".join(row.values()) + "\n" for row in PAIRS), {"columns": "en,zh"}),
        ("a.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in PAIRS), {}),
        ("a.json", json.dumps([{"translation": row} for row in PAIRS]), {}),
    ],
    "instructions": [
        ("a.json", json.dumps([ALPACA, ALPACA]), {}),
        ("b.jsonl", json.dumps({"messages": TURNS}), {}),
        ("c.json", json.dumps([{"conversations": SHAREGPT}]), {}),
        ("d.jsonl", json.dumps({"instruction": "Add", "context": None, "response": "3"}), {}),
        ("e.jsonl", json.dumps({"prompt": "Add", "completion": "3"}), {}),
    ],
    "repeat": [("a.txt", LINES["en"], {}), ("a.csv", "en,zh\n" + "a,b\n" * 3, {})],
    "text": [("a.txt", LINES["en"] + "\n" + LINES["zh"], {})],
}  # fmt: skip
CASES = [(kind, *case) for kind, cases in SOURCES.items() for case in cases]


def items_or_message(kind, languages, **options):
    """The items of a source, or the one line that says why not."""
    try:
        return read_source("some", languages, {"some": {"kind": kind, **options}})
    except RepalignError as error:
        message = str(error)
    assert len(message.splitlines()) == 1, message
    return message


def accounts_or_refuses(kind, path, options):
    """Whether a source was read."""
    languages = ("en", "zh") if kind == "pairs" else ("en",)
    items = items_or_message(kind, languages, path=str(path), **options)
    if isinstance(items, str):
        assert str(path) in items
        return False
    limits = ItemFilter(Filters(script=0.5, length_ratio=3))
    part = draw(Term("some", languages), items, len(items), 0, limits.reason_to_drop)
    assert part.read == len(part.items) + part.dropped.counts.total() == len(items)
    assert len(part.losses.splitlines()) <= 1
    for item in part:
        (item.instruction + item.input + item.output).encode()
    return True


@pytest.mark.parametrize(
    ("kind", "name", "text", "options"), CASES, ids=[f"{kind}-{name}" for kind, name, *_ in CASES]
)
@pytest.mark.parametrize("count", [100, pytest.param(1_000, marks=pytest.mark.heavy)])
def test_damaged_data_are_accounted_for_or_refused_in_one_line(tmp_path, count, kind, name, text, options):
    path, rng, read = tmp_path / name, random.Random(f"{kind} {name}"), []
    for _ in range(count):
        path.write_bytes(mutated(text.encode(), rng))
        read.append(accounts_or_refuses(kind, path, options))
    assert 0 < sum(read) < count, "some changes are harmless, and not all"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_damaged_moses_files_are_accounted_for_or_refused_in_one_line(tmp_path, language):
    rng = random.Random(language)
    for _ in range(100):
        for side, text in LINES.items():
            (tmp_path / f"m.{side}").write_bytes(
                mutated(text.encode(), rng) if side == language else text.encode()
            )
        items = items_or_message("pairs", ("en", "zh"), path=str(tmp_path / "m.{language}"))
        if isinstance(items, str):
            assert str(tmp_path / "m.") in items
        else:
            assert len(items) == len(PAIRS), "as many as the lines of the whole file"
