"""Recipes trained side by side."""

from __future__ import annotations

import pytest
from repalign_training import family
from repalign_training.recipe import load_recipe

from repalign.errors import RepalignError, Terminated


def test_recipes_side_by_side_wait_for_parents_and_for_each_other(monkeypatch, tmp_path):
    started, alive = [], set()

    class Process:
        def __init__(self, command, **options):
            self.name, self.polls = command[3], 0
            started.append(self.name)
            alive.add(self)
            assert len(alive) <= 2

        def poll(self):
            self.polls += 1
            if self.polls < 4:
                return None
            alive.discard(self)
            self.returncode = int(self.name == "bad")
            return self.returncode

    monkeypatch.setattr(family.subprocess, "Popen", Process)
    monkeypatch.setattr(family.time, "sleep", lambda seconds: None)
    with pytest.raises(RepalignError, match=r"^bad failed"):
        family._run_all([["one"], ["bad"], ["two"], ["three"]], 2)
    assert started == ["one", "bad", "two", "three"]

    runs = []
    monkeypatch.setattr(family, "_run_all", lambda commands, jobs: runs.append(commands))
    recipes = [load_recipe(name) for name in ("x-llama-zh", "base", "m-llama")]
    folders = family.train_family(recipes, ["--seed", "1"])
    assert runs == [[["base"]], [["m-llama", "--seed", "1"], ["x-llama-zh", "--seed", "1"]]]
    assert [folder.name for folder in folders] == ["x-llama-zh", "base", "m-llama"]


@pytest.mark.parametrize(("stop", "ended"), [(KeyboardInterrupt, []), (Terminated, ["one", "two"])])
def test_a_stopped_family_waits_for_its_processes(stop, ended, monkeypatch):
    terminated, waited = [], []

    class Process:
        def __init__(self, command, **options):
            self.name = command[3]

        def terminate(self):
            terminated.append(self.name)

        def wait(self):
            waited.append(self.name)

        def poll(self):
            raise stop

    monkeypatch.setattr(family.subprocess, "Popen", Process)
    with pytest.raises(stop):
        family._run_all([["one"], ["two"], ["three"]], 2)
    assert (terminated, waited) == (ended, ["one", "two"])
