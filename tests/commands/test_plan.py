"""`repalign plan`: from a folder or from numbers, as text and as JSON."""

from __future__ import annotations

import json
import shlex

import pytest

from repalign.checkpoints import home
from repalign.commands.main import main

NUMBERS = ["--parameters", "70e9", "--blocks", "80", "--dim", "8192"]
MANY = ["--langs", "200", "--sentences", "2000", "--checkpoints", "30", "--gpus", "64xH100"]


def test_from_numbers(capsys):
    assert main(["plan", *NUMBERS, *MANY, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["languages"]) == 200
    assert found["store"]["value"] == pytest.approx(200 * 2000 * 30 * 81 * 8192 * 4, rel=1e-3)
    assert "assumption" in found["hours"]["source"]
    assert main(["plan", *NUMBERS, *MANY]) == 0
    assert "31.9 TB" in capsys.readouterr().out


def test_from_a_folder_counts_with_its_tokenizer(llama, capsys):
    assert main(["plan", str(llama), "--corpus", "everyday", "--langs", "en", "zh", "--sentences", "20"]) == 0
    assert "counted with the model's tokenizer" in capsys.readouterr().out


def test_its_command_reads_what_was_planned(llama, capsys):
    text = ["--corpus", "everyday", "--langs", "en", "zh", "--sentences", "20", "--template", "alpaca"]
    how = ["--layers", "0-1", "--poolings", "mean", "last", "--dtype", "float32", "--store-dtype", "float16"]
    assert main(["plan", str(llama), *text, *how, "--batch-tokens", "512", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert main([*shlex.split(found["way"]["command"])[1:], "--json"]) == 0
    read = json.loads(capsys.readouterr().out)
    assert "alpaca" in json.dumps(read)
    shards = [path.stat().st_size for path in (home() / "states").rglob("*.npy")]
    assert sum(shards) == found["store"]["value"]


def test_a_command_without_anything_asked_is_short(llama, capsys):
    assert main(["plan", *NUMBERS, "--langs", "en", "--sentences", "5", "--cpus", "1", "--json"]) == 0
    command = json.loads(capsys.readouterr().out)["way"]["command"]
    assert command == "repalign extract CKPT --device cpu"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "which model?"),
        (["m-llama", *NUMBERS], "not both"),
        (NUMBERS, "which text?"),
        ([*NUMBERS, *MANY, "--template", "alpacca"], "did you mean 'alpaca'"),
        ([*NUMBERS, "--gpus", "H100", "--measure", *MANY[:4]], "times this machine's CPU"),
        ([*NUMBERS, "--gpus", "H100", "--cpus", "2"], "not both"),
    ],
)
def test_what_is_missing_is_said(words, message, capsys):
    assert main(["plan", *words]) == 1
    assert message in capsys.readouterr().err
