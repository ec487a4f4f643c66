"""The folder of one run: finished, unfinished, or taken by another run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict

from repalign import RepalignError
from repalign.checkpoints.card import Card
from repalign.files import PARTIAL, json_bytes, read_json, write_atomically
from repalign.privacy import without_home

from .recipe import Recipe

RUN = "run.json"
"""In an unfinished folder: which run it is."""

REMEDY = "give --out or set REPALIGN_HOME"

STEPS = "steps"
"""In an unfinished folder: the checkpoints to resume from."""


class Run(TypedDict):
    """What `RUN` holds."""

    digest: str
    recipe: dict[str, object]


@contextmanager
def claimed(folder: Path, recipe: Recipe) -> Iterator[None]:
    """Lock the folder for this process; refuse one that holds another run.

    Raises:
        RepalignError: the folder cannot be written, is in use, or holds something else.
    """
    from filelock import FileLock, Timeout

    lock = folder / ".lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=0):
            _check(folder, recipe)
            run = {"digest": recipe.digest, "recipe": recipe.as_dict()}
            write_atomically(folder / RUN, json_bytes(run), REMEDY)
            try:
                yield
            finally:
                if last_checkpoint(folder) is None:  # nothing to resume from: leave no trace
                    tidy(folder)
                lock.unlink(missing_ok=True)
    except Timeout as error:
        raise RepalignError(
            f"another process is training into {folder}; wait for it, or give another folder with --out"
        ) from error
    except OSError as error:
        raise RepalignError(f"cannot write to {folder}: {error.strerror or error}; {REMEDY}") from error
    except RuntimeError as error:
        if "PytorchStreamWriter" not in str(error) and "inline_container" not in str(error):
            raise
        # torch's writer of the optimiser's state, which does not give the reason: most often a full disk.
        raise RepalignError(
            f"cannot write a checkpoint to {folder}: the disk is full or the folder cannot be written; free some space, and run "
            "again to resume"
        ) from error
    finally:
        if folder.is_dir() and {path.name for path in folder.iterdir()} <= {lock.name}:
            shutil.rmtree(folder)


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


def last_checkpoint(folder: Path) -> Path | None:
    """The last complete checkpoint. The Trainer writes its state last, so a half-written one has none."""
    complete = []
    for path in (folder / STEPS).glob("checkpoint-*"):
        if _is_complete(path):
            complete.append(path)
        else:
            shutil.rmtree(path, ignore_errors=True)
    return max(complete, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def _is_complete(checkpoint: Path) -> bool:
    try:
        read_json(checkpoint / "trainer_state.json", dict[str, object])
        return True
    except RepalignError:
        return False


def tidy(folder: Path) -> None:
    """Remove the files that only an unfinished run needs."""
    shutil.rmtree(folder / STEPS, ignore_errors=True)
    for name in (RUN, "training_args.bin"):
        (folder / name).unlink(missing_ok=True)


def _check(folder: Path, recipe: Recipe) -> None:
    if (folder / RUN).is_file():
        run = read_json(folder / RUN, Run, "delete the folder, or give --out")
        if run["digest"] != recipe.digest:
            raise RepalignError(_describe_other_run(folder, run["recipe"], recipe))
    elif stray := [path.name for path in folder.iterdir() if path.name != ".lock" and path.suffix != PARTIAL]:
        raise RepalignError(
            f"{folder} is not empty ({stray[0]}) and holds no run of this recipe; give another folder with --out, or empty it"
        )


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
