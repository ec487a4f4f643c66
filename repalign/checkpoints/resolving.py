"""From what a caller gives for a checkpoint to a `Checkpoint`."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from repalign.checkpoints.checkpoint import Checkpoint
from repalign.checkpoints.making import make
from repalign.errors import RepalignError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

STEP = re.compile(r"(.*(?:checkpoint|step|epoch|iter)[-_]?)(\d+)")
"""Folders of intermediate states, as the Trainer and others name them: what they share, and the step."""

CheckpointLike: TypeAlias = "str | Path | Checkpoint | tuple[PreTrainedModel, PreTrainedTokenizerBase]"
"""What a caller may give for a checkpoint: a name, folder or hub id; a `Checkpoint`; or (model, tokenizer)."""


def as_checkpoint(checkpoint: object, train: bool = True) -> Checkpoint:
    """One checkpoint: see `as_checkpoints`."""
    return as_checkpoints(checkpoint, train)[0]


def as_checkpoints(checkpoints: object, train: bool = True) -> list[Checkpoint]:
    """One or more checkpoints; those that are named, have a recipe, and are neither trained nor shipped are trained first.

    Args:
        checkpoints: names, folders or hub ids, or `Checkpoint`s; a single one, or several.
        train: whether to train what is missing, or to refuse.

    Returns:
        In the given order, but intermediate checkpoints of one run in the order of their steps: a shell sorts
        checkpoint-1000 before checkpoint-200.

    Raises:
        RepalignError: no checkpoint, an unknown name, two of the same name, or training refused or failed.
    """
    several = isinstance(checkpoints, Iterable) and not isinstance(checkpoints, (str, Path, Checkpoint))
    given: list[Any] = list(checkpoints) if several else [checkpoints]  # type: ignore[call-overload]
    if not given:
        raise RepalignError("at least one checkpoint is needed: a name, a folder or a hub id; got 0")
    named = [_named(checkpoint) for checkpoint in given]
    check_names(named)
    resolved = [new for new, old in zip(named, given, strict=True) if new is not old]
    _say_which_are_shipped(resolved)
    make(resolved, train)
    return in_step_order(named)


def _say_which_are_shipped(checkpoints: Iterable[Checkpoint]) -> None:
    recipes = [str(one.recipe) for one in checkpoints if one.is_shipped and one.twin is None]
    if recipes:
        what, them = ("checkpoints", "them") if len(recipes) > 1 else ("checkpoint", "it")
        logger.info(
            "%s: the %s shipped with repalign; `repalign-train %s` trains %s anew",
            ", ".join(recipes), what, " ".join(recipes), them,
        )  # fmt: skip


def in_step_order(checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    """The same checkpoints, those of one run in the order of their steps at the positions that they had."""
    runs: dict[str, list[tuple[int, int]]] = {}
    for position, checkpoint in enumerate(checkpoints):
        if step := STEP.fullmatch(str(Path(checkpoint.location).absolute())):
            runs.setdefault(step[1], []).append((int(step[2]), position))
    ordered = list(checkpoints)
    for steps in runs.values():
        for (_, origin), position in zip(sorted(steps), sorted(at for _, at in steps), strict=True):
            ordered[position] = checkpoints[origin]
    if ordered != list(checkpoints):
        logger.warning("in the order of their steps: %s", ", ".join(one.name for one in ordered))
    return ordered


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


def default_corpus(checkpoints: Iterable[object], embedded: Collection[str]) -> str:
    """The embedded corpus that all the checkpoints are tested on, by their cards; else "everyday".

    Args:
        embedded: the names of embedded corpora. A card may come from anywhere, and may not choose a folder or a data set.
    """
    tested_on = {getattr(checkpoint, "corpus", None) for checkpoint in checkpoints}
    corpus = str(tested_on.pop()) if len(tested_on) == 1 else ""
    return corpus if corpus in embedded else "everyday"
