"""Stores in an object store: the same bytes as a local one, whatever goes wrong on the way."""

from __future__ import annotations

import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import fsspec
import numpy as np
import pytest
from faulty_proxy import QUOTED
from fsspec.implementations.local import LocalFileSystem
from s3_server import KEY, SECRET

import repalign.states.store
from repalign.commands.main import main
from repalign.corpora import ParallelCorpus
from repalign.errors import RepalignError
from repalign.execution.run import fill
from repalign.states.extraction import extract
from repalign.states.remote import Remote
from repalign.states.store import Shape, Store

URL = "s3://states/ours"
TEXT = ParallelCorpus(
    "numbers",
    {lang: [f"{word} {i} dogs {i * 7}" for i in range(12)] for lang, word in (("en", "see"), ("el", "δες"))},
)
REMOTE_KEY = {
    "weights": "w",
    "language": "en",
    "template": "raw",
    "pooling": "mean",
    "site": "resid",
    "dtype": "float32",
}


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(repalign.states.store, "SHARD_BYTES", 2 * 4 * 4 * 32)  # six shards a language


@pytest.fixture
def memory() -> Remote:
    """An empty store in the memory of this process."""
    fsspec.filesystem("memory").store.clear()
    return Remote("memory://ours")


@pytest.fixture
def local(llama, home, monkeypatch, tmp_path) -> tuple[dict[str, np.ndarray], dict[str, bytes]]:
    """The states as they are without an object store, and the files."""
    monkeypatch.setenv("REPALIGN_HOME", str(tmp_path / "local"))
    states = extract(llama, TEXT)
    files = contents(tmp_path / "local")
    monkeypatch.setenv("REPALIGN_HOME", str(home))
    return {language: states[language] for language in states.languages}, files


def contents(home: Path) -> dict[str, bytes]:
    root = home / "states"
    return {str(one.relative_to(root)): one.read_bytes() for one in sorted(root.glob("*/[0-9k]*"))}


def stored(remote: Remote) -> dict[str, bytes]:
    return {file.path: remote.read(file.path) for file in remote.files()}


def new_home(monkeypatch, folder: Path) -> None:
    monkeypatch.setenv("REPALIGN_HOME", str(folder))


def without_model(monkeypatch) -> None:
    monkeypatch.setattr(
        "repalign.models.engine.Engine.open", lambda *a, **k: pytest.fail("the model was loaded")
    )


def test_the_same_bytes_as_a_local_store_and_read_elsewhere_without_the_model(
    llama, local, s3, tmp_path, monkeypatch
):
    states, files = local
    extract(llama, TEXT, store=URL)
    assert stored(Remote(URL)) == files
    new_home(monkeypatch, tmp_path / "elsewhere")
    without_model(monkeypatch)
    again = extract(llama, TEXT, store=URL)
    assert contents(tmp_path / "elsewhere") == files
    assert all(np.array_equal(again[language], states[language]) for language in states)
    downloads = s3.count("GET", ".npy")
    extract(llama, TEXT, store=URL)
    assert s3.count("GET", ".npy") == downloads, "what is there was downloaded again"


@pytest.mark.parametrize("seed", [0, 1])
def test_whatever_the_network_does_nothing_is_lost(llama, local, s3, tmp_path, monkeypatch, seed):
    """A third of all requests fail in some way; commands that give up are run again."""
    states, files = local
    rng, faults = random.Random(seed), ("slow", "500", "503", "cut", "cut after")
    s3.fault = lambda method, path: rng.choice(faults) if rng.random() < 1 / 3 else "none"
    refused: list[str] = []
    for folder in ("writer", "reader"):
        new_home(monkeypatch, tmp_path / folder)
        for _ in range(20):
            try:
                read = extract(llama, TEXT, store=URL)
                break
            except RepalignError as error:
                refused.append(str(error))
        assert all(np.array_equal(read[language], states[language]) for language in states)
        without_model(monkeypatch)
    assert all("after 4 attempts" in message for message in refused)
    s3.fault = lambda method, path: "none"
    assert stored(Remote(URL)) == files


