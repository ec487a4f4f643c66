"""Checkpoints from what a caller gives: names, or checkpoints."""

from __future__ import annotations

from collections.abc import Sequence

from repalign.checkpoints.checkpoint import Checkpoint
from repalign.checkpoints.making import make
from repalign.errors import RepalignError


def as_checkpoints(
    checkpoints: str | Checkpoint | Sequence[str | Checkpoint], train: bool = True
) -> list[Checkpoint]:
    """One or more checkpoints; those of the demo family that do not exist yet are trained first.

    Args:
        checkpoints: names, folders or hub ids, or `Checkpoint`s; a single one, or several.
        train: whether to train what does not exist yet, or to raise.

    Raises:
        RepalignError: no checkpoint, an unknown name, two of the same name, or training refused or failed.
    """
    several = [checkpoints] if isinstance(checkpoints, (str, Checkpoint)) else list(checkpoints)
    if not several:
        raise RepalignError("no checkpoint; give a name, a folder or a hub id")
    resolved = [one if isinstance(one, Checkpoint) else Checkpoint.named(one) for one in several]
    names = [checkpoint.name for checkpoint in resolved]
    if len(set(names)) < len(names):
        raise RepalignError(
            f"two checkpoints have the same name: {', '.join(names)}; rename a folder or give each once"
        )
    make(resolved, train)
    return resolved
