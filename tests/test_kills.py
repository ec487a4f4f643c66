"""Killed commands, of every kind: what they had done is used again, the results are bit-identical, nothing is left behind.

The quick tests kill each command once, those marked `heavy` twenty times just before a write and twenty times at a random moment.
"""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

import pytest
from kills import Job, contents, differences, undisturbed

COMMANDS = ["layers", "compare", "extract", "evaluate", "inside", "training", "adapter"]
SMALL_SHARDS = (("repalign.states.store:SHARD_BYTES", 4 * 4 * 32 * 8),)
"""Eight sentences each, so that a run writes some thirty."""


@pytest.fixture
def make(llama, save_model, tmp_path):
    """make(command): a job that runs it on tiny models."""
    shutil.copy(Path(__file__).parent / "data" / "tiny.toml", tmp_path)
    root = tmp_path / "job"
    corpus = ["--corpus", "everyday", "--langs", "en,zh,el", "--sentences", "40"]
    quick, out = ["--metrics", "mexa", "--draws", "20"], ["--out", str(root / "out")]

    def make(command: str) -> Job:
        model = str(llama)
        arguments = {
            "layers": lambda: ["--ckpt", model, *corpus, *quick, *out],
            "compare": lambda: [model, str(save_model(tmp_path / "other", seed=1)), *corpus, *quick, *out],
            "extract": lambda: ["--ckpt", model, *corpus, "--poolings", "mean,last"],
            "evaluate": lambda: [model, "--task", "translation", "--data", "everyday", "--langs", "zh,el", "--limit", "12",
                                 "--new-tokens", "4", "--batch-tokens", "128", "--no-language", *out],
            "inside": lambda: [model, *corpus, "--random-controls", "2", "--draws", "20", *out],
            "training": lambda: [str(tmp_path / "tiny.toml"), "--set", "train.align_steps=5", "--set", "corpus=phrasebook", *out],
            "adapter": lambda: [str(tmp_path / "tiny.toml"), "--set", f"parent={model}", "--set", "adapter.r=4", *out],
        }  # fmt: skip
        if command in ("training", "adapter"):
            job = Job("repalign_training.__main__", tuple(arguments[command]()), root)
        else:
            job = Job("repalign.commands.main", (command, *arguments[command]()), root, SMALL_SHARDS)
        root.mkdir()
        return job

    return make


def finished(job: Job) -> dict[str, object]:
    """What it leaves when it is run to its end. Its folder is removed."""
    before = {path: path.stat().st_ino for path in job.root.rglob("*.npy")}
    resumable = any(job.root.glob("out/steps/*/repalign-seal.json"))
    code, said = job.run()
    assert code == 0, said
    assert "resuming from checkpoint-" in said or not resumable, said
    assert all(path.stat().st_ino == shard for path, shard in before.items()), "computed again"
    left = contents(job.root)
    shutil.rmtree(job.root)
    return left


@pytest.mark.parametrize(
    ("command", "kills"),
    [*((command, 1) for command in COMMANDS), *(pytest.param(command, 20, marks=pytest.mark.heavy) for command in COMMANDS)],
)  # fmt: skip
def test_killed_just_before_a_write(command, kills, make):
    job = make(command)
    expected, _, writes = undisturbed(job)
    for write in sorted(random.Random(command).sample(range(writes), kills)):
        job.root.mkdir()
        code, said = job.run(die_at=write)
        assert code == -signal.SIGKILL, said
        assert differences(expected, finished(job)) == [], f"killed before write {write} of {writes}"


@pytest.mark.heavy
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", COMMANDS)
def test_stopped_at_any_moment_again_and_again(command, number, make):
    job, rng, kills = make(command), random.Random(command), 0
    expected, _, _ = undisturbed(job)
    job.root.mkdir()
    _, seconds, _ = undisturbed(job)  # the first run also starts the server
    while kills < 20:
        job.root.mkdir()
        while (code := job.killed_after(rng.uniform(0, seconds), number)) is not None:
            kills += 1
            assert code in (-number, 128 + number), job.said
            assert "Traceback" not in job.said
        assert differences(expected, finished(job)) == []
