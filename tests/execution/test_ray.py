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
from slow_pooling import SLOW
from tiny_models import SENTENCES, save_tiny_model

from repalign.errors import RepalignError
from repalign.execution import ray_actors
from repalign.execution.run import fill, fill_on_ray, score
from repalign.scoring.spec import ScoringSpec
from repalign.states.spec import Machine, ReadingSpec


def test_without_ray_one_line_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without_ray(name, *args, **kwargs):
        if name == "ray":
            raise ImportError("No module named 'ray'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_ray)
    with pytest.raises(RepalignError, match=r"pip install 'repalign\[ray\]'"), ray_actors.connected():
        pass


def test_a_gpu_is_not_chosen_by_number(llama):
    with pytest.raises(RepalignError, match="give --gpus-per-actor K"):
        fill_on_ray([str(llama)], {"en": ["A dog."]}, machine=Machine(device="cuda:0"))


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


@pytest.fixture
def work(tmp_path):
    """Two checkpoints."""
    return [str(save_tiny_model(tmp_path / name, seed=seed)) for seed, name in enumerate(("one", "two"))]


LANGUAGES = ("de", "el", "en", "fr", "tr", "zh")
TEXT = {
    lang: [f"{row} {lang} {n}" for n in range(5) for row in SENTENCES.get(lang, SENTENCES["en"])]
    for lang in LANGUAGES
}

DRIVER = """
import sys
from slow_pooling import SLOW
from repalign.commands.main import log_to_stderr
from repalign.execution.run import fill_on_ray
from repalign.states.spec import ReadingSpec
from test_ray import TEXT
with log_to_stderr():
    done = fill_on_ray(sys.argv[2:], TEXT, [ReadingSpec(pooling=SLOW)], address=sys.argv[1])
print(done.computed, "of", len(done.plan.units))
"""


SCORER = """
import sys
from repalign.commands.main import log_to_stderr
from repalign.execution.run import score_on_ray
from repalign.scoring.spec import ScoringSpec
from test_ray import SCORED, TEXT
with log_to_stderr():
    done = score_on_ray(sys.argv[2:], TEXT, scoring=ScoringSpec(**SCORED), compare=True, address=sys.argv[1])
print(done.computed, "of", len(done.plan.units))
"""

SCORED = {"metrics": ("mexa", "cka"), "pairs": "all", "draws": 50}


def start(nodes, work: list[str], home: Path, driver: str = DRIVER) -> subprocess.Popen:
    """A driver in a process of its own."""
    environment = {**nodes.environment, "REPALIGN_HOME": str(home)}
    environment["PYTHONPATH"] += os.pathsep + str(Path(__file__).parent)
    return subprocess.Popen(
        [sys.executable, "-c", driver, nodes.address, *work],
        env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def written(home: Path) -> dict[str, bytes]:
    return {str(path.relative_to(home)): path.read_bytes() for path in home.glob("states/*/*.npy")}


@pytest.mark.heavy
def test_a_cluster_writes_what_one_process_writes_also_when_an_actor_and_a_node_are_killed(
    nodes, work, tmp_path, monkeypatch
):
    remote, local = tmp_path / "remote", tmp_path / "local"
    run = start(nodes, work, remote)
    wait_for(lambda: len(written(remote)) >= 2, run)
    nodes.actors("first")[0].kill()
    wait_for(lambda: len(written(remote)) >= 4, run)
    kept = {path: path.stat().st_mtime_ns for path in remote.glob("states/*/*.npy")}
    nodes.kill("second")
    printed, said = run.communicate(timeout=1200)
    assert run.returncode == 0, said
    assert printed.splitlines()[-1] == "12 of 12"
    assert said.count("an actor is lost") >= 2, said
    monkeypatch.setenv("REPALIGN_HOME", str(local))
    fill(work, TEXT, [ReadingSpec(pooling=SLOW)])
    assert written(remote) == written(local)
    assert all(path.stat().st_mtime_ns == before for path, before in kept.items())  # none of them twice


@pytest.mark.heavy
def test_a_cluster_stores_the_scores_of_one_process(nodes, work, tmp_path, monkeypatch):
    monkeypatch.setenv("REPALIGN_HOME", str(tmp_path / "local"))
    fill(work, TEXT)
    shutil.copytree(tmp_path / "local", tmp_path / "remote")
    done = score(work, TEXT, scoring=ScoringSpec(**SCORED), compare=True)
    run = start(nodes, work, tmp_path / "remote", SCORER)
    printed, said = run.communicate(timeout=1200)
    assert run.returncode == 0, said
    assert printed.splitlines()[-1] == f"{done.computed} of {done.computed}"
    local, remote = (
        {path.name: path.read_bytes() for path in (tmp_path / name / "scores").iterdir()}
        for name in ("local", "remote")
    )
    assert local == remote


@pytest.mark.heavy
def test_without_the_token_nobody_is_let_in(nodes, work, tmp_path):
    environment = {**nodes.environment, "RAY_AUTH_TOKEN": "0" * 64, "REPALIGN_HOME": str(tmp_path)}
    command = ["extract", work[0], "--corpus", "everyday", "--engine", "ray", "--address", nodes.address]
    run = subprocess.run(
        [sys.executable, "-m", "repalign", *command],
        env=environment, stderr=subprocess.PIPE, text=True, timeout=600,
    )  # fmt: skip
    assert run.returncode == 1
    assert run.stderr.count(f"repalign: no connection to a Ray cluster at '{nodes.address}'") == 1
    assert "Traceback" not in run.stderr


def wait_for(condition, run: subprocess.Popen) -> None:
    until = time.monotonic() + 600
    while not condition():
        assert run.poll() is None, run.communicate()[1]
        assert time.monotonic() < until, os.getloadavg()
        time.sleep(0.05)
