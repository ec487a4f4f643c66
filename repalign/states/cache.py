"""What the cache holds: states, answers, verdicts, digests and converted tokenizers; whether it is damaged; removing it.

An entry is repalign's by its name and by what it holds. Everything else in these folders, such as a link, a foreign file or a
store whose `key.json` is damaged, is listed and left alone; links are never followed. The trained checkpoints beside
them are no part of the cache.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import filelock

from repalign.checkpoints import home
from repalign.checkpoints.home import unreadable
from repalign.errors import RepalignError
from repalign.states.cache_kinds import KINDS, NAME, Foreign, InUse, Kind, files_of
from repalign.states.remote_cache import RemoteEntry, entries
from repalign.states.storage import SCORES, Storage

COMPANION = re.compile(rf"\..*\.partial|{NAME}\.lock")
"""Files beside the entries: one that is being written, or guards another."""


@dataclass(frozen=True)
class Entry:
    """One entry of the cache.

    Attributes:
        kind: name of its kind.
        path: a folder or a file, of this machine or in an object store.
        bytes: of all its files.
        used: time of its last use in seconds since 1970; in an object store, of its last write.
        status: "ours", "damaged" (it has a name of ours and other contents, or cannot be read) or "foreign".
        about: what it is, or why it is not ours.
    """

    kind: str
    path: Path | RemoteEntry
    bytes: int
    used: float
    status: Literal["ours", "damaged", "foreign"]
    about: str


def survey(kinds: Iterable[str] | None = None, storage: Storage | None = None) -> Iterator[Entry]:
    """The entries of the cache, by default of all kinds, or those of another store, which holds states and scores only.

    Those that vanish meanwhile are left out.

    Raises:
        RepalignError: a folder of the cache, or the store, cannot be read.
    """
    chosen = list(KINDS) if kinds is None else list(kinds)
    if storage is not None and storage.remote is not None:
        yield from (_examined_remote(one) for one in entries(storage.remote) if one.kind in chosen)
        return
    for kind in map(KINDS.__getitem__, chosen):
        for path in _paths(kind.name, storage):
            if (entry := _examined(kind, path)) is not None:
                yield entry


def damages(entry: Entry) -> list[str]:
    """What is damaged in an entry, in words, beginning with the file: reads all of it."""
    if entry.status != "ours":
        return [f"{entry.path}: {entry.about}"] if entry.status == "damaged" else []
    if isinstance(entry.path, RemoteEntry):
        return list(entry.path.damages())
    try:
        return list(KINDS[entry.kind].check(entry.path))
    except FileNotFoundError:  # removed meanwhile
        return []
    except OSError as error:
        return [f"{error.filename or entry.path}: cannot be read ({error.strerror})"]


def remove(entry: Entry) -> None:
    """Remove an entry that is ours.

    Raises:
        InUse: a process has it locked or reads it.
        RepalignError: it cannot be removed; says why.
    """
    if isinstance(entry.path, RemoteEntry):
        return entry.path.remove()
    try:
        KINDS[entry.kind].remove(entry.path)
    except filelock.Timeout as error:
        raise InUse("in use by another process") from error
    except FileNotFoundError:  # removed by another process
        return
    except OSError as error:
        raise RepalignError(f"cannot be removed ({error.strerror})") from error


def _paths(kind: str, storage: Storage | None) -> list[Path]:
    """The entries of a kind: below the home, or in a store that is named, in which scores lie in a folder beside the states."""
    if storage is None:
        return _listed(home() / kind)
    if kind == SCORES:
        return _listed(storage.scores)
    in_store = _listed(storage.folder) if kind == "states" else []
    return [path for path in in_store if path != storage.scores or path.is_symlink()]


def _listed(folder: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise unreadable(folder, error) from error
    return [folder / name for name in names if not COMPANION.fullmatch(name)]


def _examined(kind: Kind, path: Path) -> Entry | None:
    size, used = 0, 0.0
    try:
        if not kind.named.fullmatch(path.name):
            raise Foreign("not a name that repalign gives")
        stats = [file.lstat() for file in files_of(path, kind.files)] or [path.lstat()]
        size, used = sum(one.st_size for one in stats), max(one.st_mtime for one in stats)
        return Entry(kind.name, path, size, used, "ours", kind.describe(path))
    except FileNotFoundError:  # removed meanwhile
        return None
    except OSError as error:
        return Entry(kind.name, path, size, used, "damaged", f"cannot be read ({error.strerror})")
    except RepalignError as error:
        status = "foreign" if isinstance(error, Foreign) else "damaged"
        return Entry(kind.name, path, size, used, status, str(error))


def _examined_remote(found: RemoteEntry) -> Entry:
    size, written = sum(file.bytes for file in found.files), max(file.written for file in found.files)
    try:
        return Entry(found.kind, found, size, written, "ours", found.describe())
    except RepalignError as error:
        status = "foreign" if isinstance(error, Foreign) else "damaged"
        return Entry(found.kind, found, size, written, status, str(error))
