"""Writes that are atomic: a file is there completely or as before, whatever stops the program; and folders to write to."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from repalign.errors import RepalignError

if sys.platform == "win32":
    fcntl = None
else:
    import fcntl

PARTIAL = ".partial"
"""Suffix of a file that is being written. A killed process leaves one, which is never read, and which the next writer removes."""


def write_atomically(path: Path, data: bytes, remedy: str = "choose another --out") -> None:
    """Write a file atomically: it holds all of `data`, or is as before. Creates the folder if necessary.

    Its mode is 0666 less the umask, as for any file that a program creates.

    Raises:
        RepalignError: the folder cannot be written, or the disk is full; ends in `remedy`.
    """
    with writing(path, remedy):
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial_file(path) as partial:
            partial.write_bytes(data)
            partial.replace(path)


@contextmanager
def partial_file(path: Path) -> Iterator[Path]:
    """A new, unique file in the folder of `path`, to write to and then rename; if it is still there at the end, it is removed.

    So are those that killed processes left when they wrote the same path: a live writer holds the lock of its own.
    """
    with _partial(path, lambda partial: partial.touch(exist_ok=False)) as partial:
        yield partial


@contextmanager
def partial_folder(path: Path) -> Iterator[Path]:
    """Likewise a folder."""
    with _partial(path, Path.mkdir) as partial:
        yield partial


@contextmanager
def _partial(path: Path, create: Callable[[Path], object]) -> Iterator[Path]:
    remove_abandoned(path)
    partial, lock = _created(path, create)
    try:
        yield partial
    finally:
        if lock is not None:
            os.close(lock)
        _remove(partial)


def _created(path: Path, create: Callable[[Path], object]) -> tuple[Path, int | None]:
    """A new partial file or folder and its lock; the lock is None where the file system has none.

    Before it is locked, another writer of the same path may think it abandoned and remove it: then another one is made.
    """
    while True:
        partial = path.with_name(f"{_start(path)}{os.urandom(4).hex()}{PARTIAL}")
        create(partial)
        with suppress(FileNotFoundError, BlockingIOError):
            lock = _lock(partial)
            if partial.exists():
                return partial, lock
            if lock is not None:
                os.close(lock)


def remove_abandoned(path: Path) -> None:
    """Remove what killed processes left when they wrote a file or folder.

    Nothing is removed whose writer is alive, nor where the file system has no locks to know by.
    """
    left = re.compile(rf"{re.escape(_start(path))}[0-9a-f]{{8}}{re.escape(PARTIAL)}")
    for entry in os.scandir(path.parent):
        if not left.fullmatch(entry.name):
            continue
        with suppress(OSError):  # it is being written, or was removed by another process
            if (lock := _lock(Path(entry))) is not None:
                try:
                    _remove(Path(entry))
                finally:
                    os.close(lock)


def _start(path: Path) -> str:
    """How the name of a partial file begins: only with the start of the name, as a long one would exceed the limit of the file system."""
    return f".{path.name[:40]}."


def _remove(partial: Path) -> None:
    if partial.is_dir():
        shutil.rmtree(partial)
    else:
        partial.unlink(missing_ok=True)


def _lock(partial: Path) -> int | None:
    """A descriptor that holds the lock of a file or folder, which the system releases when the process ends.

    Returns:
        None where the system, or the file system, has no locks.

    Raises:
        BlockingIOError: another process holds it.
        FileNotFoundError: it was removed.
    """
    if fcntl is None:
        return None
    descriptor = os.open(partial, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise
        return None
    return descriptor


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(one for one in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(one))


def check_writable(folder: Path, remedy: str) -> None:
    """Check that a folder can be written, or made and written, before the work whose results go there; leaves no trace.

    Raises:
        RepalignError: it cannot; ends in `remedy`.
    """
    with writing(folder, remedy):
        with suppress(FileNotFoundError, NotADirectoryError):
            folder.stat()  # refuses a name that is too long, and links in a circle
        nearest = existing(folder)
        if not nearest.is_dir():
            what = "a file" if nearest.exists() else "a link to nothing"
            raise RepalignError(f"cannot write {folder}: {nearest} is {what}, expected a folder; {remedy}")
        with tempfile.TemporaryFile(dir=nearest):
            pass


@contextmanager
def writing(path: Path, remedy: str, when_full: str | None = None) -> Iterator[None]:
    """Converts an OSError, such as a full disk, into a one-line RepalignError.

    Args:
        path: the file or folder that is written.
        remedy: what the user can do.
        when_full: likewise, if the disk is full; by default the same.

    Raises:
        RepalignError: in place of any OSError.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = f"{error.strerror or error}; {when_full if full and when_full else remedy}"
        raise RepalignError(f"cannot write {path}: {reason}") from error
