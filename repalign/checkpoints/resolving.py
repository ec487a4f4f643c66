"""From what a caller gives for a checkpoint to a `Checkpoint`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from repalign.checkpoints.checkpoint import Checkpoint
from repalign.checkpoints.making import make
from repalign.errors import RepalignError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

CheckpointLike: TypeAlias = "str | Path | Checkpoint | tuple[PreTrainedModel, PreTrainedTokenizerBase]"
"""What a caller may give for a checkpoint: a name, folder or hub id; a `Checkpoint`; or (model, tokenizer)."""


def as_checkpoint(checkpoint: object, train: bool = True) -> Checkpoint:
    """A checkpoint by name; one of the demo family that has not been trained yet is trained first.

    Raises:
        RepalignError: nothing of that name, something that is no checkpoint, or training refused (`train=False`).
    """
    return as_checkpoints([checkpoint], train)[0]


def as_checkpoints(checkpoints: Iterable[object], train: bool = True) -> list[Checkpoint]:
    """Several, those that are missing trained side by side.

    Raises:
        RepalignError: as for one.
    """
    named = [_named(checkpoint) for checkpoint in checkpoints]
    make([new for new, given in zip(named, checkpoints, strict=True) if new is not given], train)
    return named


def _named(checkpoint: Any) -> Checkpoint:
    if isinstance(checkpoint, Checkpoint):
        return checkpoint
    if isinstance(checkpoint, (str, Path)):
        return Checkpoint.named(str(checkpoint))
    raise RepalignError(
        "a checkpoint is a name, a folder, a hub id, a Checkpoint or a tuple (model, tokenizer); "
        f"got {type(checkpoint).__name__}"
    )


def check_names(checkpoints: Iterable[object]) -> None:
    """Refuse checkpoints that tables could not tell apart.

    Raises:
        RepalignError: two have the same name.
    """
    names = [checkpoint.name for checkpoint in checkpoints if isinstance(checkpoint, Checkpoint)]
    if len(set(names)) < len(names):
        raise RepalignError(
            f"two checkpoints have the same name: {', '.join(names)}; rename a folder or give each once"
        )


def default_corpus(checkpoints: Iterable[object]) -> str:
    """The embedded corpus that all the checkpoints are tested on, by their cards; else "everyday"."""
    tested_on = {getattr(checkpoint, "corpus", None) for checkpoint in checkpoints}
    return (tested_on.pop() if len(tested_on) == 1 else None) or "everyday"