def test_jobs_that_share_nothing_but_the_store_fill_it(llama, local, s3, tmp_path, monkeypatch):
    arrays, _ = local
    for number in (3, 1, 2):
        new_home(monkeypatch, tmp_path / f"node-{number}")
        fill([str(llama)], TEXT, store=URL, share=(number, 3))
    new_home(monkeypatch, tmp_path / "again")
    assert fill([str(llama)], TEXT, store=URL).computed == 0
    without_model(monkeypatch)
    states = extract(str(llama), TEXT, store=URL)
    for language, array in arrays.items():
        np.testing.assert_array_equal(states[language], array)


def test_a_shard_that_only_a_worker_holds_is_uploaded_and_not_computed(llama, s3, home, monkeypatch):
    fill([str(llama)], TEXT)
    without_model(monkeypatch)
    done = fill([str(llama)], TEXT, store=URL)
    assert done.computed == len(done.plan.units)
    assert not done.plan.unwritten()
    assert len([path for path in stored(Remote(URL)) if path.endswith("key.json")]) == 2


def test_what_could_not_be_uploaded_is_kept_and_uploaded_by_the_next_run(llama, local, s3, home, monkeypatch):
    _, files = local
    s3.fault = lambda method, path: "500" if method == "PUT" and "/00003-" in path else "none"
    with pytest.raises(
        RepalignError,
        match=r"cannot write s3://states/ours/\S+ after 4 attempts: .*it is kept in .*same command",
    ) as said:
        extract(llama, TEXT, store=URL)
    assert "\n" not in str(said.value)
    computed = contents(home)
    s3.fault = lambda method, path: "none"
    s3.seen.clear()
    extract(llama, TEXT, store=URL)
    assert s3.count("GET", ".npy") == 0
    assert stored(Remote(URL)) == files
    assert computed.items() <= files.items()


def test_states_that_are_there_before_are_uploaded(llama, s3, home, monkeypatch):
    extract(llama, TEXT)
    without_model(monkeypatch)
    extract(llama, TEXT, store=URL)
    assert stored(Remote(URL)) == contents(home)


def test_a_shard_that_arrives_damaged_is_fetched_again(llama, local, s3, tmp_path, monkeypatch):
    _, files = local
    extract(llama, TEXT, store=URL)
    new_home(monkeypatch, tmp_path / "elsewhere")
    damage = iter(["damaged"])
    s3.fault = lambda method, path: (
        next(damage, "none") if method == "GET" and path.endswith(".npy") else "none"
    )
    extract(llama, TEXT, store=URL)
    assert contents(tmp_path / "elsewhere") == files


def test_a_shard_that_always_arrives_damaged_is_an_error(llama, local, s3, tmp_path, monkeypatch):
    extract(llama, TEXT, store=URL)
    new_home(monkeypatch, tmp_path / "elsewhere")
    s3.fault = lambda method, path: "damaged" if method == "GET" and path.endswith(".npy") else "none"
    with pytest.raises(RepalignError, match=r"arrived with checksums .* remove that object"):
        extract(llama, TEXT, store=URL)
    assert not list((tmp_path / "elsewhere" / "states").rglob("*.npy"))


def test_a_killed_writer_leaves_nothing_that_is_read(llama, local, s3, tmp_path, monkeypatch):
    states, files = local
    for language, rows in TEXT.sentences.items():
        (tmp_path / f"{language}.txt").write_text("\n".join(rows))
    code = (
        "import repalign.states.store; repalign.states.store.SHARD_BYTES = 2 * 4 * 4 * 32\n"
        f"from repalign import extract; extract({str(llama)!r}, {str(tmp_path)!r}, store={URL!r})\n"
    )
    s3.fault = lambda method, path: "slow" if method == "PUT" else "none"
    process = subprocess.Popen([sys.executable, "-c", code], env=dict(os.environ), stderr=subprocess.PIPE)
    while process.poll() is None and s3.count("PUT", ".npy") < 3:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL, said
    s3.fault = lambda method, path: "none"
    time.sleep(0.5)  # what the killed process sent is with the server
    assert stored(Remote(URL)).items() <= files.items()
    new_home(monkeypatch, tmp_path / "elsewhere")
    again = extract(llama, ParallelCorpus.named(str(tmp_path)), store=URL)
    assert stored(Remote(URL)) == files
    assert all(np.array_equal(again[language], states[language]) for language in states)


