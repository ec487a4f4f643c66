"""`data check`: the manifest of a corpus."""

from __future__ import annotations

import json

from repalign.commands.main import main


def test_data_check_shows_the_manifest(text, capsys):
    assert main(["data", "check", str(text)]) == 0
    assert "greek" in capsys.readouterr().out
    assert main(["data", "check", str(text), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sentences"] == 40


def test_data_check_compares_with_the_pivot_asked_for(text, capsys):
    assert main(["data", "check", str(text), "--pivot", "el", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pivot"] == "el"
    assert main(["data", "check", str(text), "--pivot", "xx"]) == 1
    assert "no language named 'xx'" in capsys.readouterr().err


def test_data_check_counts_the_tokens_of_a_checkpoint(text, llama, capsys):
    assert main(["data", "check", str(text), "--ckpt", str(llama), "--json"]) == 0
    tokens = json.loads(capsys.readouterr().out)["tokens"]
    assert tokens["el"]["per_character"] > tokens["en"]["per_character"] / 2
    assert tokens["el"]["truncated"] == 0
    assert main(["data", "check", str(text), "--ckpt", str(llama)]) == 0
    assert f"{tokens['el']['per_sentence']:.1f}" in capsys.readouterr().out
