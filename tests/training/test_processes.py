"""Training in several processes, also killed ones; `tests/test_kills.py` kills single ones."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import repalign_training
import torch
from factories import weights
from repalign_training.__main__ import main

from repalign.checkpoints import Card


@pytest.fixture
def processes(tmp_path):
    """Command lines that start two processes on the CPU: each holding all weights, or half of each (FSDP)."""
    settings = (Path(repalign_training.__file__).parent / "recipes" / "fsdp.yaml").read_text()
    settings = settings.replace("bf16", "'no'").replace("num_processes: 8", "num_processes: 2")
    here = tmp_path / "fsdp.yaml"
    here.write_text(settings + "use_cpu: true\n")
    port = ["--main_process_port", str(free_port())]
    sharded = ["-m", "accelerate.commands.launch", "--config_file", str(here), *port]
    return {
        "whole": ["-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone", "-m", "training"],
        "sharded": [*sharded, str(Path(__file__).parents[1] / "fsdp_on_cpu.py")],
    }


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def environment():
    """With `python -m training` from any folder."""
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}


def run_together(command, *arguments):
    return subprocess.run(
        [sys.executable, *command, *arguments], env=environment(), capture_output=True, text=True, timeout=300
    )


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["whole", "sharded"])
def test_two_processes_equal_one(kind, processes, recipe_file, tmp_path):
    options = [recipe_file, "--set", "train.held_out=40", "--out"]
    done = run_together(processes[kind], *options, str(tmp_path / "two"))
    assert done.returncode == 0, done.stderr[-3000:]
    assert main([*options, str(tmp_path / "one")]) == 0
    one, two = Card.read(tmp_path / "one"), Card.read(tmp_path / "two")
    assert two.steps == one.steps
    assert two.losses == pytest.approx(one.losses, abs=1e-3)
    alone, together = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert all(torch.allclose(together[name], alone[name], atol=1e-3) for name in alone)


@pytest.mark.heavy
def test_two_processes_that_share_the_weights_go_on_after_a_kill(processes, recipe_file, tmp_path):
    options = [recipe_file, "--set", "train.save_steps=4", "--set", "train.epochs=3", "--out"]
    run_together(processes["sharded"], *options, str(tmp_path / "undisturbed"))
    killed = subprocess.Popen(
        [sys.executable, *processes["sharded"], *options, str(tmp_path / "killed")],
        env=environment(),
        stderr=subprocess.DEVNULL,
    )
    while killed.poll() is None and not list((tmp_path / "killed").glob("steps/*/repalign-seal.json")):
        time.sleep(0.02)
    launcher = psutil.Process(killed.pid)
    for process in [*launcher.children(recursive=True), launcher]:
        process.kill()
    killed.wait()
    resumed = run_together(processes["sharded"], *options, str(tmp_path / "killed"))
    assert "resuming from checkpoint-" in resumed.stderr, resumed.stderr[-3000:]
    undisturbed, killed = weights(tmp_path / "undisturbed"), weights(tmp_path / "killed")
    assert all(torch.allclose(killed[name], undisturbed[name], atol=1e-6) for name in undisturbed)


@pytest.mark.heavy
def test_alignment_is_not_measured_on_weights_spread_over_processes(processes, recipe_file, tmp_path):
    options = ["--set", "train.align_steps=5", "--out", str(tmp_path / "x")]
    done = run_together(processes["sharded"], recipe_file, *options)
    assert done.returncode != 0
    assert "alignment cannot be measured while weights are sharded" in done.stderr