def test_no_secret_is_in_anything_that_is_said_or_written(llama, s3, home, tmp_path, capsys, caplog):
    caplog.set_level(logging.INFO)
    secrets = (KEY, SECRET, QUOTED)
    for language, rows in TEXT.sentences.items():
        (tmp_path / f"{language}.txt").write_text("\n".join(rows))
    quoting = {"on": False}
    s3.fault = lambda method, path: "quotes" if quoting["on"] and method == "PUT" else "none"
    out = tmp_path / "out"
    command = [
        "layers",
        str(llama),
        "--corpus",
        str(tmp_path),
        "--metrics",
        "P@1",
        "--draws",
        "10",
        "--store",
        URL,
        "--out",
        str(out),
    ]
    assert main(command) == 0
    quoting["on"] = True
    shutil.rmtree(home / "states")
    for file in Remote(URL).files():
        Remote(URL).delete(file.path)
    with pytest.raises(RepalignError, match="cannot write s3://states/ours") as refused:
        extract(llama, TEXT, store=URL)
    assert main(["doctor"]) == 0
    said = capsys.readouterr()
    texts = [said.out, said.err, caplog.text, "".join(traceback.format_exception(refused.value))]
    texts += [
        path.read_bytes().decode("utf-8", "replace")
        for folder in (home, out)
        for path in folder.rglob("*")
        if path.is_file()
    ]
    assert any(URL in text for text in texts)
    for text in texts:
        assert not [secret for secret in secrets if secret in text]


