"""The folder of one run: finished, unfinished, or taken by another run."""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from repalign import RepalignError
from repalign.checkpoints.card import CARD, Card
from repalign.files import json_bytes, read_json
from repalign.privacy import without_home
from repalign.results.paths import created
from repalign.writes import PARTIAL, check_writable, write_atomically

from .alignment_log import LOG
from .recipe import Recipe
from .steps import RESUME, STEPS, Run, remove_unsealed, run_of, sealed

logger = logging.getLogger("repalign.training")

RUN = "run.json"
"""In an unfinished folder: which run it is."""

LOCK = ".lock"

REMEDY = "give --out or set REPALIGN_HOME"

RUST_ERROR = re.compile(r"\(os error (\d+)\)")
"""How safetensors and tokenizers, whose errors are no OSError, name the number of one."""

TORCH_ERRORS = ("PytorchStreamWriter", "inline_container", "iostream error")
"""Signs of torch's writer of the optimiser's state, which does not give the reason."""


@contextmanager
def claimed(folder: Path, recipe: Recipe) -> Iterator[None]:
    """Lock the folder for this process; refuse one that holds another run.

    Raises:
        RepalignError: the folder cannot be written, is in use, or holds something else.
    """
    check_writable(folder, REMEDY)
    with created(folder), _locked(folder):
        _check(folder, recipe)
        write_atomically(folder / RUN, json_bytes(description(recipe)), REMEDY)
        try:
            yield
        finally:
            remove_unsealed(folder)
            if not sealed(folder):  # finished, or nothing to resume from: leave no trace
                if not (folder / CARD).is_file():
                    (folder / LOG).unlink(missing_ok=True)
                tidy(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The lock of a killed process is released by the system. A folder that is left empty is removed."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RepalignError(
            f"another process is training into {folder}; wait for it, or give another folder with --out"
        ) from error
    except OSError as error:
        raise RepalignError(f"cannot write to {folder}: {error.strerror or error}; {REMEDY}") from error
    try:
        yield
    finally:
        with suppress(OSError):  # on Windows no open file can be removed
            (folder / LOCK).unlink()
        lock.release()
        with suppress(OSError):  # it is not empty
            folder.rmdir()


@contextmanager
def write_faults(folder: Path) -> Iterator[None]:
    """Converts what torch, safetensors and tokenizers raise if they cannot write, into a one-line RepalignError.

    Raises:
        RepalignError: in place of it; any other exception passes.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, RepalignError) or (reason := _reason(error, folder)) is None:
            raise
        raise RepalignError(f"cannot write to {folder}: {reason}; {RESUME}") from error


def _reason(error: Exception, folder: Path) -> str | None:
    """Why something could not be written into the folder, or None if that is not what failed."""
    if isinstance(error, OSError):
        disk = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
        inside = (
            error.filename is not None
            and folder.absolute() in Path(os.fsdecode(error.filename)).absolute().parents
        )
        return str(error.strerror or error) if disk or inside else None
    if number := RUST_ERROR.search(str(error)):
        return os.strerror(int(number[1]))
    if any(sign in str(error) for sign in TORCH_ERRORS):
        return "the disk is full or the folder cannot be written"
    return None


def description(recipe: Recipe) -> dict[str, Any]:
    """Which run it is, as in `run.json` and in the seals of its checkpoints."""
    return {"digest": recipe.digest, "recipe": recipe.as_dict()}


def is_finished(folder: Path, recipe: Recipe) -> bool:
    """Whether this run is in the folder already, and complete.

    Raises:
        RepalignError: a finished run of another recipe, naming what differs.
    """
    card = Card.read(folder)
    if card is None:
        return False
    if card.recipe_digest != recipe.digest:
        raise RepalignError(_describe_other_run(folder, card.recipe, recipe))
    return True


def without_pickles(folder: Path) -> None:
    """Remove the Trainer's pickled arguments, which nobody reads: a finished checkpoint holds no pickle."""
    (folder / "training_args.bin").unlink(missing_ok=True)


def tidy(folder: Path) -> None:
    """Remove the files that only an unfinished run needs."""
    shutil.rmtree(folder / STEPS, ignore_errors=True)
    for path in (folder / RUN, *folder.glob(f".*{PARTIAL}"), folder / LOCK):
        if path.is_file():  # unlink fails on a read-only disk even where there is nothing to remove
            path.unlink(missing_ok=True)


def _check(folder: Path, recipe: Recipe) -> None:
    run = _run(folder)
    if run is None:
        ours = {LOCK, RUN}
        if stray := [p.name for p in folder.iterdir() if p.name not in ours and p.suffix != PARTIAL]:
            raise RepalignError(
                f"{folder} is not empty ({stray[0]}) and holds no run of this recipe; give another folder with --out, or empty it"
            )
    elif run["digest"] != recipe.digest:
        raise RepalignError(_describe_other_run(folder, run["recipe"], recipe))


def _run(folder: Path) -> Run | None:
    """Which run is in the folder: by `run.json` or, if that is damaged or missing, by the seals of its checkpoints.

    Raises:
        RepalignError: `run.json` is damaged and no checkpoint says which run it was.
    """
    path = folder / RUN
    if not os.path.lexists(path):
        return run_of(folder)
    remedy = (
        "the folder holds no checkpoint to resume from: give another folder with --out, or empty this one"
    )
    try:
        return read_json(path, Run, remedy)
    except RepalignError as error:
        run = run_of(folder)
        if run is None:
            raise
        logger.warning(
            "%s; it is written again from the checkpoints, which belong to this run",
            str(error).removesuffix(f"; {remedy}"),
        )
        return run


def _describe_other_run(folder: Path, other: Mapping[str, Any], recipe: Recipe) -> str:
    before, now = _flat(without_home(other)), _flat(without_home(recipe.as_dict()))  # as the card has them
    changed = [
        f"{key} {before.get(key)!r} -> {now.get(key)!r}"
        for key in {**before, **now}
        if before.get(key) != now.get(key)
    ]
    changed = [
        text if len(text) < 90 else text.split(" ")[0] for text in changed if not text.startswith("about ")
    ]
    what = "; ".join(changed[:4]) or "its parent was trained differently"
    return f"{folder} holds another run ({what}); give a new folder with --out, or delete this one"


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for key, value in table.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return flat
