"""Scores beside the states: one file for each part, named by its key and its checksum, so that all of it appears in one rename.

In an object store they have the same names; the folder then is its cache, as for states.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from repalign.checkpoints.home import REMEDY
from repalign.errors import RepalignError
from repalign.files import checksum_of
from repalign.results.part import ProfilePart
from repalign.scoring.parts import Part
from repalign.states.cache_kinds import SCORE_FILE
from repalign.states.shards import damaged
from repalign.states.storage import SCORES, Storage
from repalign.writes import write_atomically

logger = logging.getLogger(__name__)

LENGTH = 32
"""Hexadecimal digits of a key in the name of a file."""


@dataclass(frozen=True)
class StoredScores:
    """The scores in a storage."""

    storage: Storage

    def find(self, parts: Iterable[Part]) -> dict[str, str]:
        """The parts that are stored, by the names of the files: key -> name of the file.

        Raises:
            RepalignError: the object store cannot be read.
        """
        if not (names := {**self._uploaded(), **self._in_folder()}):
            return {}
        keys = (part.key for part in parts)
        return {key: names[key[:LENGTH]] for key in keys if key is not None and key[:LENGTH] in names}

    def missing(self, keys: Iterable[str]) -> set[str]:
        """The keys of the parts that the object store, or else the folder, lacks; damaged files are removed, which is said.

        Raises:
            RepalignError: the object store cannot be read.
        """
        if self.storage.remote is not None:
            uploaded = self._uploaded()
            return {key for key in keys if key[:LENGTH] not in uploaded}
        named = self._in_folder()
        return {key for key in keys if key[:LENGTH] not in named or self._sound(key) is None}

    def is_stored(self, key: str) -> bool:
        """Whether a part need not be computed; one that only the folder holds is uploaded.

        Raises:
            RepalignError: the object store cannot be written.
        """
        path = self._sound(key)
        if path is not None:
            self._upload(path.name, path.read_bytes())
        return path is not None

    def read(self, name: str) -> ProfilePart | None:
        """The scores in a file; None if it is damaged, which is said, or was removed.

        Raises:
            RepalignError: the object store cannot be read.
        """
        path, remote = self.storage.scores / name, self.storage.remote
        with suppress(FileNotFoundError):
            if (found := _decoded(path.read_bytes(), path)) is not None:
                os.utime(path)  # its last use
                return found
            path.unlink()
        data = None if remote is None else remote.read(f"{SCORES}/{name}")
        found = None if data is None else _decoded(data, f"{remote}/{SCORES}/{name}")
        if data is not None and found is not None:
            write_atomically(path, data, REMEDY)
        return found

    def write(self, key: str, part: ProfilePart) -> None:
        """Store the scores of a part. Any number of processes may do so at once.

        Raises:
            RepalignError: the folder or the object store cannot be written, or the disk is full.
        """
        data = part.encoded()
        name = f"{key[:LENGTH]}-{checksum_of(data)}.parquet"
        write_atomically(self.storage.scores / name, data, REMEDY)
        self._upload(name, data)

    def _in_folder(self) -> dict[str, str]:
        with suppress(FileNotFoundError):
            return _by_key(os.listdir(self.storage.scores))
        return {}

    def _uploaded(self) -> dict[str, str]:
        return {} if self.storage.remote is None else _by_key(self.storage.remote.names(SCORES))

    def _sound(self, key: str) -> Path | None:
        """The file of a part in the folder; those that are damaged are removed, which is said."""
        for path in sorted(self.storage.scores.glob(f"{key[:LENGTH]}-*.parquet")):
            if not (damage := damaged(path)):
                return path
            logger.warning("scores in %s are damaged (%s); computing them again", path, damage)
            path.unlink(missing_ok=True)
        return None

    def _upload(self, name: str, data: bytes) -> None:
        if self.storage.remote is not None:
            kept = f"it is kept in {self.storage.scores}, and the same command uploads it and continues"
            self.storage.remote.write(f"{SCORES}/{name}", data, kept)


def _by_key(names: Iterable[str]) -> dict[str, str]:
    """Names of files by the keys in them; of several of one key the first."""
    return {match[1]: name for name in sorted(names, reverse=True) if (match := SCORE_FILE.fullmatch(name))}


def _decoded(data: bytes, where: object) -> ProfilePart | None:
    """The scores that a file holds; None if it is damaged, which is said."""
    try:
        if not str(where).endswith(f"-{checksum_of(data)}.parquet"):
            raise RepalignError(f"{where} has another checksum than its name")
        return ProfilePart.decoded(data, where)
    except RepalignError as error:
        logger.warning("stored scores are damaged (%s); computing them again", error)
        return None
