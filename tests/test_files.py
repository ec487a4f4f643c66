"""Files are read with errors that name them, and written atomically."""

from __future__ import annotations

import os

import numpy as np
import pytest

from repalign.checkpoints.digests import weights_digest
from repalign.errors import RepalignError
from repalign.files import (
    DEEPEST,
    PARTIAL,
    finite,
    json_bytes,
    mismatch,
    partial_file,
    partial_folder,
    read_json,
    read_parquet,
    write_atomically,
)  # fmt: skip


def test_a_file_is_written_with_what_the_umask_leaves(tmp_path):
    for umask, mode in ((0o022, 0o644), (0o027, 0o640)):
        before = os.umask(umask)
        try:
            write_atomically(tmp_path / "new" / f"{umask}.json", b"{}")
        finally:
            os.umask(before)
        assert (tmp_path / "new" / f"{umask}.json").stat().st_mode & 0o777 == mode
    assert len(list((tmp_path / "new").iterdir())) == 2, "nothing else is left"


def test_what_cannot_be_written_leaves_the_old_file_and_says_what_to_do(tmp_path, monkeypatch):
    path = tmp_path / ("x" * 250)  # no room for a longer name beside it
    write_atomically(path, b"old")

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(RepalignError, match=r"cannot write .*: No space left on device; free some"):
        write_atomically(path, b"new", "free some")
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(RepalignError, match=r"cannot write .*; choose another --out"):
        write_atomically(path / "below a file", b"")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not valid JSON"),
        ("\xff", "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ("9" * 5000, "is not valid JSON"),
        ('"\\udc80"', "is not valid JSON"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "is nested more than 40 levels deep"),
        ("3", "it should be an object, got 3; delete it and make it again"),
    ],
)
def test_json_that_cannot_be_read_gets_one_line(tmp_path, text, said):
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(RepalignError) as caught:
        read_json(path, {str: object})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(RepalignError, match=r"cannot read .*b\.json: No such file"):
        read_json(tmp_path / "b.json")
    with pytest.raises(RepalignError, match=r"a\.json is not a readable parquet file"):
        read_parquet(path)


def test_what_is_no_text_is_written_all_the_same(tmp_path):
    write_atomically(tmp_path / "a.json", json_bytes({"command": "layers \udcff", "words": "狗"}))
    assert read_json(tmp_path / "a.json") == {"command": "layers ?", "words": "狗"}


def test_a_mismatch_is_named_by_its_place():
    shape = {"a": str, "b?": [int], "c": (None, {str: float}), "d": {"up", "down"}}
    right = {"a": "", "b": [1], "c": {"x": 1}, "d": "up", "more": object()}
    assert mismatch(right, shape) is None
    assert mismatch({"a": "", "c": None, "d": "down"}, shape) is None
    assert mismatch({**right, "a": 1}, shape) == "'a' should be text, got 1"
    assert mismatch({**right, "b": [1, True]}, shape) == "'b[1]' should be a whole number, got True"
    assert (
        mismatch({**right, "c": {"x": 10**400}}, shape)
        == "'c.x' should be a finite number, got a whole number"
    )
    assert mismatch({**right, "d": "left"}, shape) == "'d' should be 'down' or 'up', got 'left'"
    assert mismatch({"a": ""}, shape) == "it should have 'c'"
    assert mismatch([1], [int, int]) == "it should be a list of 2, got one of 1"


def test_a_digest_that_a_full_disk_cut_short_is_taken_again(tmp_path, home, monkeypatch):
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(folder.name.encode())
    right = [weights_digest(folder) for folder in folders]
    assert right[0] != right[1]
    remembered = list((home / "digests").iterdir())
    assert len(remembered) == 2
    for damage in ("", "0" * 63, "0" * 64 + "\n", "z" * 64):
        for path in remembered:
            path.write_text(damage)
        assert [weights_digest(folder) for folder in folders] == right
    monkeypatch.setenv("REPALIGN_HOME", str(folders[0] / "model.safetensors"))  # where nothing can be written
    assert [weights_digest(folder) for folder in folders] == right


def test_numbers_that_json_lacks_become_null():
    given = {"a": [float("inf"), np.float32(0.5), 2], "b": (np.nan, None, True), 3: "text"}
    assert finite(given) == {"a": [None, 0.5, 2], "b": [None, None, True], "3": "text"}
    assert type(finite(np.float32(0.5))) is float


def test_what_killed_processes_left_is_removed_by_the_next_writer_and_what_a_live_one_writes_is_not(tmp_path):
    killed = tmp_path / f".scores.parquet.0a1b2c3d{PARTIAL}"
    killed.write_bytes(b"half")
    (tmp_path / f".other.parquet.0a1b2c3d{PARTIAL}").touch()
    folder = tmp_path / f".scores.parquet.0a1b2c3e{PARTIAL}"
    (folder / "sub").mkdir(parents=True)
    with partial_file(tmp_path / "scores.parquet") as alive:
        assert not killed.exists()
        assert not folder.exists()
        write_atomically(tmp_path / "scores.parquet", b"of another process")
        assert alive.is_file()
        alive.write_bytes(b"whole")
        alive.replace(tmp_path / "scores.parquet")
    assert (tmp_path / "scores.parquet").read_bytes() == b"whole"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f".other.parquet.0a1b2c3d{PARTIAL}",
        "scores.parquet",
    ]


def test_a_folder_is_written_like_a_file(tmp_path):
    with partial_folder(tmp_path / "kept") as partial:
        (partial / "never renamed").touch()
    assert list(tmp_path.iterdir()) == []
    with partial_folder(tmp_path / "kept") as partial:
        (partial / "a").touch()
        partial.rename(tmp_path / "kept")
    assert (tmp_path / "kept" / "a").is_file()


def test_where_the_file_system_has_no_locks_nothing_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr("repalign.files.fcntl", None)
    other = tmp_path / f".a.0a1b2c3d{PARTIAL}"
    other.touch()
    write_atomically(tmp_path / "a", b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [other.name, "a"]
