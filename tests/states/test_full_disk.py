"""A disk that is full, and free again: no two models share a digest or states, and nothing is lost."""

from __future__ import annotations

import shutil
from collections import namedtuple
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
from homes import mounted

from repalign.checkpoints import Checkpoint
from repalign.commands.main import main
from repalign.states.extraction import extract

DIGITS = set("0123456789abcdef")


@pytest.fixture
def models(tmp_path, save_model) -> dict[str, Path]:
    """Two models that differ in their weights only."""
    return {name: save_model(tmp_path / name, seed=seed) for seed, name in enumerate(("tiny", "tiny2"))}


@pytest.fixture
def small_home(tmp_path, monkeypatch):
    """A home of one megabyte."""
    with mounted(tmp_path / "disk", "1m") as disk:
        monkeypatch.setenv("REPALIGN_HOME", str(disk))
        yield disk


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        with suppress(OSError):
            while True:
                file.write(b"x" * 4096)
    return filler


def scores(models, text, out: Path) -> dict[str, pd.DataFrame]:
    """The scores of each model, by `repalign layers`."""
    tables = {}
    for name, folder in models.items():
        options = [
            "--corpus",
            str(text),
            "--sentences",
            "20",
            "--metrics",
            "mexa",
            "--draws",
            "10",
            "--no-report",
        ]
        assert main(["layers", "--ckpt", str(folder), *options, "--out", str(out / name)]) == 0
        tables[name] = pd.read_parquet(out / name / "profile.parquet").drop(columns="checkpoint")
    return tables


@pytest.fixture
def text(tmp_path) -> Path:
    folder = tmp_path / "text"
    folder.mkdir()
    for language, words in {"en": ("dog", "sees", "birds"), "el": ("σκύλος", "βλέπει", "πουλιά")}.items():
        rows = [" ".join(words[:2]) + f" {words[2]}" * count for count in range(1, 31)]
        (folder / f"{language}.txt").write_text("\n".join(rows), encoding="utf-8")
    return folder


def test_two_models_never_share_a_digest_after_a_full_disk(small_home, models, text, tmp_path, capsys):
    filler = fill(small_home)
    for folder in models.values():
        assert (
            main(["layers", "--ckpt", str(folder), "--corpus", str(text), "--out", str(tmp_path / "out")])
            == 1
        )
        assert len(capsys.readouterr().err.splitlines()) == 1
    filler.unlink()
    after = scores(models, text, tmp_path / "after")
    assert not after["tiny"].equals(after["tiny2"])
    assert all(set(path.read_text()) <= DIGITS for path in (small_home / "digests").iterdir())
    assert main(["cache", "verify"]) == 0


def test_digests_that_an_earlier_version_left_empty_are_computed_again(home, models, text, tmp_path):
    expected = scores(models, text, tmp_path / "expected")
    for path in (home / "digests").iterdir():
        path.write_text("")
    shutil.rmtree(home / "states")
    shutil.rmtree(tmp_path / "expected")
    again = scores(models, text, tmp_path / "expected")
    assert all(again[name].equals(expected[name]) for name in models)
    assert not again["tiny"].equals(again["tiny2"])


def test_a_disk_that_fills_up_while_states_are_written_loses_none(
    small_home, llama, corpus, tmp_path, monkeypatch, capsys, text
):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 0, 10**9))
    command = ["extract", "--ckpt", str(llama), "--corpus", str(text)]
    filler = fill(small_home)
    for free in (0, 4096, 8192, 12_288, 20_480, 40_960):
        with filler.open("r+b") as file:
            file.truncate(filler.stat().st_size - free)
        status, said = main(command), capsys.readouterr().err.splitlines()
        assert status == 0 or "No space left on device; what is computed so far is kept" in said[-1], said
        assert not list(small_home.rglob("*.partial"))
    filler.unlink()
    assert main(command) == 0
    assert main(["cache", "verify"]) == 0
    expected = extract(Checkpoint.named(str(llama)), str(text), store=False)
    stored = extract(Checkpoint.named(str(llama)), str(text))
    assert all((stored[language] == expected[language]).all() for language in stored.languages)
