"""Files of text wherever they lie: in a folder, in a zip archive, compressed; and their lines."""

from __future__ import annotations

import bz2
import glob
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from repalign.errors import RepalignError


def _zstandard(file: Path | IO[bytes]) -> IO[bytes]:
    import pyarrow

    return io.BufferedReader(cast(io.RawIOBase, pyarrow.input_stream(file, compression="zstd")))


DECOMPRESSORS: dict[str, Callable[[Any], Any]] = {
    ".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open, ".zst": _zstandard,
}  # fmt: skip
"""Suffixes of compressed files, and what opens a path or a file."""

DEEPEST = 3
"""Folders within folders that are looked at: that of a whole disk ends soon."""

DAMAGED = (
    OSError, EOFError, ValueError, RuntimeError, LookupError, struct.error, lzma.LZMAError, zlib.error, zipfile.BadZipFile,
)  # fmt: skip
"""What the readers of compressed files and archives raise on those that are damaged or encrypted."""


@dataclass(frozen=True)
class TextFile:
    """One file, uncompressed as it is read.

    Attributes:
        name: path below the folder or archive that it was found in, without the suffix of compression.
        where: how messages refer to it.
        opened: opens it, as bytes.
    """

    name: str
    where: str
    opened: Callable[[], IO[bytes]]

    @property
    def suffix(self) -> str:
        """In lower case, e.g. ".tsv"."""
        return PurePosixPath(self.name).suffix.lower()

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    def read(self) -> bytes:
        """
        Raises:
            RepalignError: it cannot be read or is damaged.
        """
        with self._readable() as stream:
            return stream.read()

    @contextmanager
    def _readable(self) -> Iterator[IO[bytes]]:
        try:
            with self.opened() as stream:
                yield stream
        except DAMAGED as error:
            reason = getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
            raise RepalignError(f"cannot read {self.where}: {reason}") from error

    def lines(self) -> Iterator[str]:
        r"""The lines, split at \n only (as by wc -l), without line ends and byte order marks.

        Raises:
            RepalignError: it cannot be read, is not UTF-8, or its lines do not end as they should; names file and line.
        """
        with self._readable() as stream:
            for number, raw in enumerate(stream, start=1):
                yield self._line(raw, f"{self.where}, line {number}")

    def _line(self, raw: bytes, where: str) -> str:
        try:
            line = raw.decode("utf-8").removesuffix("\n").removesuffix("\r").removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            byte = f"byte {error.start + 1} is 0x{raw[error.start]:02x}"
            raise RepalignError(f"{where}: not UTF-8 ({byte}); {_convert(raw)}") from error
        if "\0" in line:
            raise RepalignError(f"{where}: holds a NUL character; {_convert(raw)}")
        if "\r" in line:
            raise RepalignError(
                f"{where}: a carriage return within the line; convert the line ends, e.g. with dos2unix or mac2unix"
            )
        return line


def _convert(raw: bytes) -> str:
    encoding = "UTF-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in raw else "ENCODING"
    return f"convert the file, e.g. with iconv -f {encoding} -t UTF-8"


def text_file(path: Path) -> TextFile:
    """A file on disk.

    Raises:
        RepalignError: it is not a file; so that a pipe, which would never end, is not read.
    """
    if not path.is_file():
        raise RepalignError(f"cannot read {path}: {'it is no file' if path.exists() else 'no such file'}")
    return _on_disk(path, path.name)


def _on_disk(path: Path, name: str) -> TextFile:
    decompress = DECOMPRESSORS.get(path.suffix.lower())
    if decompress is None:
        return TextFile(name, str(path), lambda: path.open("rb"))
    return TextFile(name[: -len(path.suffix)], str(path), lambda: decompress(path))


def files_in(folder: Path) -> list[TextFile]:
    """The files of a folder and of those in it, or of a zip archive, by name; without hidden ones.

    Raises:
        RepalignError: it cannot be read, or the archive is damaged.
    """
    try:
        found = _below(folder, folder) if folder.is_dir() else _in_archive(folder)
    except DAMAGED as error:
        raise RepalignError(f"cannot read {folder}: {getattr(error, 'strerror', None) or error}") from error
    return [
        file for file in found if not any(part.startswith((".", "__MACOSX")) for part in file.name.split("/"))
    ]


def files_named(beginning: Path) -> list[TextFile]:
    """The files whose names go on after a path with a dot: News.en-zh.en and News.en-zh.zh for News.en-zh."""
    paths = sorted(beginning.parent.glob(f"{glob.escape(beginning.name)}.*")) if beginning.name else []
    return [_on_disk(path, path.name) for path in paths if path.is_file()]


def _below(folder: Path, root: Path) -> list[TextFile]:
    found = []
    for path in sorted(folder.iterdir()):
        name = path.relative_to(root).as_posix()
        if path.is_dir() and name.count("/") < DEEPEST:
            found += _below(path, root)
        elif path.is_file():
            found.append(_on_disk(path, name))
    return found


def _in_archive(path: Path) -> list[TextFile]:
    with zipfile.ZipFile(path) as archive:
        names = sorted(info.filename for info in archive.infolist() if not info.is_dir())
    return [_member(path, name) for name in names]


def _member(path: Path, name: str) -> TextFile:
    suffix = PurePosixPath(name).suffix
    decompress = DECOMPRESSORS.get(suffix.lower())
    where = f"{path}: {name}"

    def opened() -> IO[bytes]:
        with zipfile.ZipFile(path) as archive:
            content = io.BytesIO(archive.read(name))
        return decompress(content) if decompress else content

    return TextFile(name[: -len(suffix)] if decompress else name, where, opened)
