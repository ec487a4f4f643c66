"""Files of text wherever they lie: in a folder, in a zip archive, compressed; and their lines."""

from __future__ import annotations

import glob
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO

from repalign.corpora.decompression import DECOMPRESSORS, decompressed, member
from repalign.errors import RepalignError

DEEPEST = 3
"""Folders within folders that are looked at: that of a whole disk ends soon."""

MOST_FILES = 20_000
"""Files that a folder or archive may hold: every language of the world, in a few splits."""

LONGEST_LINE = 64 << 20
"""Bytes of a line, which holds a sentence or a row of a table."""

DAMAGED = (
    OSError, EOFError, ValueError, RuntimeError, LookupError, MemoryError, struct.error, lzma.LZMAError, zlib.error,
    zipfile.BadZipFile,
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

    def lines(self, longest: int = LONGEST_LINE) -> Iterator[str]:
        r"""The lines, split at \n only (as by wc -l), without line ends and byte order marks.

        Args:
            longest: bytes that a line may have.

        Raises:
            RepalignError: it cannot be read, is not UTF-8, or its lines do not end as they should; names file and line.
        """
        with self._readable() as stream:
            for number, raw in enumerate(iter(lambda: stream.readline(longest + 1), b""), start=1):
                yield self._line(raw, f"{self.where}, line {number}", longest)

    def _line(self, raw: bytes, where: str, longest: int) -> str:
        if len(raw) > longest:
            raise RepalignError(
                f"{where}: longer than {longest >> 20} MiB; expected one sentence, or one row of a table, on each line"
            )
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
    suffix = path.suffix.lower()
    if suffix not in DECOMPRESSORS:
        return TextFile(name, str(path), lambda: path.open("rb"))
    return TextFile(name[: -len(suffix)], str(path), lambda: decompressed(path.open("rb"), suffix))


def files_in(folder: Path) -> list[TextFile]:
    """The files of a folder and of those in it, or of a zip archive, by name; without hidden ones.

    Raises:
        RepalignError: it cannot be read, holds a pipe, a broken link or too many files, or the archive is damaged.
    """
    try:
        found = _on_disk_below(folder) if folder.is_dir() else _in_archive(folder)
        files = list(islice(found, MOST_FILES + 1))
    except DAMAGED as error:
        raise RepalignError(f"cannot read {folder}: {getattr(error, 'strerror', None) or error}") from error
    if len(files) > MOST_FILES:
        raise RepalignError(
            f"{folder} holds more than {MOST_FILES:,} files; give a folder of parallel text only"
        )
    return files


def files_named(beginning: Path) -> list[TextFile]:
    """The files whose names go on after a path with a dot: News.en-zh.en and News.en-zh.zh for News.en-zh."""
    paths = sorted(beginning.parent.glob(f"{glob.escape(beginning.name)}.*")) if beginning.name else []
    return [_on_disk(path, path.name) for path in paths if path.is_file()]


def _on_disk_below(root: Path, folder: Path | None = None) -> Iterator[TextFile]:
    for path in sorted((folder or root).iterdir()):
        name = path.relative_to(root).as_posix()
        if _is_hidden(path.name):
            continue
        if path.is_dir():
            if name.count("/") < DEEPEST:
                yield from _on_disk_below(root, path)
        elif path.is_file():
            yield _on_disk(path, name)
        else:  # left out, it could be a language that nobody misses
            what = "a pipe or a device" if path.exists() else "a link to a file that is not there"
            raise RepalignError(f"{path} is {what}, and no file; remove it, or put the file there")


def _in_archive(path: Path) -> Iterator[TextFile]:
    with zipfile.ZipFile(path) as archive:
        names = sorted(info.filename for info in archive.infolist() if not info.is_dir())
    yield from (_member(path, name) for name in names if not any(map(_is_hidden, name.split("/"))))


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _member(path: Path, name: str) -> TextFile:
    suffix = PurePosixPath(name).suffix.lower()
    is_compressed = suffix in DECOMPRESSORS

    def opened() -> IO[bytes]:
        with zipfile.ZipFile(path) as archive:
            content = io.BytesIO(member(archive, name))
        return decompressed(content, suffix) if is_compressed else content

    return TextFile(name[: -len(suffix)] if is_compressed else name, f"{path}: {name}", opened)
