"""What an object store holds: the same folders of states as the cache, of which nobody can know whether they are in use."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from repalign.states.cache_kinds import KINDS, Foreign, about_states
from repalign.states.remote import Remote, RemoteFile
from repalign.states.store import KEY_FILE, SHARD, described_at

STATES = KINDS["states"]


@dataclass(frozen=True)
class RemoteFolder:
    """A folder in an object store, with the files that were listed."""

    remote: Remote
    name: str
    files: tuple[RemoteFile, ...]

    def __str__(self) -> str:
        return f"{self.remote}/{self.name}" if self.name else str(self.remote)

    def describe(self) -> str:
        """The states in words.

        Raises:
            Foreign: something else than states.
            RepalignError: the `key.json` is not that of this folder, or the store cannot be read.
        """
        if not STATES.named.fullmatch(self.name):
            raise Foreign("not a name that repalign gives")
        for file in self.files:
            name = file.path.removeprefix(f"{self.name}/")
            if STATES.files is None or not STATES.files.fullmatch(name):
                raise Foreign(f"it holds {name!r}, which repalign did not write")
        return about_states(described_at(self.remote, self.name), self.name)

    def damages(self) -> Iterator[str]:
        """What is damaged, in words: downloads all of it."""
        for file in self.files:
            if (shard := SHARD.fullmatch(file.path.rpartition("/")[2])) is None:
                continue
            data = self.remote.read(file.path)
            if data is not None and (actual := f"{zlib.crc32(data):08x}") != shard[2]:
                yield f"{self.remote}/{file.path}: checksum {actual}, expected {shard[2]}"

    def remove(self) -> None:
        """Remove all files, `key.json` last: what a kill leaves is a store with fewer shards, which is still recognised.

        Raises:
            RepalignError: one of them cannot be removed.
        """
        for file in sorted(self.files, key=lambda one: (one.path.endswith(KEY_FILE), one.path)):
            self.remote.delete(file.path)


def folders(remote: Remote) -> Iterator[RemoteFolder]:
    """The folders of an object store, by name; files beside them are a folder without a name.

    Raises:
        RepalignError: the store cannot be read.
    """
    for name, files in groupby(remote.files(), key=lambda file: file.path.rpartition("/")[0]):
        yield RemoteFolder(remote, name, tuple(files))
