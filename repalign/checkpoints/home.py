"""Where weights, states and answers are stored."""

from __future__ import annotations

import os
from pathlib import Path

from repalign.errors import RepalignError

REMEDY = "set REPALIGN_HOME to a folder that can be written, or store nothing: --no-store"


def home() -> Path:
    """`$REPALIGN_HOME`, by default the platform's cache folder.

    Raises:
        RepalignError: it begins with the home of a user who does not exist.
    """
    if folder := os.environ.get("REPALIGN_HOME"):
        try:
            return Path(folder).expanduser()
        except RuntimeError as error:
            raise RepalignError(f"REPALIGN_HOME is {folder!r}, and there is no such user") from error
    import platformdirs

    return Path(platformdirs.user_cache_dir("repalign"))


def checkpoint_folder(name: str) -> Path:
    """Where the training package writes the checkpoint of that name, and where analysis looks for it."""
    return home() / "checkpoints" / name


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(one for one in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(one))


def check_writable(folder: Path) -> None:
    """Check that a folder below the home can be written or created: before the work whose results are stored there.

    Raises:
        RepalignError: it cannot; says what to do.
    """
    try:
        os.stat(folder)
    except (FileNotFoundError, NotADirectoryError):  # to be created, or see below
        pass
    except OSError as error:
        raise RepalignError(f"cannot write {folder}: {error.strerror}; {REMEDY}") from error
    above = existing(folder)
    if not above.is_dir():
        raise RepalignError(f"cannot write {folder}: {above} is not a folder; {REMEDY}")
    if not os.access(above, os.W_OK | os.X_OK):
        raise RepalignError(f"cannot write {folder}: {above} is read-only, or another user's; {REMEDY}")
