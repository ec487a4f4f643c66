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


def unreadable(path: Path, error: OSError) -> RepalignError:
    """The error for a folder or file below the home that cannot be read."""
    return RepalignError(
        f"cannot read {path}: {error.strerror}; set REPALIGN_HOME to a folder that can be read"
    )
