"""Digests of a checkpoint's files: by them states are stored and numbers signed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from repalign.checkpoints.folder import ADAPTER, MODEL_WEIGHTS, tokenizer_files, weight_files
from repalign.checkpoints.home import home
from repalign.errors import RepalignError
from repalign.signature import digest
from repalign.writes import write_atomically

DIGEST = re.compile(b"[0-9a-f]{64}")

CONFIGURATIONS = ("config.json", ADAPTER, f"{MODEL_WEIGHTS}.index.json")


def weights_digest(path: Path) -> str:
    """SHA-256 over the names and contents of the weights and their configuration, as hex.

    Args:
        path: a checkpoint's folder, or a GGUF file, whose name does not count.
    """
    if path.is_file():
        return digest(["gguf", file_digest(path)])
    configurations = [path / name for name in CONFIGURATIONS if (path / name).is_file()]
    return _digest_of([*weight_files(path), *configurations])


def tokenizer_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of the tokenizer's files, as hex."""
    return _digest_of(tokenizer_files(folder))


def file_digest(path: Path) -> str:
    """SHA-256 of a file's contents, as hex.

    Remembered under `$REPALIGN_HOME`, because reading 13 GB takes ten seconds. A file that was changed has another time
    of change (ctime), which no program can set, even where its size and time are as before.
    """
    stat = path.stat()
    identity = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_dev, stat.st_ino)
    memory = home() / "digests" / digest([str(path.resolve()), *map(str, identity)])
    if (known := _remembered(memory)) is not None:
        return known
    sha = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            sha.update(block)
    with suppress(RepalignError):  # a home that cannot be written remembers nothing
        write_atomically(memory, sha.hexdigest().encode())
    return sha.hexdigest()


def _digest_of(files: Iterable[Path]) -> str:
    return digest(part for path in files for part in (path.name, file_digest(path)))


def _remembered(memory: Path) -> str | None:
    """The digest in a file; None where it holds anything else, as after a full disk."""
    try:
        value = memory.read_bytes()
    except OSError:
        return None
    return value.decode("ascii") if DIGEST.fullmatch(value) else None
