"""Paths that a user gave to write to: checked before any work, made late, and removed again if nothing comes of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from repalign.errors import RepalignError
from repalign.results.drawn import Drawn, write_drawn
from repalign.writes import check_writable, write_atomically, writing

GENERATOR = '<meta name="generator" content="repalign">'
"""In the head of every page, by which a page is recognised as repalign's."""

MARKS = (GENERATOR.encode(), "· repalign</title>".encode())
"""The second is of versions before 0.2."""

HEAD = 4096
"""Bytes at the beginning of a page in which a mark is expected."""


def is_page(path: Path) -> bool:
    """Whether a file is a page that repalign wrote."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return False
    return any(mark in head for mark in MARKS)


def write_file(path: Path, make: Callable[[], bytes | Drawn], overwrite: bool = False) -> Path:
    """Write one file atomically, or a page with what lies beside it.

    Args:
        make: gives its contents; called after the path has been checked.
        overwrite: also replace a file that is no page of repalign.

    Raises:
        RepalignError: see `check_file`; or the disk is full.
    """
    check_file(path, overwrite)
    data = make()
    check_file(path, overwrite)  # again, since `make` may take a while
    with writing(path, "choose another --out"), created(path.parent):
        if isinstance(data, Drawn):
            write_drawn(path, data, "choose another --out")
        else:
            write_atomically(path, data)
    return path


def check_file(path: Path, overwrite: bool = False) -> None:
    """Refuse to write one file where that could not be done later, or would replace somebody's; changes nothing on disk.

    Args:
        overwrite: also replace a file that is no page of repalign.

    Raises:
        RepalignError: it is a folder, a file of another origin, or the folder cannot be written.
    """
    if path.is_dir() or path.name in ("", ".."):
        raise RepalignError(f"{path} is a folder; expected the name of a file")
    if os.path.lexists(path) and not overwrite and not is_page(path):
        raise RepalignError(
            f"{path} exists and is no page of repalign; choose another file, or replace it with --overwrite (in Python "
            "overwrite=True)"
        )
    check_writable(path.parent, "choose another --out")


@contextmanager
def created(folder: Path) -> Iterator[None]:
    """Within it a folder exists. If it ends in an exception, those folders made for it that are empty are removed again."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for one in missing:
            with suppress(OSError):  # another process has put something there
                one.rmdir()
        raise
