"""The kinds of entries in the cache: how one is recognised, checked and removed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import filelock

from repalign.checkpoints.digests import DIGEST
from repalign.errors import RepalignError
from repalign.files import read_json
from repalign.results.part import about_part
from repalign.states.shards import damaged, fcntl, is_mapped
from repalign.states.storage import SCORES
from repalign.states.store import FORMAT, KEY_FILE, LOCK_FILE, Described, described_in, name_of
from repalign.writes import PARTIAL

NAME = "[0-9a-f]{32}"
SCORE_FILE = re.compile(rf"({NAME})-[0-9a-f]{{8}}\.parquet")
"""The name of a file of scores: the beginning of the key of its part, and the CRC-32 of the file."""

READING = ("template", "pooling", "site", "dtype")


class Foreign(RepalignError):
    """An entry that repalign did not write."""


class InUse(RepalignError):
    """An entry that a process has locked or reads."""


class Line(TypedDict):
    """What every line of answers or verdicts holds, among others."""

    prompt: str


@dataclass(frozen=True)
class Kind:
    """What one folder below the home holds.

    Attributes:
        name: of the folder.
        named: the names of its entries.
        files: the names of the files in an entry that is a folder; None for entries that are files.
        describe: an entry in words. Raises RepalignError if its contents are not those of such an entry.
        check: what is damaged in an entry, one line for each place.
        remove: removes an entry. Raises OSError or InUse.
        healing: what happens to damage.
    """

    name: str
    named: re.Pattern[str]
    files: re.Pattern[str] | None
    describe: Callable[[Path], str]
    check: Callable[[Path], Iterator[str]]
    remove: Callable[[Path], None]
    healing: str


def files_of(path: Path, names: re.Pattern[str] | None) -> list[Path]:
    """The files of an entry: itself, or those in the folder.

    Raises:
        Foreign: it is a link or of another type, or holds something else.
    """
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise Foreign("a link")
    if names is None:
        if not stat.S_ISREG(mode):
            raise Foreign("not a file")
        return [path]
    if not stat.S_ISDIR(mode):
        raise Foreign("not a folder")
    with os.scandir(path) as entries:
        for entry in (found := sorted(entries, key=lambda one: one.name)):
            if not names.fullmatch(entry.name) or not entry.is_file(follow_symlinks=False):
                raise Foreign(f"it holds {entry.name!r}, which repalign did not write")
    return [path / entry.name for entry in found]


def _describe_states(folder: Path) -> str:
    if not (folder / KEY_FILE).exists() and not list(folder.glob("*.npy")):
        return "empty: left by a process that was killed"
    try:
        described = described_in(folder)
    except RepalignError:
        described = None
    return about_states(described, folder.name)


def about_states(described: Described | None, name: str) -> str:
    """States in words.

    Args:
        described: what their `key.json` holds; None if it is missing or damaged.
        name: of their folder.

    Raises:
        RepalignError: the `key.json` is not that of this folder.
    """
    if described is None:
        raise RepalignError(f"{KEY_FILE} is missing or damaged")
    key, shape, version = described["key"], described["shape"], described.get("format", 1)
    if name_of(key, version) != name:
        raise RepalignError(f"{KEY_FILE} is that of another folder")
    reading = "|".join(
        str(key.get(part, "?")) for part in (*READING, *(["stored"] if "stored" in key else []))
    )
    size = f"{len(shape.layers)} x {shape.rows} x {shape.dim}"
    old = "" if version == FORMAT else "  of an earlier version: not used any more"
    return (
        f"{str(key.get('weights', '?'))[:8]:8}  {key.get('language', '?')!s:6}  {reading:28}  {size:>18}{old}"
    )


def _check_states(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.npy")):
        with suppress(FileNotFoundError):
            if damage := damaged(path):
                yield f"{path}: {damage}"


def _remove_states(folder: Path) -> None:
    lock = folder / LOCK_FILE
    with filelock.FileLock(lock, timeout=0):
        files = files_of(folder, KINDS["states"].files)
        for suffix, verb in ((".npy", "reads"), (PARTIAL, "writes")):
            if any(is_mapped(path) for path in files if path.suffix == suffix):
                raise InUse(f"in use: a process {verb} these states")
        # What is left by a kill in between is a store with fewer shards, which is still recognised.
        for path in sorted(files, key=lambda one: (one.name == KEY_FILE, one.name)):
            if path != lock:
                path.unlink()
        _unlink_held(lock)
    _unlink_released(lock)
    with suppress(OSError):  # already in use again
        folder.rmdir()


def _check_sum(path: Path) -> Iterator[str]:
    if damage := damaged(path):
        yield f"{path}: {damage}"


def _describe_lines(path: Path) -> str:
    blank = True
    with path.open("rb") as file:
        for line in filter(bytes.strip, file):
            if _is_line(line):
                return ""
            blank = False
    if not blank:
        raise RepalignError("no line of it can be read")
    return "empty"


def _check_lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip() and not _is_line(line):
                yield f"{path}, line {number}: cut short, or not of this form"


def _is_line(line: bytes) -> bool:
    import msgspec

    try:
        msgspec.json.decode(line, type=Line)
    except (ValueError, RecursionError):
        return False
    return True


def _remove_lines(path: Path) -> None:
    lock = path.with_suffix(".lock")
    if lock.is_symlink() or not lock.is_file():
        return path.unlink()
    with filelock.FileLock(lock, timeout=0):
        path.unlink()
        _unlink_held(lock)
    _unlink_released(lock)


def _describe_digest(path: Path) -> str:
    if not DIGEST.fullmatch(path.read_bytes()[:65]):
        raise RepalignError("not 64 hexadecimal digits")
    return ""


def _describe_tokenizer(folder: Path) -> str:
    for name in ("config.json", "quantization.txt"):
        if not (folder / name).is_file():
            raise RepalignError(f"{name} is missing")
    return ""


def _check_tokenizer(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.json")):
        if not _is_json(path):
            yield f"{path}: not valid JSON"


def _is_json(path: Path) -> bool:
    try:
        read_json(path, object)
    except RepalignError:
        return False
    return True


def _remove_tokenizer(folder: Path) -> None:
    for path in files_of(folder, KINDS["gguf"].files):
        path.unlink()
    folder.rmdir()


def _unlink_held(lock: Path) -> None:
    """Remove a lock while it is held: a process that waits for it notices."""
    if fcntl is not None:
        lock.unlink()


def _unlink_released(lock: Path) -> None:
    """Where an open file cannot be removed, as on Windows."""
    if fcntl is None:
        lock.unlink(missing_ok=True)


def _sound(path: Path) -> Iterator[str]:
    """For entries that `describe` reads completely."""
    return iter(())


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "states",
            re.compile(NAME),
            re.compile(rf"{re.escape(KEY_FILE)}|{re.escape(LOCK_FILE)}|\d{{5,}}-[0-9a-f]{{8}}\.npy|\..*\.partial"),
            _describe_states,
            _check_states,
            _remove_states,
            "written or computed again on next use",
        ),
        Kind(
            SCORES, SCORE_FILE, None, about_part, _check_sum, Path.unlink, "scored again on next use",
        ),
        Kind(
            "answers", re.compile(rf"{NAME}\.jsonl"), None, _describe_lines, _check_lines, _remove_lines,
            "these questions are answered again",
        ),
        Kind(
            "verdicts", re.compile(rf"{NAME}\.jsonl"), None, _describe_lines, _check_lines, _remove_lines,
            "the judge is asked again",
        ),
        Kind(
            "digests", re.compile("[0-9a-f]{64}"), None, _describe_digest, _sound, Path.unlink,
            "computed again on next use",
        ),
        Kind(
            "gguf", re.compile(NAME), re.compile(r"[\w-][\w.-]*\.(json|txt|jinja|model)"), _describe_tokenizer,
            _check_tokenizer, _remove_tokenizer, "delete the folder: it is made again on next use",
        ),
    )
}  # fmt: skip
"""The kinds of entries by the names of their folders."""
