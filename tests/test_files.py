"""Files are read with errors that name them, and written atomically."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest
from typing_extensions import NotRequired, TypedDict

from repalign.checkpoints.digests import weights_digest
from repalign.errors import RepalignError
from repalign.files import DEEPEST, finite, json_bytes, read_json, read_parquet, read_toml, typed
from repalign.writes import PARTIAL, partial_file, partial_folder, write_atomically


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
        ("3", "a.json: expected 'object', got 'int'; delete it and make it again"),
    ],
)
def test_json_that_cannot_be_read_gets_one_line(tmp_path, text, said):
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(RepalignError) as caught:
        read_json(path, dict[str, object])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(RepalignError, match=r"cannot read .*b\.json: No such file"):
        read_json(tmp_path / "b.json", object)
    with pytest.raises(RepalignError, match=r"a\.json is not a readable parquet file"):
        read_parquet(path)


def test_what_is_no_text_is_written_all_the_same(tmp_path):
    write_atomically(tmp_path / "a.json", json_bytes({"command": "layers \udcff", "words": "狗"}))
    assert read_json(tmp_path / "a.json", object) == {"command": "layers ?", "words": "狗"}


@dataclass(frozen=True)
class Inner:
    """A part."""

    x: float | None
    y: tuple[int, ...] = ()


class Outer(TypedDict):
    """The whole."""

    a: str
    b: NotRequired[list[int]]
    c: Inner
    d: Literal["up", "down"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"a": 1}, "file: 'a': expected 'str', got 'int'; again"),
        ({"b": [1, True]}, "file: 'b[1]': expected 'int', got 'bool'; again"),
        ({"c": {}}, "file: 'c': object missing required field 'x'; again"),
        ({"c": {"x": "1"}}, "file: 'c.x': expected 'float | null', got 'str'; again"),
        ({"c": {"x": 10**400}}, "file: 'c.x': number out of range; again"),
        ({"c": {"x": 1, "y": [0.5]}}, "file: 'c.y[0]': expected 'int', got 'float'; again"),
        ({"d": "left"}, "file: 'd': invalid enum value 'left'; again"),
    ],
)
def test_a_value_of_another_type_is_named_by_its_place(changed, said):
    right = {"a": "", "c": {"x": 1, "more": 2}, "d": "up", "more": object()}
    assert typed(right, Outer, "file") == {"a": "", "c": Inner(1.0), "d": "up"}
    with pytest.raises(RepalignError) as caught:
        typed({**right, **changed}, Outer, "file", "again")
    assert str(caught.value) == said


def test_a_number_that_is_not_finite_is_null(tmp_path):
    """JSON has none; Python writes and reads them all the same."""
    path = tmp_path / "a.json"
    path.write_text('{"a": NaN, "b": -Infinity, "c": 1e999, "d": 1.5}')
    assert read_json(path, dict[str, float | None]) == {"a": None, "b": None, "c": None, "d": 1.5}
    assert read_json(path, dict[str, float], keep_infinite=True)["c"] == float("inf")
    write_atomically(path, json_bytes({"a": float("nan"), "b": [np.float32(0.5), float("inf")]}))
    assert read_json(path, object) == {"a": None, "b": [0.5, None]}


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
    monkeypatch.setattr("repalign.writes.fcntl", None)
    other = tmp_path / f".a.0a1b2c3d{PARTIAL}"
    other.touch()
    write_atomically(tmp_path / "a", b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [other.name, "a"]


@pytest.mark.parametrize("read", [read_toml, lambda path: read_json(path, object)])
def test_what_has_no_end_is_not_read(read, tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    for name, why in (("pipe", "a pipe or a device"), ("device", "a pipe or a device"), ("", "a folder")):
        with pytest.raises(RepalignError, match=f"cannot read .*: it is {why}, not a file"):
            read(tmp_path / name)
    monkeypatch.setattr("repalign.files.LARGEST", 3)
    (tmp_path / "large").write_text("x = 1")
    with pytest.raises(RepalignError, match="it has more than 3 bytes"):
        read(tmp_path / "large")
