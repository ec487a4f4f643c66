"""Several processes: what one of them fails at or dies of costs nothing but time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from tiny_models import SENTENCES

from repalign.checkpoints import home
from repalign.corpora import ParallelCorpus
from repalign.errors import RepalignError
from repalign.execution.plan import plan
from repalign.execution.processes import CONTEXT, run_processes
from repalign.execution.run import fill
from repalign.states.extraction import read_states
from repalign.states.spec import ReadingSpec

CORPUS = ParallelCorpus({lang: rows * 3 for lang, rows in SENTENCES.items()}, "tiny")


def written(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("*/*.npy")}


def test_two_processes_write_what_one_does_although_one_of_them_is_killed(llama, tmp_path):
    def kill_one() -> None:
        while not (children := multiprocessing.active_children()):
            time.sleep(0.05)
        os.kill(children[-1].pid, signal.SIGKILL)

    threading.Thread(target=kill_one, daemon=True).start()
    assert fill([str(llama)], CORPUS, store=str(tmp_path), devices=["cpu", "cpu"]).computed == 3
    assert not multiprocessing.active_children()
    assert not (home() / "states").exists()
    read_states(str(llama), CORPUS, [ReadingSpec()])
    assert written(tmp_path) == written(home() / "states")


def test_a_unit_that_always_fails_is_reported_with_its_reason(llama):
    made = plan([str(llama)], CORPUS, [ReadingSpec()])
    with pytest.raises(RepalignError, match=r"tiny-llama, en, shard 0 failed 4 times.*no device 'hpu'"):
        run_processes(made, made.units[:1], ["hpu"])
    assert not multiprocessing.active_children()


def test_the_context_is_one_that_gpus_allow():
    assert CONTEXT.get_start_method() == "spawn"
