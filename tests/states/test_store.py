"""The store: shards that appear whole, damage that is found, kills that cost at most a shard."""

from __future__ import annotations

import errno
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import repalign.states.store
from repalign.checkpoints import Checkpoint
from repalign.commands.main import main
from repalign.corpora import ParallelCorpus
from repalign.errors import RepalignError
from repalign.states.extraction import extract
from repalign.states.store import FORMAT, Shape, Store

KEY = {
    "weights": "w",
    "language": "en",
    "template": "raw",
    "pooling": "mean",
    "site": "resid",
    "dtype": "float32",
}
RNG = np.random.default_rng(0)


@pytest.fixture
def store(tmp_path, monkeypatch) -> Store:
    monkeypatch.setattr(
        repalign.states.store, "SHARD_BYTES", 3 * 2 * 4 * 4
    )  # three rows of 2 layers x 4 dims
    store = Store.of(tmp_path, KEY, Shape((0, 1), 1, 8, 4))
    with store.locked():
        return store


def fill(store: Store) -> np.ndarray:
    states = RNG.normal(size=(2, 8, 4)).astype(np.float32)
    for shard in range(store.shards):
        span = store.span(shard)
        store.write(shard, states[:, span.start : span.stop])
    return states


def test_what_is_written_is_read(store, tmp_path):
    states = fill(store)
    again = Store.find(tmp_path, KEY)
    assert again.missing(print) == []
    array = again.array()
    assert array.shape == states.shape
    assert all(np.array_equal(array[layer], states[layer]) for layer in range(2))


def test_another_key_is_another_store(store, tmp_path, monkeypatch):
    fill(store)
    with monkeypatch.context() as newer:
        newer.setattr("repalign.states.store.FORMAT", FORMAT + 1)
        assert Store.find(tmp_path, KEY) is None
    assert Store.find(tmp_path, {**KEY, "dtype": "bfloat16"}) is None


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty"])
def test_a_damaged_shard_is_named_and_wanted_again(store, damage):
    fill(store)
    path = store.path(1)
    data = bytearray(path.read_bytes())
    data[-7] ^= 1
    path.write_bytes({"truncate": bytes(data[:-20]), "flip": bytes(data), "empty": b""}[damage])
    said = []
    assert store.missing(said.append) == [1]
    assert path.name in said[0]
    assert not path.exists()


def test_a_shard_has_the_bytes_of_numpy(store, tmp_path):
    states = fill(store)
    np.save(tmp_path / "numpy.npy", states[:, :3])
    assert store.path(0).read_bytes() == (tmp_path / "numpy.npy").read_bytes()


def test_a_shard_of_another_shape_is_refused(store):
    store.write(0, np.ones((2, 2, 4), np.float32))
    with pytest.raises(RepalignError, match="holds no shard 0 of shape"):
        store.array()


def test_a_full_disk_leaves_what_was_written(store, monkeypatch):
    store.write(0, np.ones((2, 3, 4), np.float32))

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("repalign.states.store.checksum", full)
    with pytest.raises(RepalignError, match="No space left"):
        store.write(1, np.ones((2, 3, 4), np.float32))
    assert store.missing(print) == [1, 2]
    assert not list(store.folder.glob(".*partial"))


def test_writers_of_one_shard_need_no_lock(store, tmp_path):
    states = RNG.normal(size=(2, 3, 4)).astype(np.float32)
    again = Store.of(tmp_path / "other", KEY, store.shape)

    def write(number: int) -> None:
        for _ in range(20):
            again.prepare()
            again.write(0, states)

    with ThreadPoolExecutor(8) as writers:
        list(writers.map(write, range(8)))
    store.write(0, states)
    assert again.path(0).read_bytes() == store.path(0).read_bytes()
    assert sorted(path.name for path in again.folder.iterdir()) == [again.path(0).name, "key.json"]
    assert again.unwritten() == [1, 2]


@pytest.fixture
def job(llama, tmp_path):
    """Arguments of an extraction of some sixty shards in a process of its own."""
    sentences = {
        lang: [f"{word} {i} dogs and {i * 7} birds" for i in range(60)]
        for lang, word in (("en", "see"), ("tr", "gör"))
    }
    for lang, rows in sentences.items():
        (tmp_path / f"{lang}.txt").write_text("\n".join(rows))
    code = (
        "import repalign.states.store; repalign.states.store.SHARD_BYTES = 2 * 4 * 4 * 32\n"
        "from repalign import Checkpoint, ParallelCorpus, extract\n"
        f"extract(Checkpoint.named({str(llama)!r}), ParallelCorpus.named({str(tmp_path)!r}), batch_tokens=64)\n"
    )
    return [sys.executable, "-c", code]


