"""`data check`: the manifest of a corpus."""

from __future__ import annotations

import json

import pytest
from parallel_text import made_text, without

from repalign.commands.main import main


def test_data_check_shows_the_manifest(text, capsys):
    assert main(["data", "check", str(text)]) == 0
    assert "greek" in capsys.readouterr().out
    assert main(["data", "check", str(text), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sentences"] == 40


@pytest.fixture
def misaligned(tmp_path):
    """A folder in which a line of zh is missing, and with it the rows after it are shifted."""
    folder = tmp_path / "misaligned"
    folder.mkdir()
    text = made_text(100)
    text["zh"] = without(text["zh"], 40)
    for language, rows in text.items():
        (folder / f"{language}.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_data_check_begins_with_the_verdict(text, misaligned, capsys):
    assert main(["data", "check", str(text)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "ok"
    assert main(["data", "check", str(misaligned)]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("misaligned: zh: rows ")
    assert "to 99 translate rows" in first


def test_data_check_gives_machines_the_verdict_and_every_row(text, misaligned, capsys):
    assert main(["data", "check", str(text), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    assert main(["data", "check", str(misaligned), "--json"]) == 0
    manifest = json.loads(capsys.readouterr().out)
    assert manifest["ok"] is False
    (problem,) = [one for one in manifest["problems"] if one["severity"] == "misaligned"]
    assert problem.keys() == {"severity", "kind", "language", "rows", "message"}
    assert len(problem["rows"]) == 100 - problem["rows"][0]


def test_strict_data_check_fails_on_problems_only(text, misaligned, capsys):
    assert main(["data", "check", str(text), "--strict"]) == 0
    assert main(["data", "check", str(misaligned), "--strict", "--json"]) == 1
    out, err = capsys.readouterr()
    assert "'misaligned' is not ok" in err
    assert json.loads(out[out.index("{") :])["ok"] is False


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
