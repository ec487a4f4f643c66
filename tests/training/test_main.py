"""The command line of training."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from repalign_training.__main__ import main

from repalign.checkpoints import Card


@pytest.mark.parametrize(
    ("options", "complaint"),
    [(["--set", "mixture=tekst_en"], "did you mean 'text'"),
     (["--set", "mixture=text_en[0:99999999]"], "past the end"),
     (["--set", "mixture=text_xx"], "xx"),
     (["--set", "train.max_length=2", "--set", "mixture=translation_en-zh[0:9]"], "fits into 2 tokens"),
     (["--set", "model.hidden=3"], "hidden_size"),
     (["--set", "model.num_attention_heads=5"], "do not fit together"),
     (["--set", "train.micro_batch=5"], "does not divide"),
     (["--set", "parent=nobody"], "no checkpoint named 'nobody'"),
     (["--set", "train.schedule=cosin"], "cosin")],
)  # fmt: skip
def test_mistakes_get_one_line_and_leave_nothing(recipe_file, tmp_path, capsys, options, complaint):
    assert main([recipe_file, "--out", str(tmp_path / "out"), *options]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("training: ")
    assert complaint in error
    assert not (tmp_path / "out").exists()


def test_a_folder_of_someone_else_is_left_alone(recipe_file, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("\\begin")
    assert main([recipe_file, "--out", str(tmp_path / "out")]) == 1
    assert "thesis.tex" in capsys.readouterr().err
    (tmp_path / "file").write_text("mine")
    (tmp_path / "dangling").symlink_to("nowhere")
    for out in (
        "/proc/nowhere",
        str(tmp_path / "file"),
        str(tmp_path / "dangling"),
        str(tmp_path / "file" / "x"),
    ):
        assert main([recipe_file, "--out", out]) == 1
        assert f"cannot write {out}" in capsys.readouterr().err.splitlines()[-1]
    assert (tmp_path / "file").read_text() == "mine"
    with pytest.raises(SystemExit):
        main([recipe_file, "--out", ""])
    assert "got an empty text" in capsys.readouterr().err


def test_help_is_fast_and_light():
    code = "import sys, runpy, atexit; sys.argv[1:] = ['--help']\n"
    code += "atexit.register(lambda: print('torch' in sys.modules))\n"
    code += "runpy.run_module('repalign_training', run_name='__main__')"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "RECIPE" in shown
    assert shown.strip().endswith("False")


def test_the_data_of_a_recipe_is_shown_with_what_is_learnt(recipe_file, capsys):
    assert main(["data", recipe_file]) == 0
    shown = capsys.readouterr().out
    assert "translation_en-zh[0:120]" in shown
    assert "#Chinese:\n" in shown
    learnt = shown.split("[[")[1].split("]]")[0]
    assert learnt.endswith("</s>")
    assert any("一" <= char <= "鿿" for char in learnt)


LOSSY = """
mixture = "say_{en,ka} + chat_en"
template = "brief"
[sources]
say = { kind = "instructions", path = "HERE/{language}.jsonl" }
chat = { kind = "instructions", path = "HERE/chat.json" }
[tokenizer]
vocabulary = 400
[filters]
script = 0.5
[train]
held_out = 0
max_length = 120
"""


@pytest.fixture
def lossy(tmp_path):
    """A recipe over files of which something is dropped for five reasons."""
    say = [{"instruction": f"Say {n}.", "output": f"It is {n}."} for n in range(8)]
    say += [say[0], {"instruction": "Say", "output": None}, {"instruction": "Say cat.", "output": "კატა"}]
    georgian = [{"instruction": f"თქვი {n}.", "output": f"ეს არის {n}."} for n in range(8)]
    turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
    long = [{"from": "human", "value": "long " * 200}, {"from": "gpt", "value": "Hello"}]
    cut = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "long " * 200}]
    (tmp_path / "en.jsonl").write_text("\n".join(map(json.dumps, say)))
    (tmp_path / "kat_Geor.jsonl").write_text("\n".join(map(json.dumps, georgian)))
    (tmp_path / "chat.json").write_text(json.dumps([{"conversations": part} for part in (turns, long, cut)]))
    (tmp_path / "lossy.toml").write_text(LOSSY.replace("HERE", str(tmp_path)))
    return str(tmp_path / "lossy.toml")


def test_the_data_of_a_recipe_are_counted_from_what_is_read_to_what_is_kept(lossy, tmp_path, capsys):
    assert main(["data", lossy]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    header = re.split(r"\s{2,}", lines[2])
    assert header == [
        *("part", "read", "empty", "duplicate", "wrong script", "too long", "held out", "kept", "truncated"),
        *("tokens", "learnt"),
    ]
    counts = {line.split()[0]: list(map(int, line.replace(",", "").split()[1:8])) for line in lines[3:6]}
    assert counts == {
        "say_en": [11, 1, 1, 1, 0, 0, 8],
        "say_ka": [8, 0, 0, 0, 0, 0, 8],
        "chat_en": [3, 0, 0, 0, 1, 0, 2],
    }
    (losses,) = [line for line in lines if line.startswith("say_en loses")]
    assert losses.startswith("say_en loses 3 of 11 items: ")
    for reason, row in (("duplicate", 9), ("empty", 10), ("wrong script", 11)):
        assert f"1 {reason} (e.g. {tmp_path / 'en.jsonl'}, line {row}: " in losses
    assert any(line.startswith("chat_en loses 1 of 3 items: 1 too long (e.g.") for line in lines)
    assert "chat_en: 1 items are truncated to train.max_length" in lines
    assert "conversations, as of ShareGPT" in err


def test_a_part_that_loses_too_much_is_shown_in_the_table_before_it_is_refused(lossy, capsys):
    mostly_too_long = ["--set", "train.max_length=4", "--set", "mixture=chat_en"]
    assert main(["data", lossy, *mostly_too_long]) == 1
    out, err = capsys.readouterr()
    assert "chat_en " in out
    assert "raise train.max_length" in err.splitlines()[-1]
    assert main(["data", lossy, *mostly_too_long, "--set", "filters.drop_limit=1"]) == 0


def test_losses_are_logged_when_training_starts_and_stand_in_the_card(lossy, tmp_path, caplog):
    from repalign_training.recipe import load_recipe
    from repalign_training.run import train

    caplog.set_level("INFO", logger="repalign.training")
    small = [
        "hidden_size=32",
        "intermediate_size=32",
        "num_hidden_layers=1",
        "num_attention_heads=2",
        "num_key_value_heads=2",
    ]
    folder = train(load_recipe(lossy, [f"model.{setting}" for setting in small]), tmp_path / "out")
    lost = [message for message in caplog.messages if " loses " in message]
    assert [message.split(" items")[0] for message in lost] == [
        "lossy: say_en loses 3 of 11", "lossy: chat_en loses 1 of 3"]  # fmt: skip
    card = Card.read(folder)
    assert [(entry["read"], entry["items"], entry["dropped"], entry["truncated"]) for entry in card.mixture] == [
        (11, 8, {"duplicate": 1, "empty": 1, "wrong script": 1}, 0), (8, 8, {}, 0), (3, 2, {"too long": 1}, 1)]  # fmt: skip


def test_every_recipe_has_a_description_of_its_own(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 30
    start = {line.index("  ") + len(re.search(" +", line)[0]) for line in lines}  # type: ignore[index]
    assert len(start) == 1, "descriptions begin at one column"
    described = [line[min(start) :] for line in lines]
    assert len(set(described)) == len(described)
    assert all("QLoRA" in line for line in lines if "-qlora " in line)