@pytest.fixture
def undisturbed(job, llama, tmp_path, monkeypatch) -> dict[str, bytes]:
    """What the job writes when nothing goes wrong."""
    monkeypatch.setenv("REPALIGN_HOME", str(tmp_path / "undisturbed"))
    monkeypatch.setattr(repalign.states.store, "SHARD_BYTES", 2 * 4 * 4 * 32)
    extract(Checkpoint.named(str(llama)), ParallelCorpus.named(str(tmp_path)), batch_tokens=64)
    return contents(tmp_path / "undisturbed")


def contents(home: Path) -> dict[str, bytes]:
    return {str(p.relative_to(home)): p.read_bytes() for p in sorted((home / "states").rglob("*.npy"))}


def run_to_end(job, home):
    subprocess.run(job, env={**os.environ, "REPALIGN_HOME": str(home)}, check=True, capture_output=True)
    return contents(home)


def killed_and_resumed(job, home, kills, seed):
    """Kill after a random number of new shards, `kills` times; then run to the end. Returns contents and recomputed shards."""
    rng = random.Random(seed)
    recomputed = 0
    for _ in range(kills):
        before = set(contents(home))
        process = subprocess.Popen(
            job, env={**os.environ, "REPALIGN_HOME": str(home)}, stderr=subprocess.DEVNULL
        )
        wanted = len(before) + rng.randint(1, 3)
        while process.poll() is None and len(list((home / "states").rglob("*.npy"))) < wanted:
            time.sleep(0.001)
        time.sleep(rng.random() * 0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        recomputed += len(before - set(contents(home)))
    return run_to_end(job, home), recomputed


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.heavy)])
def test_killed_and_resumed_is_bit_identical(job, undisturbed, tmp_path, kills):
    resumed, lost = killed_and_resumed(job, tmp_path / "b", kills, seed=kills)
    assert len(undisturbed) == 60
    assert resumed == undisturbed
    assert lost == 0, "no finished shard was computed again"


def test_two_processes_asking_for_the_same_do_not_collide(job, undisturbed, tmp_path):
    environment = {**os.environ, "REPALIGN_HOME": str(tmp_path / "shared")}
    processes = [subprocess.Popen(job, env=environment) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert contents(tmp_path / "shared") == undisturbed


def test_damaged_shards_and_keys_are_written_anew(llama, corpus, home, caplog):
    before = extract(Checkpoint.named(str(llama)), corpus).layer("el", 2)
    for path in (home / "states").rglob("*.npy"):
        path.write_bytes(path.read_bytes()[:-4])
    path.with_name("key.json").write_text("")
    after = extract(Checkpoint.named(str(llama)), corpus).layer("el", 2)
    assert "damaged" in caplog.text
    assert np.array_equal(before, after)
    assert json.loads(path.with_name("key.json").read_text())["key"]
    assert main(["cache", "verify"]) == 0


def test_the_key_says_what_it_is(llama, home):
    extract(Checkpoint.named(str(llama)), ParallelCorpus("one", {"en": ["a b c"]}))
    described = json.loads(next((home / "states").rglob("key.json")).read_text())
    assert described["key"]["language"] == "en"
    assert described["shape"] == {"layers": [0, 1, 2, 3], "blocks": 3, "rows": 1, "dim": 32}


def test_prepared_by_many_at_once(tmp_path):
    store = Store.of(tmp_path, KEY, Shape((0, 1), 1, 8, 4))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: store.prepare(), range(64)))
    assert Store.find(tmp_path, KEY) == store
    assert [path.name for path in store.folder.iterdir()] == ["key.json"]


def test_written_by_many_at_once_without_the_lock(store, tmp_path):
    """Every process writes every shard, in another order, while others clean up what looks abandoned."""
    states = fill(Store.of(tmp_path / "alone", KEY, store.shape))
    orders = [np.random.default_rng(number).permutation(store.shards).tolist() for number in range(24)]

    def write(order: list[int]) -> None:
        store.prepare()
        for shard in order:
            span = store.span(shard)
            store.write(shard, states[:, span.start : span.stop])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, orders))
    assert store.missing(pytest.fail) == []
    assert len(list(store.folder.glob("*.npy"))) == store.shards
    assert not list(store.folder.glob(".*partial"))
    assert all(np.array_equal(store.array()[layer], states[layer]) for layer in range(2))


def test_a_writer_whose_folder_is_pruned_goes_on(store, tmp_path):
    store.write(0, np.ones((2, 3, 4), np.float32))
    shutil.rmtree(store.folder)
    store.write(1, np.ones((2, 3, 4), np.float32))
    assert Store.find(tmp_path, KEY) == store
    assert store.missing(pytest.fail) == [0, 2]


def test_of_two_sound_shards_of_one_number_all_use_the_same(store):
    fill(store)
    first, second = sorted(
        (np.full((2, 3, 4), value, np.float32) for value in (1, 2)), key=lambda a: zlib.crc32(npy_bytes(a))
    )
    store.path(0).unlink()
    store.write(0, second)
    store.write(0, first)
    said = []
    assert store.missing(said.append) == []
    assert "differs from" in said[0]
    assert np.array_equal(store.array()[0][:3], first[0])


def npy_bytes(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()
