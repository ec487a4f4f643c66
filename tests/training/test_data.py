"""Recipes, mixtures, sources, filters, leakage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from repalign_training.data import files
from repalign_training.data.dataset import read_data, read_parts
from repalign_training.data.filters import ItemFilter, length_ratio, share_in_script
from repalign_training.data.instructions import translation_request
from repalign_training.data.items import Item, Items
from repalign_training.data.leakage import check_leakage, leaked
from repalign_training.data.mixture import Term, draw, parse_mixture, sizes
from repalign_training.data.phrasebook import phrases, switched, tasks, text, translation
from repalign_training.data.sources import read_source
from repalign_training.recipe import load_recipe, recipe_names
from repalign_training.settings import Filters
from repalign_training.tokenizer import train_tokenizer

from repalign.corpora import ParallelCorpus
from repalign.errors import RepalignError

SEVEN = ("en", "ar", "el", "hi", "tr", "vi", "zh")


def test_the_mixture_of_the_papers_code():
    terms = parse_mixture("alpaca_en+alpaca_zh+translation_en-zh[0:100000]", ())
    assert terms == [
        Term("alpaca", ("en",)),
        Term("alpaca", ("zh",)),
        Term("translation", ("en", "zh"), start=0, end=100_000),
    ]


def test_stars_and_braces_stand_for_languages():
    assert len(parse_mixture("0.5 * translation_*-*[10:20]", SEVEN)) == 42
    assert [term.name for term in parse_mixture("translation_en-{ar,zh}", ())] == [
        "translation_en-ar",
        "translation_en-zh",
    ]
    assert parse_mixture("a_en-*", SEVEN)[0].languages == ("en", "ar")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("alpaca", "not understood"), ("", "not understood"), ("a_en+", "not understood"),
     ("a_[5:5]", "understood"),("a_en[5:5]", "empty"), ("a_en+a_en", "twice"),
     ("a_*", "lists no languages"), ("a_en-zh-vi", "not understood"), ("0*a_en", "weight .* is 0")],
)  # fmt: skip
def test_a_mixture_that_cannot_be_read(text, complaint):
    with pytest.raises(RepalignError, match=complaint):
        parse_mixture(text, ())


def test_weights_and_temperature():
    terms = parse_mixture("a_en + 0.5*a_zh[0:100] + 2*a_hi", ())
    assert sizes(terms, [1000, 400, 30], 1.0) == [1000, 50, 60]
    assert sizes([Term("a", ("en",)), Term("a", ("zh",))], [100, 400], 2.0) == [167, 333]  # as 10 to 20
    with pytest.raises(RepalignError, match=r"at least 0.1"):
        sizes(terms, [1000, 400, 30], 1e-3)
    even = sizes(terms, [1000, 400, 30], 1e9)
    assert max(even) - min(even) <= 1
    assert sum(even) == pytest.approx(1110, abs=2)
    with pytest.raises(RepalignError, match="past the end: its source has 99 items"):
        sizes(terms, [1000, 99, 30], 1.0)


def test_drawing_repeats_whole_slices_before_it_chooses():
    source = Items(10, lambda index: Item("", "", str(index)))
    drawn = [item.output for item in draw(Term("a", ("en",), 2.5, 2, 6), source, 10, 0)]
    assert sorted(drawn[:8]) == sorted("2345" * 2)
    assert len(set(drawn[8:])) == 2
    assert draw(Term("a", ("en",)), source, 4, 1) == draw(Term("a", ("en",)), source, 4, 1)
    assert {
        item.output for item in draw(Term("a", ("en",)), source, 10, 0, lambda item: item.output > "4")
    } == set("56789")


def test_what_is_drawn_is_of_the_slice_and_of_the_seed():
    source = Items(100, lambda index: Item("", "", str(index)))
    terms = [Term("a", ("en",), 0.5, 60, 90), Term("a", ("zh",), 0.5, 60, 90)]
    drawn = [[int(item.output) for item in draw(term, source, 15, seed)] for term in terms for seed in (0, 1)]
    assert all(len(set(chosen)) == 15 and set(chosen) <= set(range(60, 90)) for chosen in drawn)
    assert len(set(map(tuple, drawn))) == 4


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
    with pytest.raises(RepalignError, match=r"no items are left .* after its filters \(1 wrong script\)"):
        read_parts(over_files("filters.script=0.5"), "pairs_en-zh[7:8]")
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


def test_every_recipe_is_sound():
    assert {"base", "alpaca", "m-llama", *(f"x-llama-{language}" for language in SEVEN[1:])} <= set(
        recipe_names()
    )
    for name, (path, _, _) in recipe_names().items():
        recipe = load_recipe(name)
        assert (
            path.read_text().startswith("# repalign-train ")
            or "accelerate launch" in path.read_text().split("\n")[0]
        )
        assert "{language}" not in json.dumps({**recipe.as_dict(), "sources": {}})
        assert recipe.about
        for term in parse_mixture(recipe.mixture, recipe.languages):
            assert term.source in recipe.sources


def test_overrides_and_digests():
    plain = load_recipe("m-llama")
    assert load_recipe("m-llama", ["train.epochs=2"]).train.epochs == 2
    assert load_recipe("m-llama", ["sources.more.kind=pairs"]).sources["more"] == {"kind": "pairs"}
    assert load_recipe("m-llama", ["train.save_steps=7"]).digest == plain.digest
    assert load_recipe("m-llama", ["train.batch=7"]).digest != plain.digest
    assert load_recipe("m-llama", seed=3).digest != plain.digest


@pytest.mark.parametrize(
    ("name", "override", "complaint"),
    [("m-lama", None, "did you mean 'm-llama'"), ("m-llama", "train.epoch=1", "did you mean 'epochs'"),
     ("m-llama", "train.batch=many", "should be a whole number, not 'many'"),
     ("m-llama", "seed", "key=value"), ("missing.toml", None, "no recipe file"),
     ("m-llama", "languages=zh", "a list of words"), ("m-llama", "train=3", "train should be a table"), ("m-llama", "seed=-1", "seed should be at least 0"),
     ("m-llama", "train.batch=0", "batch should be above 0"), ("m-llama", "train.epochs=0", "epochs should be above"),
     ("m-llama", "train.threads=-1", "at least 0"), ("m-llama", "train.warmup=100", "0 to 1"),
     ("m-llama", "train.precision=fp16", "no precision named 'fp16'")],
)  # fmt: skip
def test_a_recipe_that_is_wrong(name, override, complaint):
    with pytest.raises(RepalignError, match=complaint):
        load_recipe(name, [override] if override else [])


def test_a_parent_is_part_of_what_a_recipe_is(monkeypatch, tmp_path):
    (tmp_path / "base.toml").write_text("mixture = 'a_en'\nseed = 1")
    (tmp_path / "child.toml").write_text("mixture = 'a_en'\nparent = 'base'")
    monkeypatch.setattr("repalign_training.recipe.FOLDER", tmp_path)
    before = load_recipe("child").digest
    (tmp_path / "base.toml").write_text("mixture = 'a_en'\nseed = 2")
    assert load_recipe("child").digest != before


def test_what_extends_a_family_is_none(monkeypatch, tmp_path):
    (tmp_path / "many.toml").write_text(
        "mixture = 'a_{language}'\nfamily = ['ar', 'el']\n[train]\nbatch = 5\nepochs = 2"
    )
    (tmp_path / "one.toml").write_text("extends = 'many'\nmixture = 'a_en'\ntrain.epochs = 3")
    monkeypatch.setattr("repalign_training.recipe.FOLDER", tmp_path)
    assert set(recipe_names()) == {"many-ar", "many-el", "one"}
    one, many = load_recipe("one"), load_recipe("many-el")
    assert (one.mixture, one.train.batch, one.train.epochs) == ("a_en", 5, 3)
    assert (many.mixture, many.train.epochs) == ("a_el", 2)


def test_a_recipe_file_may_be_tuned_from_the_file_beside_it(tmp_path):
    (tmp_path / "base.toml").write_text("mixture = 'a_en'\nseed = 1")
    child = tmp_path / "child.toml"
    child.write_text("mixture = 'a_en'\nparent = 'base'")
    recipe = load_recipe(str(child))
    assert recipe.parent_recipe == load_recipe(str(tmp_path / "base.toml"))
    before = recipe.digest
    (tmp_path / "base.toml").write_text("mixture = 'a_en'\nseed = 2")
    assert load_recipe(str(child)).digest != before
    assert load_recipe(str(child), ["parent=alpaca"]).parent_recipe == load_recipe("alpaca")
    assert load_recipe(str(child), ["parent=owner/name"]).parent_recipe is None
    (tmp_path / "alpaca.toml").write_text("mixture = 'a_en'\nparent = 'alpaca'")  # tunes the one of that name
    assert load_recipe(str(tmp_path / "alpaca.toml")).parent_recipe == load_recipe("alpaca")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("base.toml", "child.toml"):
        (moved / name).write_text((tmp_path / name).read_text())
    assert load_recipe(str(moved / "child.toml")).digest == load_recipe(str(child)).digest


SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.mark.parametrize("name", ["real-base", "real-alpaca", "real-x-llama-zh", "real-m-llama"])
def test_the_recipes_of_the_real_data_study_find_their_data(name, monkeypatch):
    if not SHARED.is_dir():
        pytest.skip("needs the data of ../shared/data")
    monkeypatch.setenv("REPALIGN_DATA", str(SHARED))
    recipe = load_recipe(str(Path(__file__).parents[2] / "analyses" / "real_data" / f"{name}.toml"))
    assert recipe.name == name
    assert (recipe.parent_recipe.name if recipe.parent_recipe else None) == recipe.parent
    one_each = {term.source: term for term in parse_mixture(recipe.mixture, recipe.languages)}
    for term in one_each.values():
        assert len(read_source(term.source, term.languages, recipe.sources)) > 500
    assert list(recipe.filters.protect) == ["$REPALIGN_DATA/ntrex"]


def test_no_held_out_sentence_is_trained_on():
    from repalign.corpora.phrasebook import meanings, realise

    held_out = {realise(meaning, lang) for meaning in meanings("held-out") for lang in SEVEN}
    for recipe in (load_recipe("m-llama"), load_recipe("base")):
        for term in parse_mixture(recipe.mixture, recipe.languages):
            source = read_source(term.source, term.languages, recipe.sources)
            for item in (source[index] for index in range(0, len(source), len(source) // 60)):
                assert not held_out & {item.instruction, item.input, item.output}
            unseen = read_source(term.source, term.languages, recipe.sources, "held-out")
            assert any(
                unseen[index].output in held_out or unseen[index].input in held_out for index in range(20)
            )


def test_the_phrasebook_translates_and_switches():
    from repalign.corpora.phrasebook import meanings, realise

    known = {realise(meaning, "en"): realise(meaning, "zh") for meaning in meanings("train")}
    pairs = translation(("en", "zh"), {}, "train")
    assert all(known[pairs[index].input] == pairs[index].output for index in range(50))
    mixed = [switched(("hi", "zh"), {}, "train")[index] for index in range(50)]
    assert {item.output for item in mixed} <= set(known.values())
    assert any(0.1 < share_in_script(item.input, "hi") < 0.9 for item in mixed)
    assert {item.input[-1] for item in mixed} == {"।", "。"}
    part = phrases(("en", "zh"), {}, "train")
    for item in (part[index] for index in range(20)):
        assert share_in_script(item.input, "en") == share_in_script(item.output, "zh") == 1
        assert any(item.input in sentence and item.output in known[sentence] for sentence in known)
    first = {
        language: [text((language,), {}, "train")[n].output for n in range(200)] for language in ("en", "zh")
    }
    assert (
        len({known[sentence] for sentence in first["en"]} & set(first["zh"])) < 20
    )  # each in an order of its own
    asked = tasks(("en", "zh"), {}, "train")[0]
    assert share_in_script(asked.output, "zh") == 1
    assert share_in_script(asked.input, "en") == 1


def test_every_language_asks_for_a_translation_by_name():
    for language in SEVEN:
        requests = {translation_request("tr", "vi", index, language) for index in range(40)}
        assert len(requests) >= 12
        assert not any("{" in request for request in requests)
    assert translation_request("en", "zh", 33) == translation_request("en", "zh", 0)
    assert translation_request("en", "sw", 0).endswith("Swahili.")
    with pytest.raises(RepalignError, match="no name for language 'sw' in zh"):
        translation_request("en", "sw", 0, "zh")


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


def test_filters_count_letters_and_can_be_lifted():
    assert (
        length_ratio("a cat sleeps", "一只猫在睡觉")
        == length_ratio("一只猫在睡觉", "a cat sleeps")
        == 18 / 12
    )
    assert length_ratio("kelime", "") == 6
    copy = Item("t", "OK", "OK", ("en", "zh"))
    lifted = ItemFilter(Filters(identical=True, duplicates=True))
    assert [lifted.accepts(copy), lifted.accepts(copy)] == [True, True]
    assert not ItemFilter(Filters(duplicates=True)).accepts(copy)
    assert not ItemFilter(Filters()).accepts(Item("t", "ＯＫ", " OK", ("en", "zh")))  # as NFKC has it


def test_filters_say_what_they_dropped():
    item_filter = ItemFilter(Filters(length_ratio=3, script=0.5))
    items = [
        Item("t", "a cat sleeps", "一只猫在睡觉", ("en", "zh")),
        Item("t", "a cat sleeps", "一只猫在睡觉", ("en", "zh")),
        Item("t", "OK", "OK", ("en", "zh")),
        Item("t", "a cat", "一只猫在一张很大的床上睡觉,一只狗在看", ("en", "zh")),
        Item("t", "a cat sleeps", "a kitty sleeps", ("en", "zh")),
    ]
    assert [item_filter.accepts(item) for item in items] == [True, False, False, False, False]
    assert item_filter.dropped == {
        "duplicate": 1,
        "copy of its source": 1,
        "odd length": 1,
        "wrong script": 1,
    }


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


@pytest.mark.parametrize(("run", "mark"), [(8, " "), (16, "")])
def test_leakage_needs_a_run_of_that_length_anywhere_in_an_item(run, mark):
    words = [f"Wort{n}" for n in range(20)] if mark else [chr(0x4E00 + n) for n in range(20)]
    corpus = ParallelCorpus("some", {"xx": [mark.join(words)]})
    for length, found in ((run, 1), (run - 1, 0)):
        text = mark.join([*(word.upper() for word in words[1 : 1 + length]), "x"])
        for item in (Item(text, "", "x"), Item("x", text, "x"), Item("x", "y", text)):
            assert len(leaked(corpus, [item])["xx"]) == found


def test_leakage_is_found_in_words_and_in_characters(tmp_path):
    english = "the quick brown fox jumps over the lazy dog again and again"
    chinese = "敏捷的棕色狐狸一次又一次地跳过了那只懒惰的狗"
    items = [
        Item("", "", f"He said that {english[4:]}"),
        Item("", "", "在他看来" + chinese),
        Item("", "", "short one"),
    ]
    sentences = [english, chinese, "short one", "the quick brown fox sleeps over there, lazy as a dog"]
    corpus = ParallelCorpus("some", {"en": sentences, "fr": ["autre chose"] * 4})
    assert leaked(corpus, items) == {"en": sentences[:3], "fr": []}
    (tmp_path / "en.txt").write_text("\n".join(sentences))
    with pytest.raises(RepalignError, match=r"75.0% of the en sentences"):
        check_leakage(Filters(protect=(str(tmp_path),)), items)
    assert check_leakage(Filters(protect=(str(tmp_path),)), []) == {f"{tmp_path} en": 0.0}
