"""`repalign init`: a folder whose README works."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import pytest
from repalign_training.recipe import load_recipe

from repalign.commands.init import starter
from repalign.commands.main import build_parser, main
from repalign.corpora import open_corpus

TRAIN = "from repalign_training.__main__ import main; import sys; sys.exit(main())"


def commands() -> list[list[str]]:
    """The command lines of the README."""
    return [shlex.split(line) for line in re.findall(r"^\$ (.*)$", starter()["README.md"], re.M)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    assert main(["init", str(tmp_path / "start")]) == 0
    monkeypatch.chdir(tmp_path / "start")
    return tmp_path / "start"


def test_its_five_commands_can_be_read_and_name_files_that_are_there(folder):
    found = commands()
    assert len(found) == 5
    for program, *argv in found:
        if program == "repalign":
            build_parser(argv[0]).parse_args(argv)
        else:
            assert (program, load_recipe(argv[0]).languages[0]) == ("repalign-train", "en")
    for name in re.findall(r"[\w/]+\.(?:txt|py|toml)", starter()["README.md"]):
        assert (folder / name).is_file(), name


def test_the_corpus_is_parallel_and_every_sentence_has_its_document(folder):
    corpus = open_corpus("text").with_clusters("documents.txt")
    assert (len(corpus), len(corpus.languages)) == (40, 7)
    assert corpus.documents is not None
    assert len(set(corpus.documents)) == 40


def test_the_metric_keeps_its_contract(folder):
    assert main(["check-metric", "nearest_l1.py"]) == 0


def test_nothing_is_replaced_and_nothing_is_written_beside_it(tmp_path, capsys):
    (tmp_path / "recipe.toml").write_text("mine")
    assert main(["init", str(tmp_path)]) == 1
    assert "recipe.toml exists, and init replaces nothing; choose another folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.toml"]
    assert (tmp_path / "recipe.toml").read_text() == "mine"


@pytest.mark.heavy
def test_its_commands_work(folder):
    for program, *argv in commands():
        start = ["-m", "repalign"] if program == "repalign" else ["-c", TRAIN]
        done = subprocess.run([sys.executable, *start, *argv], env=os.environ, capture_output=True, text=True)
        assert done.returncode == 0, (argv, done.stderr)
    assert main(["index"]) == 0
