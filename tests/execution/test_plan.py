"""The plan: everybody makes the same, and its units can be done in any order by anybody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import repalign.states.store
from repalign.checkpoints import Checkpoint, home
from repalign.corpora import ParallelCorpus
from repalign.errors import RepalignError
from repalign.execution.plan import plan
from repalign.execution.run import fill
from repalign.execution.work import check_written
from repalign.execution.worker import Worker
from repalign.states.extraction import extract, read_states
from repalign.states.spec import Machine, ReadingSpec

WORDS = {"en": ("the dog sees", "birds"), "el": ("ο σκύλος βλέπει", "πουλιά"), "zh": ("狗看见", "鸟")}
CORPUS = ParallelCorpus(
    {lang: [f"{a} {n} {b} {b * (n % 5)}" for n in range(40)] for lang, (a, b) in WORDS.items()}, "made"
)
SPECS = [ReadingSpec(), ReadingSpec(pooling="last")]


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    """Nine rows of 4 layers x 32 dims in a shard."""
    monkeypatch.setattr(repalign.states.store, "SHARD_BYTES", 9 * 4 * 32 * 4)


def shards(folder: Path) -> dict[str, bytes]:
    """Every shard and key by its path, with its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".npy", ".json")
    }


def test_units_done_in_any_order_leave_the_files_of_extract(llama, monkeypatch, tmp_path):
    made = plan([str(llama)], CORPUS, SPECS)
    assert len(made.units) == 3 * 5
    worker = Worker(made.corpus, made.readings, made.storage)
    assert all(worker.run(unit) for unit in made.units[::-1])
    planned = shards(home() / "states")
    monkeypatch.setenv("REPALIGN_HOME", str(tmp_path))
    read_states(str(llama), CORPUS, SPECS)
    assert planned == shards(tmp_path / "states")


def test_what_is_done_twice_is_the_same_and_computed_once(llama, monkeypatch):
    made = plan([str(llama)], CORPUS, SPECS)
    Worker(made.corpus, made.readings, made.storage).run(made.units[0])
    before = shards(home() / "states")
    again = Worker(made.corpus, made.readings, made.storage)
    monkeypatch.setattr("repalign.models.engine.Engine.open", lambda *a, **k: pytest.fail("it is stored"))
    assert not again.run(made.units[0])
    assert shards(home() / "states") == before


def test_a_plan_fills_the_store_that_is_named(llama, tmp_path):
    done = fill([str(llama)], CORPUS, SPECS, store=str(tmp_path / "shared"))
    assert done.computed == len(done.plan.units) == 3 * 5
    assert not (home() / "states").exists()
    read_states(str(llama), CORPUS, SPECS)
    assert shards(tmp_path / "shared") == shards(home() / "states")


def test_workers_without_a_store_are_refused(llama):
    with pytest.raises(RepalignError, match="give a store"):
        plan([str(llama)], CORPUS, SPECS, store=False)


def test_half_precision_is_that_of_extract(llama, tmp_path):
    half = Machine(store_dtype="float16")
    done = fill([str(llama)], CORPUS, SPECS, half, store=str(tmp_path / "shared"))
    states = read_states(str(llama), CORPUS, SPECS, half)
    assert shards(tmp_path / "shared") == shards(home() / "states")
    assert [one["signature"] for one in done.plan.described] == [str(one.signature) for one in states]
    assert "stored:float16" in str(states[0].signature)


def test_a_plan_loads_no_weights(llama, monkeypatch):
    monkeypatch.setattr("repalign.models.engine.Engine.open", lambda *a, **k: pytest.fail("weights loaded"))
    made = plan([str(llama)], CORPUS, [ReadingSpec(layers=(1, 3))])
    assert {store.shape.layers for store in made.stores.values()} == {(1, 3)}
    assert not (home() / "states").exists()


@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_shares_hold_every_unit_once_and_consecutive(llama, count):
    made = plan([str(llama), str(llama) + "~random"], CORPUS, SPECS)
    shares = [made.share(number, count).units for number in range(1, count + 1)]
    assert tuple(unit for share in shares for unit in share) == made.units
    most = max(sum(unit.cost for unit in share) for share in shares)
    assert most <= sum(unit.cost for unit in made.units) / count + max(unit.cost for unit in made.units)


def test_shares_do_not_depend_on_what_is_written(llama):
    before = [plan([str(llama)], CORPUS, SPECS).share(number, 3).units for number in (1, 2, 3)]
    fill([str(llama)], CORPUS, SPECS, share=(1, 3))
    assert [plan([str(llama)], CORPUS, SPECS).share(number, 3).units for number in (1, 2, 3)] == before


def test_after_all_shares_extract_finds_everything(llama, monkeypatch):
    computed = [fill([str(llama)], CORPUS, share=(number, 4)).computed for number in range(1, 5)]
    assert sum(computed) == 15
    assert fill([str(llama)], CORPUS).computed == 0
    monkeypatch.setattr("repalign.models.engine.Engine.open", lambda *a, **k: pytest.fail("all is stored"))
    assert extract(str(llama), CORPUS).n_sentences == 40


def test_sentences_that_are_too_long_are_left_out_as_by_extract(llama, monkeypatch, tmp_path):
    long = {lang: [*rows * 5, rows[0] * 30] for lang, rows in CORPUS.sentences.items()}
    corpus, spec = ParallelCorpus(long, "long"), ReadingSpec(max_length=100)
    assert fill([str(llama)], corpus, [spec]).plan.described[0]["sentences"] == 200
    planned = shards(home() / "states")
    monkeypatch.setenv("REPALIGN_HOME", str(tmp_path))
    read_states(str(llama), corpus, [spec])
    assert planned == shards(tmp_path / "states")


def test_shared_tokens_are_excluded_as_by_extract(llama, monkeypatch, tmp_path):
    spec = ReadingSpec(exclude_shared_tokens=True)
    fill([str(llama)], CORPUS, [spec])
    planned = shards(home() / "states")
    monkeypatch.setenv("REPALIGN_HOME", str(tmp_path))
    read_states(str(llama), CORPUS, [spec])
    assert planned == shards(tmp_path / "states")


def test_a_worker_that_would_write_other_states_is_refused(llama):
    made = plan([str(llama)], CORPUS, SPECS)
    other = replace(made.readings[0], machine=Machine(dtype="bfloat16"))
    with pytest.raises(RepalignError, match="the versions of repalign, transformers or tokenizers differ"):
        Worker(made.corpus, [other], made.storage).run(made.units[0])
    assert not (home() / "states").exists()


def test_shards_that_vanish_are_noticed(llama):
    made = plan([str(llama)], CORPUS, SPECS)
    fill([str(llama)], CORPUS, SPECS)
    check_written(made)
    next((home() / "states").glob("*/00002-*.npy")).unlink()
    with pytest.raises(RepalignError, match=r"1 of 15 shards are missing.*shard 2"):
        check_written(made)


def test_what_cannot_be_stored_is_refused(llama):
    with pytest.raises(RepalignError, match="a model in memory is read where it is"):
        plan([(object(), object())], CORPUS, SPECS)
    with pytest.raises(RepalignError, match="numbered from 1 to 3"):
        plan([Checkpoint.named(str(llama))], CORPUS, SPECS).share(4, 3)
