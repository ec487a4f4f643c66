"""Shards of states: one file each, with its checksum in its name, read by memory-mapping."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np

from repalign.errors import RepalignError
from repalign.files import checksum

try:
    import fcntl
except ImportError:  # Windows, which itself refuses to delete a file that is mapped
    fcntl = None


def write_shard(path: Path, states: np.ndarray) -> None:
    """Write states, float32 [layer, row, dim], to a file, with the bytes of `np.save`.

    Raises:
        OSError: with its number: `np.save` itself gives none when the disk is full.
    """
    array = np.ascontiguousarray(states, dtype=np.float32)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data)


def mapped(path: Path) -> np.memmap:
    """A shard, memory-mapped: float32 [layer, row, dim].

    The mapping holds a shared lock on the file, through its copy of the descriptor, for as long as it exists: see
    `is_mapped`. On a network file system, states that another machine deleted would crash their reader.

    Raises:
        RepalignError: the file is not a shard.
    """
    try:
        with path.open("rb") as file:
            if fcntl is not None:
                with suppress(OSError):  # a file system without locks
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            if dtype != np.float32:
                raise ValueError(f"it holds {dtype}, not float32")
            return np.memmap(file, np.float32, "r", file.tell(), shape)
    except (OSError, ValueError) as error:
        raise RepalignError(f"cannot read {path}: {error}; delete it and run again") from error


def is_mapped(path: Path) -> bool:
    """Whether some process, this one included, has a shard memory-mapped, or is writing it."""
    if fcntl is None:
        return False
    with path.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def damaged(path: Path) -> str | None:
    """What is wrong with a shard, or None."""
    expected = path.stem.rpartition("-")[2]
    actual = checksum(path)
    return None if actual == expected else f"checksum {actual}, expected {expected}"
