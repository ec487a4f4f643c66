"""The data of a recipe: parts, held-out items, rows."""

from __future__ import annotations

import json

import pytest
from repalign_training.data.dataset import read_data, read_parts
from repalign_training.data.dropped import HELD_OUT, TOO_LONG, WRONG_SCRIPT
from repalign_training.recipe import load_recipe
from repalign_training.tokenizer import train_tokenizer

from repalign.errors import RepalignError

OVER_FILES = """
languages = ["en", "zh"]
mixture = "a_en + pairs_en-zh"
template = "brief"
seed = 3
[sources]
a = { kind = "instructions", path = "HERE/{language}.jsonl" }
pairs = { kind = "pairs", path = "HERE/pairs.tsv" }
text = { kind = "phrasebook-text" }
[train]
held_out = 16
max_length = 200
"""


@pytest.fixture
def over_files(tmp_path):
    """over_files("key=value", ...): a recipe over 60 instructions and 20 pairs, of which one is in Latin letters."""
    asked = [{"instruction": f"Say {n}", "input": f"as {n * n}", "output": f"{n} it is"} for n in range(60)]
    pairs = [f"the number {n}\t数字{'x' * 9 if n == 7 else n}" for n in range(20)]
    (tmp_path / "en.jsonl").write_text("\n".join(map(json.dumps, asked)))
    (tmp_path / "pairs.tsv").write_text("\n".join(["en\tzh", *pairs]))
    (tmp_path / "recipe.toml").write_text(OVER_FILES.replace("HERE", str(tmp_path)))
    return lambda *overrides: load_recipe(str(tmp_path / "recipe.toml"), overrides)


def test_held_out_items_are_a_share_of_every_part_and_not_trained_on(over_files):
    parts, held_out = read_parts(over_files())
    assert [len(part.items) for part in parts] == [48, 16]
    assert [len(part.items) for part in held_out] == [12, 4]
    assert not {item for part in parts for item in part} & {item for part in held_out for item in part}
    parts, held_out = read_parts(
        over_files("train.held_out=4"), "4*pairs_en-zh"
    )  # all copies of one are held out
    assert len(parts[0].items) == 4 * 16
    assert parts[0].dropped.counts == {HELD_OUT: 4 * 20 - 4 * 16 - len(held_out[0].items)}
    assert not set(parts[0]) & set(held_out[0])
    with pytest.raises(RepalignError, match=r"of 80 items, train.held_out 90 leaves none"):
        read_parts(over_files("train.held_out=90"))


def test_a_source_with_a_split_of_its_own_is_trained_on_whole(over_files):
    from repalign.corpora.phrasebook import meanings, realise

    parts, held_out = read_parts(over_files(), "text_en[0:50]")
    unseen = {realise(meaning, "en") for meaning in meanings("held-out")}
    assert len(parts[0].items) == 50
    assert len(held_out[0].items) == 16
    assert {item.output for item in held_out[0]} <= unseen


def test_temperature_filters_and_leakage_hold_for_a_recipe(over_files, tmp_path):
    assert [len(part.items) for part in read_parts(over_files("temperature=1e9", "train.held_out=0"))[0]] == [
        40,
        40,
    ]
    kept = read_parts(over_files("filters.script=0.5", "train.held_out=0"))[0]
    assert [len(part.items) for part in kept] == [60, 19]
    assert kept[1].dropped.counts == {WRONG_SCRIPT: 1}
    with pytest.raises(
        RepalignError, match=r"pairs_en-zh\[7:8\] loses 1 of 1 items: 1 wrong script .*tsv, line 9: "
    ):
        read_parts(over_files("filters.script=0.5"), "pairs_en-zh[7:8]")
    with pytest.raises(RepalignError, match=r"no items are left of mixture .*: .* 1 wrong script"):
        read_parts(over_files("filters.script=0.5", "filters.drop_limit=1"), "pairs_en-zh[7:8]")
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "en.txt").write_text("the number 3\nsomething else")
    with pytest.raises(RepalignError, match=r"50.0% of the en sentences .* 'the number 3'"):
        read_parts(over_files(f"filters.protect=['{tmp_path / 'some'}']"))


def test_rows_are_packed_or_hold_one_item_each(over_files):
    tokenizer = train_tokenizer(["Say the number it is as 数字0123456789:"], 300)
    packed, single = (read_data(over_files(f"train.packing={way}"), tokenizer) for way in ("true", "false"))
    assert len(packed.train) < 32 < len(single.train) == 64
    assert all(len(row) == 1 for row in single.train.rows)
    assert single.train.rows != sorted(single.train.rows)
    assert len(packed.held_out) == 16
    assert packed.train.tokens == single.train.tokens == sum(part["tokens"] for part in packed.parts)
    assert [(part["name"], part["items"]) for part in packed.parts] == [("a_en", 48), ("pairs_en-zh", 16)]
    assert packed.losses == []


def test_every_item_that_was_read_is_accounted_for_in_the_card(over_files):
    tokenizer = train_tokenizer(["Say the number it is as 数字0123456789:"], 300)
    settings = ["filters.script=0.5", "filters.drop_limit=1", "mixture=a_en + 2*pairs_en-zh"]
    whole = read_data(over_files(*settings), tokenizer)
    longest = sorted(len(item) for item in whole.train.items)[-20] - 1
    data = read_data(over_files(*settings, f"train.max_length={longest}"), tokenizer)
    for entry in data.parts:
        assert entry["read"] == entry["items"] + entry["held_out"] + sum(entry["dropped"].values())
    assert [entry["read"] for entry in data.parts] == [60, 40]
    assert data.parts[1]["dropped"][WRONG_SCRIPT] == 2
    assert sum(entry["truncated"] for entry in data.parts) > 0
    assert any("2*pairs_en-zh loses" in line and "2 wrong script" in line for line in data.losses)
    assert any("truncated to train.max_length" in line for line in data.losses)


def test_answers_beyond_max_length_are_counted_and_too_many_stop_the_training(over_files):
    tokenizer = train_tokenizer(["Say the number it is as 数字0123456789:"], 300)
    whole = read_data(over_files("train.held_out=0"), tokenizer)
    answers = sorted(item.answer for item in whole.train.items)
    few = read_data(over_files("train.held_out=0", f"train.max_length={answers[-1]}"), tokenizer)
    assert sum(entry["dropped"].get(TOO_LONG, 0) for entry in few.parts) == answers.count(answers[-1])
    with pytest.raises(RepalignError, match=r"too long \(e.g. .*, line \d+: .*raise train.max_length"):
        read_data(over_files("train.held_out=0", f"train.max_length={answers[len(answers) // 4]}"), tokenizer)
