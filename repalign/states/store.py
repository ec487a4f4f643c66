"""Hidden states on disk: shards with checksums, each written atomically.

One folder holds one language of one key. A shard `00003-1f2e3d4c.npy` is float32 [layer, row, dim] for consecutive
rows; the hexadecimal part of its name is the CRC-32 of the file, so that shard and checksum appear in one rename.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from repalign.errors import RepalignError
from repalign.files import partial_file, read_json, write_atomically, writing
from repalign.signature import digest
from repalign.states.views import StoredArray

FORMAT = 2
"""Version of the layout and of the extraction code: raised when the same inputs would give different numbers.

1: an adapter could leave its base changed for the checkpoint after it, random embeddings could stand in for missing ones, and
encoder-decoders read every language as English; its stores are not used.
"""

DESCRIBED = {
    "key": {str: object},
    "format?": int,
    "shape": {"layers": [int], "blocks": int, "rows": int, "dim": int},
}
"""What `key.json` of a store holds (see `repalign.files.Shape`)."""

REMEDY = "set REPALIGN_HOME to a folder that can be written"
WHEN_FULL = "what is computed so far is kept: free some space (`repalign cache prune`) or set REPALIGN_HOME, and run again to go on"
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


@dataclass(frozen=True)
class Store:
    """The states of one language under one key."""

    folder: Path
    shape: Shape

    @property
    def rows_per_shard(self) -> int:
        return max(1, SHARD_BYTES // (4 * len(self.shape.layers) * self.shape.dim))

    @classmethod
    def find(cls, root: Path, key: Mapping[str, Any]) -> Store | None:
        """The store of a key, or None if there is none.

        Args:
            root: folder of all stores.
            key: everything that decides the numbers; a different key is a different store.
        """
        described = cls.folder_of(root, key) / "key.json"
        if not described.is_file():
            return None
        try:
            shape = read_json(described, DESCRIBED)["shape"]
        except RepalignError:  # damaged: it is rewritten; the shards are checked by their checksums
            return None
        return cls(
            described.parent, Shape(tuple(shape["layers"]), shape["blocks"], shape["rows"], shape["dim"])
        )

    @classmethod
    def create(cls, root: Path, key: Mapping[str, Any], shape: Shape) -> Store:
        """The store of a key, created if it does not exist."""
        folder = cls.folder_of(root, key)
        with writing(folder, REMEDY, WHEN_FULL):
            folder.mkdir(parents=True, exist_ok=True)
            described = {"format": FORMAT, "key": dict(key), "shape": asdict(shape)}
            text = json.dumps(described, ensure_ascii=False, indent=1)
            write_atomically(folder / "key.json", text.encode(), REMEDY)
        return cls(folder, shape)

    @staticmethod
    def folder_of(root: Path, key: Mapping[str, Any]) -> Path:
        return root / digest([json.dumps({"format": FORMAT, **key}, sort_keys=True, ensure_ascii=False)])[:32]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time: a second process waits and then reads the result. The lock of a killed process is released."""
        lock = self.folder / ".lock"
        with writing(self.folder, REMEDY, WHEN_FULL), filelock.FileLock(lock):
            lock.touch()  # its time is the last use of the states, also if only read, for `repalign cache prune`
            yield

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

    def missing(self, report: Callable[[str], None]) -> list[int]:
        """Numbers of the shards to compute; damaged ones are reported through `report` and removed."""
        absent = []
        for shard in range(self.shards):
            path = self.path(shard)
            if path is not None and (damage := damaged(path)):
                report(f"shard {path.name} of {self.folder} is damaged ({damage}); recomputing it")
                path.unlink(missing_ok=True)
                path = None
            if path is None:
                absent.append(shard)
        return absent

    def write(self, shard: int, states: np.ndarray) -> None:
        """Write one shard, float32 [layer, row, dim].

        Raises:
            RepalignError: the disk is full or the folder cannot be written; shards written before stay usable.
        """
        name = self.folder / f"{shard:05d}"
        with writing(self.folder, REMEDY, WHEN_FULL), partial_file(name) as partial:
            with partial.open("wb") as file:
                np.save(file, np.ascontiguousarray(states, dtype=np.float32), allow_pickle=False)
            partial.rename(f"{name}-{checksum(partial)}.npy")

    def array(self) -> StoredArray:
        """All rows, read layer by layer from memory-mapped shards."""
        paths = [self.path(shard) for shard in range(self.shards)]
        shards = tuple(np.load(path, mmap_mode="r", allow_pickle=False) for path in paths if path is not None)
        return StoredArray(shards, (len(self.shape.layers), self.shape.rows, self.shape.dim))


def checksum(path: Path) -> str:
    """CRC-32 of a file as eight hexadecimal digits: detects damage, not forgery."""
    value = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            value = zlib.crc32(block, value)
    return f"{value:08x}"


def damaged(path: Path) -> str | None:
    """What is wrong with a shard, or None."""
    expected = path.stem.rpartition("-")[2]
    actual = checksum(path)
    return None if actual == expected else f"checksum {actual}, expected {expected}"
