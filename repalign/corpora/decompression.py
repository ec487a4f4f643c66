"""Compressed files, opened so that a small one cannot fill the memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from typing import IO, Any, cast

SMALL = 4 << 20
"""Bytes that a file may always have."""

MOST = 100
"""Bytes of text for each byte of the compressed file, at most: real text has 3 to 20, long runs of one byte have 1,000."""


class Bounded(io.RawIOBase):
    """What a compressed file holds; a read fails once that is far more than text of its size could be.

    Args:
        content: the decompressed stream.
        compressed: the stream that it is read from, whose position counts.
    """

    def __init__(self, content: IO[bytes], compressed: IO[bytes]) -> None:
        self._content, self._compressed, self._bytes = content, compressed, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._content.read(len(buffer))
        buffer[: len(data)] = data
        self._bytes += len(data)
        _check(self._bytes, self._compressed.tell())
        return len(data)

    def close(self) -> None:
        self._content.close()
        self._compressed.close()
        super().close()


def decompressed(compressed: IO[bytes], suffix: str) -> IO[bytes]:
    """A file, decompressed as it is read.

    Args:
        compressed: the file; closed with the result.
        suffix: of its name, one of `DECOMPRESSORS`.
    """
    content = DECOMPRESSORS[suffix](compressed)
    return io.BufferedReader(cast(io.RawIOBase, Bounded(content, compressed)), 1 << 20)


def member(archive: zipfile.ZipFile, name: str) -> bytes:
    """A file in a zip archive, which holds no more bytes than the archive says.

    Raises:
        ValueError: far more than text of its compressed size could be.
    """
    info = archive.getinfo(name)
    _check(info.file_size, info.compress_size)
    return archive.read(info)


def _check(size: int, compressed: int) -> None:
    if size > SMALL + MOST * compressed:
        raise ValueError(
            f"it is compressed more than {MOST} times, as no text is; if it is what you mean to read, decompress it first"
        )


def _zstandard(file: IO[bytes]) -> IO[bytes]:
    import pyarrow

    return cast("IO[bytes]", pyarrow.input_stream(file, compression="zstd"))


DECOMPRESSORS: dict[str, Callable[[Any], Any]] = {
    ".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open, ".zst": _zstandard,
}  # fmt: skip
"""Suffixes of compressed files, and what opens one."""
