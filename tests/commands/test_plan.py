"""`repalign plan`: from a folder or from numbers, as text and as JSON."""

from __future__ import annotations

import json

import pytest

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


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "which model?"),
        (["m-llama", *NUMBERS], "not both"),
        (NUMBERS, "which text?"),
        ([*NUMBERS, "--gpus", "H100", "--measure", *MANY[:4]], "times this machine's CPU"),
        ([*NUMBERS, "--gpus", "H100", "--cpus", "2"], "not both"),
    ],
)
def test_what_is_missing_is_said(words, message, capsys):
    assert main(["plan", *words]) == 1
    assert message in capsys.readouterr().err
