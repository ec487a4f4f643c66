"""Where weights and states are stored."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """`$REPALIGN_HOME`, by default the platform's cache folder."""
    if folder := os.environ.get("REPALIGN_HOME"):
        return Path(folder).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("repalign"))


def checkpoint_folder(name: str) -> Path:
    """Where the training package writes the checkpoint of that name, and where analysis looks for it."""
    return home() / "checkpoints" / name
