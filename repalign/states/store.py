"""Hidden states on disk: shards with checksums, each written atomically.

One folder holds one language of one key. A shard `00003-1f2e3d4c.npy` is float32 [layer, row, dim] for consecutive
rows; the hexadecimal part of its name is the CRC-32 of the file, so that shard and checksum appear in one rename.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import filelock
import numpy as np
from typing_extensions import NotRequired, TypedDict

from repalign.checkpoints.home import REMEDY
from repalign.errors import RepalignError
from repalign.files import checksum, json_bytes, read_json
from repalign.signature import digest
from repalign.states.shards import damaged, mapped, write_shard
from repalign.states.views import StoredArray
from repalign.writes import partial_file, writing

FORMAT = 2
"""Version of the layout and of the extraction code: raised when the same inputs would give different numbers.

1: an adapter could leave its base changed for the checkpoint after it, random embeddings could stand in for missing ones, and
encoder-decoders read every language as English; its stores are not used.
"""

WHEN_FULL = (
    "what is computed so far is kept: free some space (`repalign cache prune --older 30d`) or set REPALIGN_HOME, "
    "and run again to go on"
)
KEY_FILE, LOCK_FILE = "key.json", ".lock"

ATTEMPTS = 100
"""How often a folder is made anew that other processes remove meanwhile."""

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
        """Bytes of one sentence's states at all layers."""
        return 4 * len(self.layers) * self.dim

    @property
    def checksum(self) -> str:
        """CRC-32 as eight hexadecimal digits: a shape that was damaged would give other layers other numbers."""
        return f"{zlib.crc32(json.dumps(asdict(self)).encode()):08x}"


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
    """

    folder: Path
    shape: Shape
    key: Mapping[str, Any]

    @property
    def rows_per_shard(self) -> int:
        return max(1, SHARD_BYTES // self.shape.row_bytes)

    @classmethod
    def find(cls, root: Path, key: Mapping[str, Any]) -> Store | None:
        """The store of a key in the folder of all stores, or None if there is none."""
        folder = root / name_of(key)
        try:
            return cls(folder, described_in(folder)["shape"], dict(key))
        except RepalignError:  # it is written anew; the shards are checked by their checksums
            return None

    @classmethod
    def of(cls, root: Path, key: Mapping[str, Any], shape: Shape) -> Store:
        """The store of a key, of which nothing is written before `locked`."""
        return cls(root / name_of(key), shape, dict(key))

    def prepare(self) -> None:
        """Make the folder and its `key.json` if they are not there yet. Any number of processes may do so at once.

        Raises:
            RepalignError: the folder cannot be written, or the disk is full.
        """
        with writing(self.folder, REMEDY, WHEN_FULL):
            for _ in range(ATTEMPTS):
                self.folder.mkdir(parents=True, exist_ok=True)
                with suppress(FileNotFoundError):  # the cache was pruned in between
                    self._describe()
                    return
            raise self._removed()

    def _describe(self) -> None:
        if Store.find(self.folder.parent, self.key) is None:
            described: Described = {
                "format": FORMAT, "key": dict(self.key), "shape": self.shape, "checksum": self.shape.checksum,
            }  # fmt: skip
            with partial_file(self.folder / KEY_FILE) as partial:
                partial.write_bytes(json_bytes({**described, "shape": asdict(self.shape)}))
                partial.replace(self.folder / KEY_FILE)

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

    @property
    def unwritten_bytes(self) -> int:
        """Bytes of the shards that are not written yet."""
        absent = (len(self.span(shard)) for shard in range(self.shards) if self.path(shard) is None)
        return self.shape.row_bytes * sum(absent)

    def missing(self, report: Callable[[str], None]) -> list[int]:
        """Numbers of the shards to compute; damaged ones are reported through `report` and removed.

        So is all but the first, by name, of sound shards of one number: two processes that computed it with other rounding,
        such as that of another batch size, both wrote one.
        """
        return [shard for shard in range(self.shards) if not self._sound(shard, report)]

    def _sound(self, shard: int, report: Callable[[str], None]) -> bool:
        sound: list[Path] = []
        for path in sorted(self.folder.glob(f"{shard:05d}-*.npy")):
            if damage := damaged(path):
                report(f"shard {path.name} of {self.folder} is damaged ({damage}); recomputing it")
            elif sound:
                report(f"shard {path.name} of {self.folder} differs from {sound[0].name}; using the latter")
            else:
                sound.append(path)
                continue
            path.unlink(missing_ok=True)
        return bool(sound)

    def write(self, shard: int, states: np.ndarray) -> None:
        """Write one shard, float32 [layer, row, dim]. Needs no lock: several processes may write, even the same shard.

        Raises:
            RepalignError: the disk is full or the folder cannot be written; shards written before stay usable.
        """
        name = self.folder / f"{shard:05d}"
        with writing(self.folder, REMEDY, WHEN_FULL):
            for _ in range(ATTEMPTS):
                with suppress(FileNotFoundError), partial_file(name) as partial:
                    write_shard(partial, states)
                    partial.replace(f"{name}-{checksum(partial)}.npy")
                    return
                self.prepare()  # the cache was pruned in between
            raise self._removed()

    def array(self) -> StoredArray:
        """All rows, read layer by layer from memory-mapped shards.

        Call it while the store is `locked`: from then on the mapping itself keeps others from removing the states.

        Raises:
            RepalignError: a shard is missing, or is not one of this store.
        """
        shards = []
        for number in range(self.shards):
            path, shape = self.path(number), (len(self.shape.layers), len(self.span(number)), self.shape.dim)
            if path is None or (shard := mapped(path)).shape != shape:
                raise RepalignError(
                    f"{self.folder} holds no shard {number} of shape {shape}; delete that folder and run again"
                )
            shards.append(shard)
        return StoredArray(tuple(shards), (len(self.shape.layers), self.shape.rows, self.shape.dim))


def described_in(folder: Path) -> Described:
    """What the `key.json` of a store holds.

    Raises:
        RepalignError: it is absent or damaged.
    """
    described = read_json(folder / KEY_FILE, Described)
    if described.get("format") == FORMAT and described.get("checksum") != described["shape"].checksum:
        raise RepalignError(f"{folder / KEY_FILE} is damaged: its shape has another checksum")
    return described


def name_of(key: Mapping[str, Any], version: int | None = None) -> str:
    """The name of the folder of a key in a version of the format, by default the present one: 32 hexadecimal digits."""
    return digest([json.dumps({"format": version or FORMAT, **key}, sort_keys=True, ensure_ascii=False)])[:32]
