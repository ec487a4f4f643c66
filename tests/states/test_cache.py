"""The cache: what is listed, verified and pruned, and what is left alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import filelock
import numpy as np
import pytest

from repalign.checkpoints import Checkpoint
from repalign.commands.main import main
from repalign.corpora import ParallelCorpus
from repalign.states.extraction import extract
from repalign.states.store import Shape, Store

KEY = {"weights": "w" * 64, "template": "raw", "pooling": "mean", "site": "resid", "dtype": "float32"}
ANSWER = {"prompt": "0" * 64, "text": "two"}


def stored(home: Path, language: str, rows: int = 100, age: float = 0, weights: str = "w" * 64) -> Store:
    """States of 1,000 bytes per row and 10 rows, last used `age` seconds ago."""
    store = Store.of(
        home / "states", {**KEY, "language": language, "weights": weights}, Shape((0,), 1, rows, 25)
    )
    with store.locked():
        store.write(0, np.ones((1, rows, 25), np.float32))
    for path in store.folder.iterdir():
        os.utime(path, (0, time.time() - age))
    return store


@pytest.fixture
def filled(home) -> Path:
    """A home with one entry of each kind."""
    stored(home, "en")
    for kind in ("answers", "verdicts"):
        (home / kind).mkdir()
        (home / kind / f"{'a' * 32}.jsonl").write_text(f"\n{json.dumps(ANSWER)}\n")
    (home / "digests").mkdir()
    (home / "digests" / ("b" * 64)).write_text("c" * 64)
    (home / "gguf" / ("d" * 32)).mkdir(parents=True)
    for name in ("config.json", "quantization.txt"):
        (home / "gguf" / ("d" * 32) / name).write_text("{}")
    (home / "checkpoints" / "mine").mkdir(parents=True)
    (home / "checkpoints" / "mine" / "model.safetensors").write_text("trained")
    return home


def contents(folder: Path) -> dict[bytes, tuple[object, float]]:
    """What everything below a folder holds, and when it was changed."""
    return {
        os.fsencode(path): (
            path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None,
            0 if path.is_dir() else path.lstat().st_mtime,
        )
        for path in sorted(folder.rglob("*"))
    }


def test_every_kind_is_listed(filled, capsys):
    assert main(["cache", "list"]) == 0
    said = capsys.readouterr().out
    assert (
        "1 states (0.0 MB), 1 answers (0.0 MB), 1 verdicts (0.0 MB), 1 digests (0.0 MB), 1 gguf (0.0 MB)"
        in said
    )
    assert "en      raw|mean|resid|float32" in said
    assert main(["cache", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["kind"] for row in rows] == ["states", "answers", "verdicts", "digests", "gguf"]
    assert {row["status"] for row in rows} == {"ours"}


@pytest.mark.parametrize("options", [[], ["--dry-run"], ["--only", "states"], ["--all", "--older", "1d"]])
def test_nothing_is_pruned_unless_it_is_said_what(options, filled, capsys):
    before = contents(filled)
    assert main(["cache", "prune", *options]) == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert all(option in said for option in ("--older", "--larger", "--all", "--dry-run"))
    assert contents(filled) == before


def test_a_dry_run_lists_what_would_be_removed(filled, capsys):
    before = contents(filled)
    assert main(["cache", "prune", "--all", "--dry-run"]) == 0
    would = capsys.readouterr().out
    assert contents(filled) == before
    assert main(["cache", "prune", "--all"]) == 0
    assert capsys.readouterr().out == would.replace("would remove", "removed")
    assert {path.name for path in filled.rglob("*") if path.is_file()} == {"model.safetensors"}


def test_pruning_by_age_size_and_kind(home, capsys):
    old, large, both = (
        stored(home, language, rows, age)
        for language, rows, age in [("en", 1, 90_000), ("el", 300, 0), ("zh", 300, 90_000)]
    )
    assert main(["cache", "prune", "--older", "1d", "--larger", "20kB"]) == 0
    assert [store.folder.exists() for store in (old, large, both)] == [True, True, False]
    assert main(["cache", "prune", "--older", "1d", "--only", "answers"]) == 0
    assert old.folder.exists()
    assert main(["cache", "prune", "--older", "24h"]) == 0
    assert [store.folder.exists() for store in (old, large)] == [False, True]
    with large.locked():  # used again
        pass
    assert main(["cache", "prune", "--larger", "0.02MB"]) == 0
    assert not large.folder.exists()
    assert main(["cache", "prune", "--all", "--only", "state"]) == 1
    assert "did you mean 'states'" in capsys.readouterr().err


def test_what_is_not_ours_is_listed_and_left_alone(filled, tmp_path, capsys):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "key.json").write_text("mine")
    states = filled / "states"
    ours = next(states.iterdir())
    (states / "link").symlink_to(elsewhere)
    (states / ("e" * 32)).symlink_to(elsewhere)
    (states / ("f" * 32)).symlink_to(tmp_path / "nowhere")
    (states / "thesis.tex").write_text("mine")
    (states / ("0" * 32)).mkdir()
    (states / ("0" * 32) / "key.json").write_bytes((ours / "key.json").read_bytes())
    for number, text in enumerate(["", "[]", "{}", "[" * 100_000, '{"key": {}, "shape": {"blocks": 1}}'], 1):
        (states / (str(number) * 32)).mkdir()
        (states / (str(number) * 32) / "key.json").write_text(text)
    stored(filled, "el").folder.joinpath("notes.txt").write_text("mine")
    stored(filled, "zh").folder.joinpath("00001-abcdef01.npy").symlink_to(elsewhere / "key.json")
    os.mkfifo(filled / "answers" / f"{'e' * 32}.jsonl")
    (filled / "answers" / "mine.jsonl").write_text("{}")
    (filled / "answers" / f"{'f' * 32}.jsonl").write_text("mine\n")
    (filled / "verdicts" / f"{'f' * 32}.jsonl").mkdir()
    (filled / "digests" / "\x1b[31m\n").write_text("mine")
    (filled / "digests" / os.fsdecode(b"\xff")).write_text("mine")
    (filled / "digests" / ("0" * 64)).write_text("")
    (filled / "gguf" / ("e" * 32)).mkdir()
    (filled / "gguf" / ("e" * 32) / "mine.txt").write_text("mine")
    before = contents(filled)
    for action in (["list"], ["prune", "--all"]):
        assert main(["cache", *action]) == 0
        said = capsys.readouterr().out
        assert all(line.isprintable() for line in said.splitlines())
        for name in (
            "link",
            "thesis.tex",
            "0" * 32,
            "5" * 32,
            "mine.jsonl",
            "digests/?",
            "notes.txt",
            "00001-abcdef01.npy",
        ):
            assert name in said, name
    removed = {os.fsdecode(path) for path in set(before) - set(contents(filled))}
    assert {path for path in removed if not path.startswith(str(ours))} == {
        str(filled / name)
        for name in (f"answers/{'a' * 32}.jsonl", f"verdicts/{'a' * 32}.jsonl", f"digests/{'b' * 64}", f"gguf/{'d' * 32}",
                     f"gguf/{'d' * 32}/config.json", f"gguf/{'d' * 32}/quantization.txt")
    }  # fmt: skip
    assert {path: value for path, value in before.items() if os.fsdecode(path) not in removed} == contents(
        filled
    )
    assert (elsewhere / "key.json").read_text() == "mine"


def test_verify_finds_every_kind_of_damage(filled, capsys):
    assert main(["cache", "verify"]) == 0
    assert "nothing damaged" in capsys.readouterr().out
    stored(filled, "el").folder.joinpath("key.json").write_text("{")
    shard = next(stored(filled, "zh").folder.glob("*.npy"))
    shard.write_bytes(shard.read_bytes()[:-1])
    with (filled / "answers" / f"{'a' * 32}.jsonl").open("a") as file:
        file.write('{"prompt": 3}\n{"prom\n')
    with (filled / "verdicts" / f"{'a' * 32}.jsonl").open("a") as file:
        file.write("[" * 100_000)
    (filled / "digests" / ("0" * 64)).write_text("")
    (filled / "gguf" / ("d" * 32) / "config.json").write_text("{")
    (filled / "states" / "thesis.tex").write_text("mine")
    assert main(["cache", "verify"]) == 1
    said = capsys.readouterr()
    for line in ("key.json is missing or damaged; written or computed again", f"{shard.name}: checksum", "line 3: cut short",
                 "line 4: cut short", "the judge is asked again", "not 64 hexadecimal digits", "not valid JSON",
                 "thesis.tex: ignored, foreign", "7 damaged"):  # fmt: skip
        assert line in said.out, line
    assert said.err.startswith("repalign: 7 places of the cache are damaged")
    assert main(["cache", "verify", "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)) == 7


def test_one_entry_that_cannot_be_removed_keeps_no_other(home, capsys, monkeypatch):
    stubborn, *others = (stored(home, language) for language in ("en", "el", "zh"))
    unlink = Path.unlink

    def refused(path: Path, missing_ok: bool = False) -> None:
        if path.parent == stubborn.folder:
            raise PermissionError(1, "Operation not permitted")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    assert main(["cache", "prune", "--all"]) == 1
    said = capsys.readouterr()
    assert f"kept {stubborn.folder}: cannot be removed (Operation not permitted)" in said.out
    assert "removed 2 states" in said.out
    assert "1 entries could not be removed" in said.err
    assert not any(store.folder.exists() for store in others)


def test_what_cannot_be_read_is_named_and_kept(filled, capsys, monkeypatch):
    opened = Path.open

    def refused(path: Path, *args, **kwargs):
        if path.parent.name in ("answers", "digests"):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refused)
    assert main(["cache", "verify"]) == 1
    assert main(["cache", "prune", "--all"]) == 0
    assert capsys.readouterr().out.count("cannot be read (Permission denied)") == 4
    assert [path.name for path in filled.glob("[ad]*/*")] == ["a" * 32 + ".jsonl", "b" * 64]
    assert not list((filled / "states").iterdir())


def test_what_another_process_has_locked_is_kept(home, capsys):
    store = stored(home, "en")
    with filelock.FileLock(store.folder / ".lock"):
        assert main(["cache", "prune", "--all"]) == 0
    assert "in use" in capsys.readouterr().out
    assert store.missing(print) == []
    (home / "verdicts").mkdir()
    verdicts = home / "verdicts" / f"{'a' * 32}.jsonl"
    verdicts.write_text(json.dumps(ANSWER))
    with filelock.FileLock(verdicts.with_suffix(".lock")):
        assert main(["cache", "prune", "--all", "--only", "verdicts"]) == 0
    assert verdicts.exists()
    assert main(["cache", "prune", "--all"]) == 0
    assert [*home.glob("*/*")] == []


READER = """
import sys
from repalign import Checkpoint, ParallelCorpus, extract
states = extract(Checkpoint.named(sys.argv[1]), ParallelCorpus("two", {"en": ["a b", "c d"], "el": ["e f", "g h"]}))
print("mapped", flush=True)
input()
print(sum(float(states.layer(language, layer).sum()) for language in states.languages for layer in states.layers))
"""


def test_states_that_another_process_has_mapped_are_kept(llama, home, capsys):
    sentences = ParallelCorpus("two", {"en": ["a b", "c d"], "el": ["e f", "g h"]})
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(llama)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "mapped\n"
    assert main(["cache", "prune", "--all"]) == 0
    assert capsys.readouterr().out.count("in use: a process reads these states") == 2
    states = extract(Checkpoint.named(str(llama)), sentences)  # readers do not exclude each other
    total = sum(
        float(states.layer(lang, layer).sum()) for lang in states.languages for layer in states.layers
    )
    assert float(reader.communicate("\n")[0]) == total
    assert main(["cache", "prune", "--all", "--only", "states"]) == 0
    assert len(list((home / "states").iterdir())) == 2, "this process reads them"
    del states
    assert main(["cache", "prune", "--all", "--only", "states"]) == 0
    assert list((home / "states").iterdir()) == []


def test_pruning_again_and_again_costs_a_run_nothing_but_time(llama, corpus, home):
    expected = extract(Checkpoint.named(str(llama)), corpus, store=False)
    pruner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from repalign.commands.main import main\nwhile True: main(['cache', 'prune', '--all'])",
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(20):
            states = extract(Checkpoint.named(str(llama)), corpus)
            assert all(np.array_equal(states[lang], expected[lang]) for lang in corpus.languages)
            del states
    finally:
        pruner.kill()
        pruner.wait()
