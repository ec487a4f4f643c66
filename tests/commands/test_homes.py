"""A home that is missing, a file, or read-only: nothing is lost, and one line says what to do."""

from __future__ import annotations

import shutil

import pytest
from evaluation.factories import squad_file
from homes import read_only

from repalign.checkpoints import Card
from repalign.commands.main import main

STORING = ("layers", "compare", "extract", "evaluate", "quantisation")


@pytest.fixture
def commands(llama, save_model, text, tmp_path) -> dict[str, list[str]]:
    squad_file(
        tmp_path / "xquad.en.json", [(f"q{n}", f"The dog sees {n}.", "How many?", str(n)) for n in range(4)]
    )
    out = ["--out", str(tmp_path / "out"), "--no-report", "--draws", "10"]
    states = ["--corpus", str(text), "--sentences", "20"]
    other = str(save_model(tmp_path / "other", seed=1))
    scores = [*states, "--metrics", "mexa", "--variants", "raw", *out]
    return {
        "layers": ["layers", "--ckpt", str(llama), *scores],
        "compare": ["compare", str(llama), other, *scores],
        "extract": ["extract", "--ckpt", str(llama), *states],
        "evaluate": ["evaluate", str(llama), "--task", "xquad", "--data", str(tmp_path), "--langs", "en", "--new-tokens", "2",
                     "--no-language", *out],
        "inside": ["inside", str(llama), "--corpus", str(text), "--layers", "1", "--random-controls", "2", *out],
        "quantisation": ["quantisation", str(llama), other, *states, *out],
        "doctor": ["doctor"],
        "list": ["list", "checkpoints"],
        "cache list": ["cache", "list"],
        "cache verify": ["cache", "verify"],
        "cache prune": ["cache", "prune", "--all"],
    }  # fmt: skip


@pytest.fixture(params=["a file", "read-only"])
def bad_home(request, tmp_path, monkeypatch):
    home = tmp_path / "bad"
    monkeypatch.setenv("REPALIGN_HOME", str(home))
    if request.param == "a file":
        home.write_text("mine")
        yield home
        assert home.read_text() == "mine"
    else:
        home.mkdir()
        with read_only(home):
            yield home
        assert not list(home.iterdir())


def test_every_command_works_or_says_in_one_line_what_to_do(bad_home, commands, capsys):
    for name, command in commands.items():
        status, said = main(command), capsys.readouterr().err.splitlines()
        assert status == (name in STORING), (name, said)
        if status:
            assert said[-1].startswith(f"repalign: cannot write {bad_home}"), said
            assert "set REPALIGN_HOME" in said[-1], said
            assert "--no-store" in said[-1], said


def test_without_a_store_no_home_is_needed(bad_home, commands, capsys):
    for name in ("layers", "evaluate"):
        assert main([*commands[name], "--no-store"]) == 0, (name, capsys.readouterr().err)


def test_doctor_says_whether_the_home_can_be_written_and_how_full_it_is(tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("mine")
    for home, state in {
        "new": "; can be written",
        "file": "is a file, expected a folder",
        "file/below": "is a file, expected a folder",
    }.items():
        monkeypatch.setenv("REPALIGN_HOME", str(tmp_path / home))
        assert main(["doctor"]) == 0
        said = capsys.readouterr().out
        assert state in said
        assert "GB free" in said
        assert "no limit" in said
        assert not (tmp_path / "new").exists(), "a question leaves nothing behind"
    for limit, said in {"ten": "number of gigabytes above 0", "1.5": "at most 1.5 GB of states"}.items():
        monkeypatch.setenv("REPALIGN_CACHE_GB", limit)
        assert main(["doctor"]) == 0
        assert said in capsys.readouterr().out


@pytest.mark.parametrize("folder", ["~no-such-user/cache", "/tmp/" + "x" * 300, "/a" * 3000])
def test_homes_that_no_system_can_have(folder, llama, monkeypatch, capsys):
    monkeypatch.setenv("REPALIGN_HOME", folder)
    for command in (["list", "checkpoints"], ["layers", "--ckpt", "m-llama", "--no-train"], ["cache", "list"],
                    ["cache", "prune", "--all"], ["layers", "--ckpt", str(llama)]):  # fmt: skip
        assert main(command) == 1, command
        assert len(capsys.readouterr().err.splitlines()) == 1, command


def test_a_trained_checkpoint_is_found_in_a_home_that_cannot_be_written(llama, commands, home, tmp_path):
    trained = shutil.copytree(llama, home / "checkpoints" / "base")
    Card("base", {}, "0", None, "raw", [], 0, 1, 1, {}, 1.0).write(trained)
    commands["layers"][2] = "base"
    with read_only(home):
        assert main([*commands["layers"], "--no-store", "--no-train"]) == 0
        assert main(["list", "checkpoints"]) == 0
