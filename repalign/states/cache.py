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

COMPANION = re.compile(rf"\..*\.partial|{NAME}\.lock")
"""Files beside the entries: one that is being written, or guards another."""


@dataclass(frozen=True)
class Entry:
    """One entry of the cache.

    Attributes:
        kind: name of its kind.
        path: a folder or a file.
        bytes: of all its files.
        used: time of its last use in seconds since 1970.
        status: "ours", "damaged" (it has a name of ours and other contents, or cannot be read) or "foreign".
        about: what it is, or why it is not ours.
    """

    kind: str
    path: Path
    bytes: int
    used: float
    status: Literal["ours", "damaged", "foreign"]
    about: str


def survey(kinds: Iterable[str] | None = None) -> Iterator[Entry]:
    """The entries of the cache, by default of all kinds; those that vanish meanwhile are left out.

    Raises:
        RepalignError: a folder of the cache cannot be read.
    """
    for kind in KINDS.values() if kinds is None else map(KINDS.__getitem__, kinds):
        for path in _listed(home() / kind.name):
            if (entry := _examined(kind, path)) is not None:
                yield entry


def damages(entry: Entry) -> list[str]:
    """What is damaged in an entry, in words, beginning with the file: reads all of it."""
    if entry.status != "ours":
        return [f"{entry.path}: {entry.about}"] if entry.status == "damaged" else []
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
    try:
        KINDS[entry.kind].remove(entry.path)
    except filelock.Timeout as error:
        raise InUse("in use by another process") from error
    except FileNotFoundError:  # removed by another process
        return
    except OSError as error:
        raise RepalignError(f"cannot be removed ({error.strerror})") from error


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
