"""Hidden states on disk: shards with checksums, each written atomically.

One folder holds one language of one key. A shard `00003-1f2e3d4c.npy` is [layer, row, dim] for consecutive rows, in float32 or
by the key in half precision; the hexadecimal part of its name is the CRC-32 of the file, so that shard and checksum appear in one rename.

A store may have a second home, `remote`, of the same layout: an object store that others share. The folder then is its cache:
what is written goes to both, what the folder lacks is downloaded when it is read, and what only the folder has is uploaded.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import filelock
import numpy as np
from typing_extensions import NotRequired, TypedDict

from repalign.checkpoints.home import REMEDY
from repalign.errors import RepalignError
from repalign.files import checksum, checksum_of, json_bytes, parse_json, read_json
from repalign.signature import digest
from repalign.states.remote import Remote
from repalign.states.shards import damaged, layout, mapped, write_shard
from repalign.states.views import StoredArray
from repalign.writes import partial_file, writing

FORMAT = 2
"""Version of the layout and of the extraction code: raised when the same inputs would give different numbers.

1: an adapter could leave its base changed for the checkpoint after it, random embeddings could stand in for missing ones, and
encoder-decoders read every language as English; its stores are not used.
"""

WHEN_FULL = (
    "what is computed so far is kept: free some space (`repalign cache prune --older 30d`) or set REPALIGN_HOME or --store, "
    "and run again to go on"
)
KEY_FILE, LOCK_FILE = "key.json", ".lock"

ATTEMPTS = 100
"""How often a folder is made anew that other processes remove meanwhile."""

SHARD = re.compile(r"(\d{5,})-([0-9a-f]{8})\.npy")
"""The name of a shard: its number, and the CRC-32 of the file."""

DOWNLOADS = 2
"""How often a shard is downloaded that arrives damaged."""

SHARD_BYTES = 64 << 20
"""Bytes of a full shard: the most that a killed run loses, and the most held in memory before it is written."""


@dataclass(frozen=True)
class Shape:
    """Shape of one language's states, known once the model has been loaded.

    Attributes:
        layers: layer numbers that are stored.
        blocks: number of blocks of the model.
        rows: distinct sentences.
        dim: of the hidden states.
    """

    layers: tuple[int, ...]
    blocks: int
    rows: int
    dim: int

    @property
    def row_bytes(self) -> int:
        """Bytes of one sentence's states at all layers, in float32."""
        return 4 * len(self.layers) * self.dim

    @property
    def checksum(self) -> str:
        """CRC-32 as eight hexadecimal digits: a shape that was damaged would give other layers other numbers."""
        return checksum_of(json.dumps(asdict(self)).encode())


class Described(TypedDict):
    """What `key.json` of a store holds; before format 2 there was no checksum."""

    key: dict[str, object]
    format: NotRequired[int]
    shape: Shape
    checksum: NotRequired[str]


