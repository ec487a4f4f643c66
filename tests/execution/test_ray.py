"""A real Ray cluster of two nodes on loopback, with a token: `pytest -m heavy tests/execution/test_ray.py`."""

from __future__ import annotations

import builtins
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from tiny_models import SENTENCES, save_tiny_model

from repalign.commands.main import main
from repalign.errors import RepalignError
from repalign.execution import ray_actors

LINES = 40


def test_without_ray_one_line_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without_ray(name, *args, **kwargs):
        if name == "ray":
            raise ImportError("No module named 'ray'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_ray)
    with pytest.raises(RepalignError, match=r"pip install 'repalign\[ray\]'"), ray_actors.connected():
        pass


@pytest.fixture(scope="module")
def nodes():
    """Two nodes; their folder has a short name, as paths of sockets are limited."""
    pytest.importorskip("ray", reason="needs Ray: pip install 'repalign[ray]'")
    psutil = pytest.importorskip("psutil")
    from ray_cluster import cluster

    folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
    before = set(psutil.Process().children(recursive=True))
    try:
        with cluster(folder / "r", ("first", "second")) as made:
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        left = [one for one in psutil.Process().children(recursive=True) if one not in before]
        assert not [one for one in left if one.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Two checkpoints and text."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "text").mkdir()
    for lang, rows in SENTENCES.items():
        lines = [f"{rows[n % 4]} {n}" for n in range(LINES)]
        (folder / "text" / f"{lang}.txt").write_text("\n".join(lines), encoding="utf-8")
    for seed, name in enumerate(("one", "two")):
        save_tiny_model(folder / name, seed=seed)
    return folder


def command(work: Path, *options: str) -> list[str]:
    checkpoints = [str(work / "one"), str(work / "two")]
    return ["extract", *checkpoints, "--corpus", str(work / "text"), "--poolings", "mean,last", *options]


def start(nodes, work: Path, home: Path, *options: str) -> subprocess.Popen:
    argv = command(work, "--engine", "ray", "--address", nodes.address, *options)
    return subprocess.Popen(
        [sys.executable, "-m", "repalign", *argv],
        env={**nodes.environment, "REPALIGN_HOME": str(home)}, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def written(home: Path) -> dict[str, bytes]:
    return {str(path.relative_to(home)): path.read_bytes() for path in home.glob("states/*/*.npy")}


@pytest.mark.heavy
def test_a_cluster_writes_what_one_process_writes_also_when_an_actor_and_a_node_are_killed(
    nodes, work, tmp_path, monkeypatch
):
    local, remote = tmp_path / "local", tmp_path / "remote"
    monkeypatch.setenv("REPALIGN_HOME", str(local))
    assert main(command(work)) == 0
    run = start(nodes, work, remote)
    wait_for(lambda: len(nodes.actors("first")) + len(nodes.actors("second")) == 2, run)
    nodes.actors("first")[0].kill()
    wait_for(lambda: written(remote), run)
    kept = {path: path.stat().st_mtime_ns for path in remote.glob("states/*/*.npy")}
    nodes.kill("second")
    said = run.communicate(timeout=600)[1]
    assert run.returncode == 0, said
    assert "lost" in said
    assert written(remote) == written(local)
    assert all(path.stat().st_mtime_ns == before for path, before in kept.items())  # none of them twice
    assert not list(remote.glob("states/*/.*.partial"))


@pytest.mark.heavy
def test_without_the_token_nobody_is_let_in(nodes, work, tmp_path):
    nodes.environment, kept = {**nodes.environment, "RAY_AUTH_TOKEN": "0" * 64}, nodes.environment
    try:
        run = start(nodes, work, tmp_path)
        assert run.communicate(timeout=600)[1].count("repalign: no connection to a Ray cluster") == 1
        assert run.returncode == 1
    finally:
        nodes.environment = kept


def wait_for(condition, run: subprocess.Popen) -> None:
    until = time.monotonic() + 600
    while not condition():
        assert run.poll() is None, run.communicate()[1]
        assert time.monotonic() < until, os.getloadavg()
        time.sleep(0.05)
