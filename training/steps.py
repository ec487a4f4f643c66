"""The checkpoints that an unfinished run resumes from: sealed when they are complete, verified before they are used."""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypedDict

from repalign import RepalignError
from repalign.files import checksum, json_bytes, read_json
from repalign.writes import write_atomically

logger = logging.getLogger("repalign.training")

STEPS = "steps"
"""In an unfinished folder: the checkpoints to resume from."""

SEAL = "repalign-seal.json"
"""In a complete checkpoint, written last: the run, and size and checksum of every other file."""

RESUME = "see that the disk has room and can be written, and run the same command again to resume"
"""Advice where a checkpoint cannot be written."""


class Run(TypedDict):
    """Which run it is, as in `run.json`."""

    digest: str
    recipe: dict[str, object]


class SealedFile(TypedDict):
    """A file of a complete checkpoint."""

    bytes: int
    crc32: str


class Seal(Run):
    """What a seal holds; `seconds` are those of training up to it."""

    seconds: float
    files: dict[str, SealedFile]


def seal(checkpoint: Path, run: Mapping[str, object], seconds: float) -> None:
    """Declare a checkpoint complete, once all its files are on the disk.

    Args:
        run: digest and recipe, as in `run.json`.
        seconds: of training up to it.
    """
    files = {
        path.relative_to(checkpoint).as_posix(): {"bytes": path.stat().st_size, "crc32": _synced(path)}
        for path in sorted(checkpoint.rglob("*"))
        if path.is_file() and path.name != SEAL
    }  # fmt: skip
    write_atomically(
        checkpoint / SEAL, json_bytes({**run, "seconds": round(seconds, 1), "files": files}), RESUME
    )


def keep_only(checkpoint: Path) -> None:
    """Remove the other checkpoints of its run."""
    for _, other in _checkpoints(checkpoint.parent.parent):
        if other != checkpoint:
            shutil.rmtree(other, ignore_errors=True)


def sealed(folder: Path) -> list[Path]:
    """The complete checkpoints of a run's folder, the last one first."""
    return [path for _, path in sorted(_checkpoints(folder), reverse=True) if (path / SEAL).is_file()]


def remove_unsealed(folder: Path) -> None:
    """Remove what a kill or a full disk left half-written."""
    for _, path in _checkpoints(folder):
        if not (path / SEAL).is_file():
            shutil.rmtree(path, ignore_errors=True)


def last_checkpoint(folder: Path) -> Path | None:
    """The checkpoint to resume from, verified; None if there is none. A damaged one is logged and passed over.

    The Trainer verifies nothing: without the optimiser's or the random state it would go on, to other weights.

    Raises:
        RepalignError: all complete checkpoints were damaged later; they are left as they are.
    """
    damages = []
    for path in sealed(folder):
        if (damage := damaged(path)) is None:
            for line in damages:
                logger.warning("%s; resuming from %s", line, path.name)
            return path
        damages.append(f"{path} is damaged ({damage})")
    if damages:
        raise RepalignError(
            f"{damages[0]}, and there is no other checkpoint to resume from; put back a copy of it, "
            f"or delete {folder} to train from the beginning"
        )
    return None


def damaged(checkpoint: Path) -> str | None:
    """What is wrong with a sealed checkpoint, or None."""
    try:
        files = read_json(checkpoint / SEAL, Seal)["files"]
    except RepalignError as error:
        return str(error)
    for name, expected in files.items():
        path = checkpoint / name
        if not path.is_file():
            return f"{name} is missing"
        if (size := path.stat().st_size) != expected["bytes"]:
            return f"{name} has {size:,} bytes, expected {expected['bytes']:,}"
        if (crc := checksum(path)) != expected["crc32"]:
            return f"{name} has checksum {crc}, expected {expected['crc32']}"
    return None


def run_of(folder: Path) -> Run | None:
    """Which run the complete checkpoints of a folder belong to, as in `run.json`; None if no seal says so."""
    for path in sealed(folder):
        try:
            found = read_json(path / SEAL, Seal)
        except RepalignError:
            continue
        return {"digest": found["digest"], "recipe": found["recipe"]}
    return None


def seconds_before(checkpoint: Path | None) -> float:
    """Seconds of training up to a sealed checkpoint; 0 for None."""
    return read_json(checkpoint / SEAL, Seal)["seconds"] if checkpoint else 0.0


def _checkpoints(folder: Path) -> Iterator[tuple[int, Path]]:
    """Each checkpoint with its step."""
    for path in (folder / STEPS).glob("checkpoint-*"):
        if match := re.fullmatch(r"checkpoint-(\d+)", path.name):
            yield int(match[1]), path


def _synced(path: Path) -> str:
    """The checksum of a file that is first forced to the disk."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())
    return checksum(path)
