"""Shards of states: one file each, with its checksum in its name, read by memory-mapping.

In half precision, each vector of a layer and a row has a scale of its own, a power of two that brings its largest component to
2^14 to 2^15: nothing overflows, as massive activations would in plain float16, and 11 bits of each component remain, where
bfloat16 would leave 8 in the same bytes. A component x of a vector with the largest component m is read back within
max(2^-11 |x|, 2^-39 m).
"""

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


LARGEST = 15
"""Exponent of the largest component as it is written: float16 ends just below 2^16, and 2^15 leaves room to round up."""

BELOW = 2.0**LARGEST - 2.0 ** (LARGEST - 11)
"""The largest float16 below 2^15."""


def layout(states: tuple[int, int, int], dtype: str) -> tuple[tuple[int, ...], np.dtype]:
    """The shape and dtype of a shard on disk.

    Args:
        states: layers, rows and dims.
        dtype: float32, or float16 with an exponent for each layer and row.
    """
    if dtype == "float32":
        return states, np.dtype(np.float32)
    return states[:2], np.dtype([("exponent", "<i2"), ("values", "<f2", (states[2],))])


def write_shard(path: Path, states: np.ndarray, dtype: str = "float32") -> None:
    """Write states, float32 [layer, row, dim], to a file, with the bytes of `np.save`.

    Args:
        dtype: in which they are written: see `layout`.

    Raises:
        OSError: with its number: `np.save` itself gives none when the disk is full.
        RepalignError: states in half precision that are not finite.
    """
    array = np.ascontiguousarray(states, dtype=np.float32)
    if dtype != "float32":
        array = in_half(array)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.reshape(-1).view(np.uint8).data)


def in_half(states: np.ndarray) -> np.ndarray:
    """States, float32 [layer, row, dim], in half precision: see `layout`.

    Raises:
        RepalignError: one of them is not finite.
    """
    largest = np.abs(states).max(axis=2)
    if not np.isfinite(largest).all():
        raise RepalignError("states that are not finite cannot be stored in float16; store them in float32")
    exponent = np.frexp(largest)[1] - LARGEST
    shape, dtype = layout(states.shape, "float16")  # type: ignore[arg-type]
    half = np.empty(shape, dtype)
    half["exponent"] = exponent
    scaled = np.ldexp(states, -exponent[..., None])
    if (
        exponent.max() + LARGEST == np.finfo(np.float32).maxexp
    ):  # rounded up, the largest float32 would be read as infinite
        scaled = scaled.clip(-BELOW, BELOW)
    half["values"] = scaled
    return half


def in_float32(rows: np.ndarray) -> np.ndarray:
    """Rows of one layer of a shard as float32 [row, dim]."""
    if rows.dtype.names is None:
        return rows
    return np.ldexp(rows["values"].astype(np.float32), rows["exponent"][:, None])


def mapped(path: Path) -> np.memmap:
    """A shard, memory-mapped: float32 [layer, row, dim], or in half precision, of the shape and dtype of `layout`.

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
            if dtype not in (np.float32, layout((0, 0, _dims(dtype)), "float16")[1]):
                raise ValueError(f"it holds {dtype}, not states")
            return np.memmap(file, dtype, "r", file.tell(), shape)
    except (OSError, ValueError) as error:
        raise RepalignError(f"cannot read {path}: {error}; delete it and run again") from error


def _dims(dtype: np.dtype) -> int:
    """The dims of rows in half precision; 0 for another dtype."""
    return (dtype["values"].shape or (0,))[0] if dtype.names and "values" in dtype.names else 0


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
