"""Faults while a run is saved or resumed: kills, full disks, damaged files. Nothing is lost, and each fault is one line."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from factories import weights
from kills import Job, contents, differences, undisturbed
from repalign_training.__main__ import main
from repalign_training.folder import RUN, claimed, description, write_faults
from repalign_training.recipe import load_recipe
from repalign_training.run import train
from repalign_training.steps import SEAL, STEPS, last_checkpoint, seal
from safetensors import SafetensorError

from repalign.checkpoints import Card
from repalign.errors import RepalignError

NO_RUN = {"digest": "0", "recipe": {"name": "another", "seed": 1}}


def checkpoint(folder, step, run=NO_RUN, sealed=True):
    """A checkpoint with files as the Trainer writes them."""
    path = folder / STEPS / f"checkpoint-{step}"
    path.mkdir(parents=True)
    for name in ("model.safetensors", "optimizer.pt", "rng_state.pth", "trainer_state.json"):
        (path / name).write_text(f"{name} of {step}")
    if sealed:
        seal(path, run, 1.0)
    return path


def cut(path):
    path.write_bytes(path.read_bytes()[:-2])


def flip(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    "name", ["model.safetensors", "optimizer.pt", "rng_state.pth", "trainer_state.json", SEAL]
)
@pytest.mark.parametrize("damage", [cut, flip, Path.unlink, lambda path: path.write_bytes(b"")])
def test_no_run_resumes_from_a_damaged_checkpoint(name, damage, tmp_path, caplog):
    first, last = checkpoint(tmp_path, 9), checkpoint(tmp_path, 12)
    assert last_checkpoint(tmp_path) == last
    damage(last / name)
    assert last_checkpoint(tmp_path) == first
    unsealed = name == SEAL and not (last / SEAL).exists()
    assert unsealed or f"{last} is damaged ({name}" in caplog.text or SEAL in caplog.text
    assert last.is_dir()


def test_a_run_whose_checkpoints_are_all_damaged_is_not_started_over(tmp_path):
    for step in (3, 6):
        cut(checkpoint(tmp_path, step) / "optimizer.pt")
    with pytest.raises(
        RepalignError, match=r"checkpoint-6 is damaged \(optimizer.pt has 15 bytes, expected 17\)"
    ):
        last_checkpoint(tmp_path)
    assert len(list((tmp_path / STEPS).iterdir())) == 2
    assert last_checkpoint(tmp_path / "none") is None


def test_half_written_checkpoints_are_removed_and_others_left_alone(recipe_file, tmp_path):
    recipe = load_recipe(recipe_file)
    run = description(recipe)
    checkpoint(tmp_path, 3, run)
    checkpoint(tmp_path, 6, run, sealed=False)
    (tmp_path / STEPS / "checkpoint-best").mkdir()
    (tmp_path / RUN).write_text(json.dumps(run))
    with claimed(tmp_path, recipe):
        pass
    assert sorted(path.name for path in (tmp_path / STEPS).iterdir()) == ["checkpoint-3", "checkpoint-best"]


DAMAGES = {
    "cut": b'{"digest": "', "empty": b"", "a list": b"[]", "wrong types": b'{"digest": 3, "recipe": []}',
    "of another kind": b'{"id": 3}', "deep": b"[" * 100_000, "not UTF-8": b"\xff\xfe{", "a folder": None,
}  # fmt: skip


def damaged_run(folder, kind):
    (folder / RUN).unlink(missing_ok=True)
    data = DAMAGES[kind]
    (folder / RUN).mkdir(parents=True) if data is None else (folder / RUN).write_bytes(data)


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_run_json_is_one_line_where_nothing_says_which_run_it_was(
    kind, recipe_file, tmp_path, capsys
):
    damaged_run(tmp_path, kind)
    assert main([recipe_file, "--out", str(tmp_path)]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"training: {'cannot read ' if kind == 'a folder' else ''}{tmp_path / RUN}")
    assert said.endswith(
        "holds no checkpoint to resume from: give another folder with --out, or empty this one"
    )
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".toml"] == [RUN]


@pytest.mark.parametrize("kind", [kind for kind in DAMAGES if kind != "a folder"] + ["missing"])
def test_a_damaged_run_json_is_written_again_from_the_checkpoints(kind, recipe_file, tmp_path, caplog):
    recipe = load_recipe(recipe_file)
    folder = tmp_path / "out"
    checkpoint(folder, 3, description(recipe))
    if kind != "missing":
        damaged_run(folder, kind)
    with claimed(folder, recipe):
        assert json.loads((folder / RUN).read_text()) == description(recipe)
    assert ("it is written again" in caplog.text) == (kind != "missing")
    with (
        pytest.raises(RepalignError, match=r"holds another run \(seed 0 -> 1\)"),
        claimed(folder, load_recipe(recipe_file, seed=1)),
    ):
        pass
    assert last_checkpoint(folder)


def test_resumed_after_several_faults_equals_undisturbed(recipe_file, tmp_path, monkeypatch, capsys):
    from repalign_training.progress import Progress

    assert main([recipe_file, "--out", str(tmp_path / "undisturbed")]) == 0
    step_end, out = Progress.on_step_end, tmp_path / "out"

    def interrupted(self, args, state, control, **kwargs):
        step_end(self, args, state, control, **kwargs)
        if state.global_step == 8:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "on_step_end", interrupted)
        assert main([recipe_file, "--out", str(out)]) == 130
    assert "rerun the same command to resume from the last checkpoint" in capsys.readouterr().err
    (step,) = (out / STEPS).iterdir()
    shutil.copytree(step, step.with_name("checkpoint-7"))
    (step.with_name("checkpoint-7") / SEAL).unlink()  # killed while saving
    shutil.copytree(step, step.with_name("checkpoint-8"))
    (step.with_name("checkpoint-8") / "rng_state.pth").unlink()  # lost later
    cut(out / RUN)
    assert main([recipe_file, "--out", str(out)]) == 0
    said = capsys.readouterr().err
    assert "checkpoint-8 is damaged (rng_state.pth is missing); resuming from checkpoint-6" in said
    assert weights(out).keys() == weights(tmp_path / "undisturbed").keys()
    assert (out / "model.safetensors").read_bytes() == (
        tmp_path / "undisturbed" / "model.safetensors"
    ).read_bytes()
    one, other = Card.read(out), Card.read(tmp_path / "undisturbed")
    assert one.losses == other.losses
    assert {path.name for path in out.iterdir()} == {
        path.name for path in (tmp_path / "undisturbed").iterdir()
    }


def test_what_a_kill_after_the_card_left_is_removed(recipe_file, tmp_path):
    recipe = load_recipe(recipe_file)
    checkpoint(tmp_path / "out", 3, description(recipe))
    Card("tiny", recipe.as_dict(), recipe.digest, None, "brief", [], 0, 16, 1, {}, 1.0).write(
        tmp_path / "out"
    )
    for name in (RUN, ".lock", ".run.json.0.partial"):
        (tmp_path / "out" / name).touch()
    assert main([recipe_file, "--out", str(tmp_path / "out")]) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["repalign.json"]


NO_SPACE = "No space left on device (os error 28)"
FULL_DISK = {
    "python": OSError(errno.ENOSPC, "No space left on device"),
    "torch": RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534"),
    "torch, small file": RuntimeError("basic_ios::clear: iostream error"),
    "safetensors": SafetensorError(f"Error while serializing: I/O error: {NO_SPACE}"),
    "tokenizers": Exception(NO_SPACE),
}
"""What the libraries raise on a full disk, as seen on one; `test_a_full_disk_at_any_point_of_a_run` fills it."""


@pytest.mark.parametrize("library", FULL_DISK)
def test_a_full_disk_is_one_line_whichever_library_writes(
    library, recipe_file, tmp_path, monkeypatch, capsys
):
    """The second checkpoint cannot be written: the first one is kept, and resumed from when there is room."""
    from repalign_training import trainer

    def full(checkpoint, *args):
        if checkpoint.name == "checkpoint-6":
            raise FULL_DISK[library]
        seal(checkpoint, *args)

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "seal", full)
        assert main([recipe_file, "--out", str(out)]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"training: cannot write to {out}: ")
    assert "No space left" in said or "disk is full" in said
    assert [path.name for path in (out / STEPS).iterdir()] == ["checkpoint-3"]
    assert main([recipe_file, "--out", str(out)]) == 0
    assert "resuming from checkpoint-3" in capsys.readouterr().err


def test_other_errors_pass_as_they_are(tmp_path):
    for error in (
        OSError(errno.ECONNRESET, "reset"),
        RuntimeError("another"),
        FileNotFoundError(2, "no", "/elsewhere"),
    ):
        with pytest.raises(type(error)) as caught, write_faults(tmp_path):
            raise error
        assert caught.value is error


@pytest.mark.heavy
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root mounts a small disk")
@pytest.mark.parametrize("kilobytes", [4, 60, 400, 600, 800, 1000])
def test_a_full_disk_at_any_point_of_a_run(kilobytes, recipe_file, tmp_path):
    (tmp_path / "disk").mkdir()
    options = (
        "--set",
        "train.align_steps=5",
        "--set",
        "corpus=phrasebook",
        "--out",
        str(tmp_path / "disk" / "out"),
    )
    job = Job("repalign_training.__main__", (recipe_file, *options), tmp_path / "disk")
    expected, _, _ = undisturbed(job)
    job.root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", job.root], check=True)
    try:
        code, said = job.run()
        assert code == 1
        assert "Traceback" not in said
        assert said.splitlines()[-1].startswith("training: cannot write")
        assert kilobytes < 600 or last_checkpoint(job.root / "out")
        subprocess.run(["mount", "-o", "remount,size=64m", job.root], check=True)
        code, said = job.run()
        assert code == 0, said
        assert differences(expected, contents(job.root)) == []
    finally:
        subprocess.run(["umount", job.root], check=True)


def test_a_run_that_fails_at_once_leaves_no_folder(recipe_file, tmp_path, monkeypatch):
    def fails(*args, **kwargs):
        raise RepalignError("no data")

    monkeypatch.setattr("repalign_training.data.dataset.read_data", fails)
    with pytest.raises(RepalignError, match="no data"):
        train(load_recipe(recipe_file), tmp_path / "a" / "b" / "c")
    assert not (tmp_path / "a").exists()