def test_list_verify_and_prune(llama, s3, capsys):
    remote = Remote(URL)
    extract(llama, TEXT, store=URL)
    remote.write("notes.txt", b"not ours")
    assert main(["cache", "list", "--store", URL]) == 0
    said = capsys.readouterr().out
    assert f"stored in {URL}: 2 states" in said
    assert "foreign" in said
    assert main(["cache", "list", "--store", URL, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["path"].startswith(URL) for row in rows} == {True}
    assert all(row["used"] for row in rows)
    assert main(["cache", "verify", "--store", URL]) == 0
    shard = next(file.path for file in remote.files() if file.path.endswith(".npy"))
    remote.write(shard, b"damaged")
    capsys.readouterr()
    assert main(["cache", "verify", "--store", URL]) == 1
    assert shard in capsys.readouterr().out
    assert main(["cache", "prune", "--older", "1d", "--store", URL]) == 0
    assert len(remote.files()) == 15, "nothing is a day old"
    assert main(["cache", "prune", "--all", "--dry-run", "--store", URL]) == 0
    assert len(remote.files()) == 15
    assert main(["cache", "prune", "--all", "--store", URL]) == 0
    assert [file.path for file in remote.files()] == ["notes.txt"]


def test_doctor_says_whether_the_store_can_be_written(s3, monkeypatch, capsys):
    monkeypatch.setenv("REPALIGN_STORE", URL)
    assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["store"] == f"{URL}; can be read and written"
    assert not Remote(URL).files(), "a trace was left"
    s3.fault = lambda method, path: "500" if method == "PUT" else "none"
    assert main(["doctor", "--json"]) == 0
    assert "cannot write" in json.loads(capsys.readouterr().out)["store"]


def test_a_bucket_that_does_not_exist_is_said_before_the_model_is_loaded(llama, s3, monkeypatch):
    without_model(monkeypatch)
    with pytest.raises(RepalignError, match=r"cannot read s3://absent/a.*bucket"):
        extract(llama, TEXT, store="s3://absent/a")


def test_without_credentials_nothing_is_tried_twice(s3, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("it was tried again"))
    with pytest.raises(RepalignError, match="credentials"):
        Remote(URL).check_reachable()


# The same without a server, in the memory of this process.


def test_a_store_that_is_only_read_needs_no_permission_to_write(llama, memory, tmp_path, monkeypatch):
    before = extract(llama, TEXT, store=memory.url)
    new_home(monkeypatch, tmp_path / "elsewhere")
    monkeypatch.setattr(Remote, "write", lambda *a: pytest.fail("written"))
    after = extract(llama, TEXT, store=memory.url)
    assert all(np.array_equal(before[language], after[language]) for language in TEXT.languages)


def test_a_damaged_description_is_written_anew(memory, tmp_path):
    shape = Shape((0, 1), 1, 8, 4)
    store = Store.of(tmp_path / "a", REMOTE_KEY, shape, memory)
    store.prepare()
    path = f"{store.folder.name}/key.json"
    sound = memory.read(path)
    for damage in (b"", b"{", sound.replace(b'"rows": 8', b'"rows": 9'), b"\xff", b"[" * 100_000):
        memory.write(path, damage)
        assert Store.find(tmp_path / "b", REMOTE_KEY, memory) is None
        store.prepare()
        assert memory.read(path) == sound


def test_workers_write_different_shards_and_all_read_them(memory, tmp_path, monkeypatch):
    shape = Shape((0, 1, 2, 3), 3, 10, 32)
    states = np.random.default_rng(0).normal(size=(4, 10, 32)).astype(np.float32)
    workers = [Store.of(tmp_path / name, REMOTE_KEY, shape, memory) for name in "abc"]
    for number, worker in enumerate(workers):
        worker.prepare()
        for shard in worker.unwritten()[number::3] if number == 0 else range(number, worker.shards, 3):
            worker.write(shard, states[:, worker.span(shard).start : worker.span(shard).stop])
    for worker in workers:
        assert worker.unwritten() == []
        with worker.locked():
            assert worker.missing(pytest.fail) == []
            array = worker.array()
        assert all(np.array_equal(array[layer], states[layer]) for layer in range(4))


def test_bytes_to_compute_and_bytes_to_hold_differ(memory, tmp_path):
    shape = Shape((0, 1, 2, 3), 3, 10, 32)
    writer, reader = (Store.of(tmp_path / name, REMOTE_KEY, shape, memory) for name in "ab")
    writer.write(0, np.ones((4, 2, 32), np.float32))
    assert writer.uncomputed_bytes == writer.absent_bytes == reader.uncomputed_bytes == 8 * shape.row_bytes
    assert reader.absent_bytes == 10 * shape.row_bytes


def test_a_file_system_whose_writes_are_not_atomic(tmp_path, monkeypatch):
    """A file appears under its name by renaming it; what a killed writer leaves has another name."""

    class Plain(LocalFileSystem):
        protocol = "plain"

        def pipe_file(self, path, value, **kwargs):
            assert Path(path).name.startswith(".")
            Path(path).write_bytes(value[: len(value) // 2] if killed else value)
            if killed:
                raise KeyboardInterrupt

    fsspec.register_implementation("plain", Plain, clobber=True)
    remote, killed = Remote(f"plain://{tmp_path}/a"), False
    remote.write("one/two", b"whole")
    assert remote.names("one") == ["two"]
    killed = True
    with pytest.raises(KeyboardInterrupt):
        remote.write("one/three", b"whole")
    assert remote.read("one/three") is None
    assert remote.read("one/two") == b"whole"
    remote.delete("one/two")
    remote.delete("one/two")
    assert remote.read("one/two") is None


def test_objects_in_folders_below_are_not_shards(memory):
    memory.write("one/00000-00000000.npy", b"ours")
    memory.write("one/two/00001-00000000.npy", b"not ours")
    assert memory.names("one") == ["00000-00000000.npy"]