@dataclass(frozen=True)
class Store:
    """The states of one language under one key.

    Attributes:
        folder: named by the key.
        shape: of the states.
        key: everything that decides the numbers; a different key is a different store.
        remote: the object store of which the folder is a cache, or None if the folder is the store.
    """

    folder: Path
    shape: Shape
    key: Mapping[str, Any]
    remote: Remote | None = None

    @property
    def dtype(self) -> str:
        """In which shards are written: see `repalign.states.shards.layout`."""
        return self.key.get("stored", "float32")

    @property
    def rows_per_shard(self) -> int:
        return max(1, SHARD_BYTES // self.shape.row_bytes)

    @classmethod
    def find(cls, root: Path, key: Mapping[str, Any], remote: Remote | None = None) -> Store | None:
        """The store of a key in the folder of all stores, or else in the object store; None if there is none.

        Raises:
            RepalignError: the object store cannot be read.
        """
        folder = root / name_of(key)
        try:
            return cls(folder, described_in(folder)["shape"], dict(key), remote)
        except RepalignError:  # it is written anew; the shards are checked by their checksums
            described = None if remote is None else described_at(remote, folder.name)
            return described and cls(folder, described["shape"], dict(key), remote)

    @classmethod
    def of(cls, root: Path, key: Mapping[str, Any], shape: Shape, remote: Remote | None = None) -> Store:
        """The store of a key, of which nothing is written before `prepare` or `locked`."""
        return cls(root / name_of(key), shape, dict(key), remote)

    def prepare(self) -> None:
        """Make the folder and its `key.json` if they do not exist yet. Any number of processes may do so at once.

        Raises:
            RepalignError: the folder or the object store cannot be written, or the disk is full.
        """
        self._prepare_folder()
        if self.remote is not None and described_at(self.remote, self.folder.name) is None:
            self.remote.write(f"{self.folder.name}/{KEY_FILE}", self._description)

    def _prepare_folder(self) -> None:
        with writing(self.folder, REMEDY, WHEN_FULL):
            for _ in range(ATTEMPTS):
                self.folder.mkdir(parents=True, exist_ok=True)
                if Store.find(self.folder.parent, self.key) is not None:
                    return
                with suppress(FileNotFoundError), partial_file(self.folder / KEY_FILE) as partial:
                    partial.write_bytes(self._description)
                    partial.replace(self.folder / KEY_FILE)
                    return
            raise self._removed()

    @property
    def _description(self) -> bytes:
        """The contents of `key.json`."""
        described: Described = {
            "format": FORMAT, "key": dict(self.key), "shape": self.shape, "checksum": self.shape.checksum,
        }  # fmt: skip
        return json_bytes({**described, "shape": asdict(self.shape)})

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time: a second process waits and then reads the result. The lock of a killed process is released.

        The store is prepared here, so that it exists also where the cache was pruned a moment ago.

        Raises:
            RepalignError: the folder cannot be written, or the disk is full.
        """
        with writing(self.folder, REMEDY, WHEN_FULL):
            lock = self._acquired()
            try:
                self.prepare()
                yield
            finally:
                lock.release()

    def _acquired(self) -> filelock.BaseFileLock:
        """The lock of the folder, which another process may remove while this one waits for it."""
        lock = filelock.FileLock(self.folder / LOCK_FILE)
        for _ in range(ATTEMPTS):
            self.folder.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # what is locked has no name any more
                lock.acquire()
                os.utime(lock.lock_file)  # the last use of the states, also if they are only read
                return lock
            lock.release()
        raise self._removed()

    def _removed(self) -> RepalignError:
        return RepalignError(f"{self.folder} was removed {ATTEMPTS} times by another process; stop that one")

    @property
    def shards(self) -> int:
        return -(-self.shape.rows // self.rows_per_shard)

    def span(self, shard: int) -> range:
        """The rows of a shard."""
        start = shard * self.rows_per_shard
        return range(start, min(start + self.rows_per_shard, self.shape.rows))

    def path(self, shard: int) -> Path | None:
        """The file of a shard, or None if it is not written yet."""
        return next(iter(sorted(self.folder.glob(f"{shard:05d}-*.npy"))), None)

    def unwritten(self) -> list[int]:
        """Numbers of the shards that the store lacks, by their names: the object store, or else the folder.

        Raises:
            RepalignError: the object store cannot be read.
        """
        written = self._in_folder() if self.remote is None else self._uploaded()
        return [shard for shard in range(self.shards) if shard not in written]

    def is_written(self, shard: int) -> bool:
        """Whether a shard need not be computed; one that only the folder holds is uploaded.

        Raises:
            RepalignError: the object store cannot be read or written.
        """
        path = self.path(shard)
        if self.remote is None:
            return path is not None
        if shard in self._uploaded():
            return True
        if path is None or damaged(path):
            return False
        self.prepare()
        self._upload(path)
        return True

    def bytes_of(self, shards: Iterable[int]) -> int:
        """Bytes of some shards."""
        shape, dtype = layout((len(self.shape.layers), 1, self.shape.dim), self.dtype)
        return math.prod(shape) * dtype.itemsize * sum(len(self.span(shard)) for shard in shards)

    @property
    def uncomputed_bytes(self) -> int:
        """Bytes of the shards that are neither in the folder nor in the object store."""
        return self.bytes_of({*self._not_in_folder()} - {*self._uploaded()})

    @property
    def absent_bytes(self) -> int:
        """Bytes of the shards that the folder lacks: those to compute, and those to download."""
        return self.bytes_of(self._not_in_folder())

    def _in_folder(self) -> set[int]:
        return {
            int(path.name.partition("-")[0])
            for path in self.folder.glob("*-*.npy")
            if SHARD.fullmatch(path.name)
        }

    def _not_in_folder(self) -> list[int]:
        written = self._in_folder()
        return [shard for shard in range(self.shards) if shard not in written]

    def missing(self, report: Callable[[str], None]) -> list[int]:
        """Numbers of the shards to compute; damaged ones are reported through `report` and removed from the folder.

        So is all but the first, by name, of sound shards of one number: two processes that computed it with other rounding,
        such as that of another batch size, both wrote one. Shards that only the folder holds are uploaded.

        Raises:
            RepalignError: the object store cannot be read or written.
        """
        uploaded, absent = self._uploaded(), []
        for shard in range(self.shards):
            path = self._sound(shard, report)
            if shard in uploaded:
                continue
            if path is None:
                absent.append(shard)
            else:
                self._upload(path)
        return absent

    def _sound(self, shard: int, report: Callable[[str], None]) -> Path | None:
        sound = None
        for path in sorted(self.folder.glob(f"{shard:05d}-*.npy")):
            if damage := damaged(path):
                report(f"shard {path.name} of {self.folder} is damaged ({damage}); replacing it")
            elif sound is not None:
                report(f"shard {path.name} of {self.folder} differs from {sound.name}; using the latter")
            else:
                sound = path
                continue
            path.unlink(missing_ok=True)
        return sound

    def write(self, shard: int, states: np.ndarray) -> None:
        """Write one shard, float32 [layer, row, dim]. Needs no lock: several processes may write, even the same shard.

        Raises:
            RepalignError: the disk is full, or the folder or the object store cannot be written; shards written before
                stay usable, and what could not be uploaded stays in the folder.
        """
        name = self.folder / f"{shard:05d}"
        with writing(self.folder, REMEDY, WHEN_FULL):
            for _ in range(ATTEMPTS):
                with suppress(FileNotFoundError):
                    with partial_file(name) as partial:
                        write_shard(partial, states, self.dtype)
                        path = partial.replace(f"{name}-{checksum(partial)}.npy")
                    self._upload(path)
                    return
                self._prepare_folder()  # the cache was pruned in between
            raise self._removed()

    def array(self) -> StoredArray:
        """All rows, read layer by layer from memory-mapped shards; those that the folder lacks are downloaded first.

        Call it while the store is `locked`: from then on the mapping itself keeps others from removing the states.

        Raises:
            RepalignError: a shard is missing, is not one of this store, or cannot be downloaded undamaged.
        """
        shards = []
        uploaded = self._uploaded() if self._not_in_folder() else {}
        for number in range(self.shards):
            path, shape = self.path(number), (len(self.shape.layers), len(self.span(number)), self.shape.dim)
            expected = layout(shape, self.dtype)
            if path is None and self.remote is not None and number in uploaded:
                path = self._download(self.remote, uploaded[number])
            if path is None or ((shard := mapped(path)).shape, shard.dtype) != expected:
                raise RepalignError(
                    f"{self.folder} holds no shard {number} of shape {shape} in {self.dtype}; delete that folder and run again"
                )
            shards.append(shard)
        return StoredArray(
            tuple(shards), (len(self.shape.layers), self.shape.rows, self.shape.dim), self.folder.name
        )

    def _uploaded(self) -> dict[int, str]:
        """The shards in the object store: number -> name; of several of one number the first, as in the folder."""
        names = self.remote.names(self.folder.name) if self.remote is not None else []
        numbered = [(int(match[1]), name) for name in names if (match := SHARD.fullmatch(name))]
        return dict(reversed(numbered))

    def _upload(self, path: Path) -> None:
        if self.remote is not None:
            kept = f"it is kept in {self.folder}, and the same command uploads it and continues"
            self.remote.write(f"{self.folder.name}/{path.name}", path.read_bytes(), kept)

    def _download(self, remote: Remote, name: str) -> Path | None:
        """The path of a shard that is now in the folder; None if another process removed it from the object store.

        Raises:
            RepalignError: it arrives damaged each time, or cannot be read.
        """
        arrived = []
        while len(arrived) < DOWNLOADS:
            data = remote.read(f"{self.folder.name}/{name}")
            if data is None:
                return None
            if name.endswith(f"-{checksum_of(data)}.npy"):
                with writing(self.folder, REMEDY, WHEN_FULL), partial_file(self.folder / name) as partial:
                    partial.write_bytes(data)
                    return partial.replace(self.folder / name)
            arrived.append(checksum_of(data))
        raise RepalignError(
            f"{remote}/{self.folder.name}/{name} is damaged: it arrived with checksums {' and '.join(arrived)}; remove that "
            "object from the store and run again: it is computed anew"
        )


def described_in(folder: Path) -> Described:
    """What the `key.json` of a store holds.

    Raises:
        RepalignError: it is absent or damaged.
    """
    return _sound_description(read_json(folder / KEY_FILE, Described), folder / KEY_FILE)


def described_at(remote: Remote, name: str) -> Described | None:
    """Likewise in an object store; None if it is absent or damaged.

    Raises:
        RepalignError: the object store cannot be read.
    """
    data = remote.read(f"{name}/{KEY_FILE}")
    if data is None:
        return None
    where = f"{remote}/{name}/{KEY_FILE}"
    with suppress(RepalignError):
        return _sound_description(parse_json(data, Described, where), where)


def _sound_description(described: Described, where: object) -> Described:
    if described.get("format") == FORMAT and described.get("checksum") != described["shape"].checksum:
        raise RepalignError(f"{where} is damaged: its shape has another checksum")
    return described


def name_of(key: Mapping[str, Any], version: int | None = None) -> str:
    """The name of the folder of a key in a version of the format, by default the present one: 32 hexadecimal digits."""
    return digest([json.dumps({"format": version or FORMAT, **key}, sort_keys=True, ensure_ascii=False)])[:32]
