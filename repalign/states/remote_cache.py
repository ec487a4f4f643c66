"""What an object store holds: the same states and scores as the cache, of which nobody can know whether they are in use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from repalign.files import checksum_of
from repalign.states.cache_kinds import KINDS, Foreign, about_states
from repalign.states.remote import Remote, RemoteFile
from repalign.states.storage import SCORES
from repalign.states.store import KEY_FILE, described_at

STATES = KINDS["states"]

SUM = re.compile(r".*-([0-9a-f]{8})\.(npy|parquet)")
"""The name of a file with its CRC-32."""


@dataclass(frozen=True)
class RemoteEntry:
    """States, which are a folder, or one file of scores in an object store.

    Attributes:
        remote: the object store.
        kind: "states" or "scores".
        path: below the prefix.
        files: that were listed.
    """

    remote: Remote
    kind: str
    path: str
    files: tuple[RemoteFile, ...]

    @property
    def name(self) -> str:
        """Of the folder or file."""
        return self.path.rpartition("/")[2]

    def __str__(self) -> str:
        return f"{self.remote}/{self.path}" if self.path else str(self.remote)

    def describe(self) -> str:
        """The states in words; of scores nothing, as that would download them.

        Raises:
            Foreign: something that repalign did not write.
            RepalignError: the `key.json` is not that of this folder, or the store cannot be read.
        """
        if not KINDS[self.kind].named.fullmatch(self.name):
            raise Foreign("not a name that repalign gives")
        if self.kind == SCORES:
            return ""
        for file in self.files:
            name = file.path.removeprefix(f"{self.path}/")
            if STATES.files is None or not STATES.files.fullmatch(name):
                raise Foreign(f"it holds {name!r}, which repalign did not write")
        return about_states(described_at(self.remote, self.path), self.path)

    def damages(self) -> Iterator[str]:
        """What is damaged, in words: downloads all of it."""
        for file in self.files:
            if (named := SUM.fullmatch(file.path)) is None:
                continue
            data = self.remote.read(file.path)
            if data is not None and (actual := checksum_of(data)) != named[1]:
                yield f"{self.remote}/{file.path}: checksum {actual}, expected {named[1]}"

    def remove(self) -> None:
        """Remove all files, `key.json` last: what a kill leaves is a store with fewer shards, which is still recognised.

        Raises:
            RepalignError: one of them cannot be removed.
        """
        for file in sorted(self.files, key=lambda one: (one.path.endswith(KEY_FILE), one.path)):
            self.remote.delete(file.path)


def entries(remote: Remote) -> Iterator[RemoteEntry]:
    """What an object store holds, by path; files beside the folders are a folder without a name.

    Raises:
        RepalignError: the store cannot be read.
    """
    for folder, files in groupby(remote.files(), key=lambda file: file.path.rpartition("/")[0]):
        if folder == SCORES:
            yield from (RemoteEntry(remote, SCORES, file.path, (file,)) for file in files)
        else:
            yield RemoteEntry(remote, "states", folder, tuple(files))
