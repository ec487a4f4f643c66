"""A page and the parts of it that lie beside it: script files that the page loads when they are looked at.

A browser lets a page from disk fetch nothing, but it may load a script. Each chunk is one call of a function of the page with
compressed text, which is inert, and has the digest of that text in its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from repalign.writes import write_atomically

CALL = "repalignChunk"
"""The function of the page."""

NAME = re.compile(r"[\w-]+\.[0-9a-f]{16}\.js")


@dataclass(frozen=True)
class Drawn:
    """A page.

    Attributes:
        html: the page.
        chunks: text of the files beside it, by name.
    """

    html: str
    chunks: Mapping[str, str] = field(default_factory=dict)


def chunk(identity: str, packed: str) -> tuple[str, str]:
    """Name and text of a chunk.

    Args:
        identity: of what it holds; letters, digits and hyphens.
        packed: compressed data, see `repalign.report.packing.compressed`.
    """
    return f"{identity}.{sha256(packed.encode()).hexdigest()[:16]}.js", f'{CALL}("{identity}","{packed}");\n'


def folder_of(page: Path) -> Path:
    """The folder of a page's chunks: report.data beside report.html."""
    return page.with_suffix(".data")


def write_drawn(page: Path, drawn: str | Drawn, remedy: str) -> None:
    """Write a page, its chunks first, so that it never names one that is not there; remove those of the page before.

    Files that are no chunks are not touched.

    Args:
        page: the file.
        drawn: its contents.
        remedy: what to do if the disk is full.

    Raises:
        RepalignError: the disk is full, or the folder cannot be written.
    """
    drawn = drawn if isinstance(drawn, Drawn) else Drawn(drawn)
    folder = folder_of(page)
    if drawn.chunks:
        folder.mkdir(exist_ok=True)
    for name, text in drawn.chunks.items():
        write_atomically(folder / name, text.encode(), remedy)
    write_atomically(page, drawn.html.encode("utf-8", "replace"), remedy)
    for old in folder.glob("*.js"):
        if NAME.fullmatch(old.name) and old.name not in drawn.chunks and _is_chunk(old):
            old.unlink(missing_ok=True)
    with suppress(OSError):  # it holds something, or is not there
        folder.rmdir()


def _is_chunk(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(CALL) + 2) == f'{CALL}("'.encode()
