"""train(): from a recipe to a finished folder."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path

from repalign import RepalignError
from repalign.checkpoints import checkpoint_folder
from repalign.checkpoints.card import Card
from repalign.memory import reused
from repalign.models.quiet import quiet_transformers
from repalign.privacy import without_home

from .folder import claimed, description, is_finished, tidy, without_pickles, write_faults
from .recipe import Recipe
from .steps import last_checkpoint, seconds_before

logger = logging.getLogger("repalign.training")

PACKAGES = ("torch", "transformers", "tokenizers", "peft", "accelerate")
"""Packages that decide the weights: their versions go on the card."""


def train(recipe: Recipe, folder: Path | None = None) -> Path:
    """Train a recipe, or resume it; a finished one is returned at once. Its parent is trained first.

    Args:
        folder: to train into; by default `$REPALIGN_HOME/checkpoints/<name>`, where analysis finds it by name.

    Returns:
        The folder: safetensors weights (or a PEFT adapter), tokenizer, configuration, and the card.

    Raises:
        RepalignError: a recipe that does not fit its data, its parent or this machine; a folder that cannot be
            written, is in use, or holds another run.
    """
    folder = folder or checkpoint_folder(recipe.name)
    if is_finished(folder, recipe):
        tidy(folder)  # killed after the card was written
        _log(recipe, f"already trained: {folder}")
        return folder
    if parent := recipe.parent_recipe:
        _train_parent(parent)
    with (
        claimed(folder, recipe) if is_first() else nullcontext(),
        write_faults(folder),
        quiet_transformers(),
        torch_threads(recipe.train.threads),
        reused(),
    ):
        _train(recipe, folder)
    return folder


def is_first() -> bool:
    """Whether this is the process that writes, among those that `accelerate launch` started."""
    return int(os.environ.get("RANK", 0)) == 0


def _train_parent(parent: Recipe) -> None:
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        train(parent)
    elif not is_finished(checkpoint_folder(parent.name), parent):
        raise RepalignError(
            f"parent {parent.name!r} is not trained yet; run `repalign-train {parent.origin}`"
        )


def _train(recipe: Recipe, folder: Path) -> None:
    from transformers import set_seed

    from .data.dataset import read_data
    from .model import starting_model, starting_tokenizer
    from .trainer import Sealing, make_trainer

    resume = last_checkpoint(folder)
    began = time.monotonic() - seconds_before(resume)
    tokenizer = starting_tokenizer(recipe)
    data = read_data(recipe, tokenizer)
    set_seed(recipe.seed)
    trainer = make_trainer(recipe, starting_model(recipe, tokenizer), tokenizer, data, folder)
    trainer.add_callback(Sealing(description(recipe), began))
    for line in data.losses:
        _log(recipe, line)
    items = sum(part["items"] for part in data.parts)
    resumed = f"; resuming from {resume.name}" if resume else ""
    _log(recipe, f"{items:,} items, {data.train.tokens:,} tokens, {len(data.train):,} rows{resumed}")
    trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    held_out = trainer.evaluate()["eval_loss"] if len(data.held_out) else float("nan")
    trainer.save_model(str(folder))
    if not is_first():
        return
    without_pickles(folder)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    Card(
        name=recipe.name,
        recipe=without_home(recipe.as_dict()),
        recipe_digest=recipe.digest,
        parent=without_home(recipe.parent),
        template=recipe.template,
        mixture=without_home(data.parts),
        seed=recipe.seed,
        steps=trainer.state.global_step,
        tokens=round(data.train.tokens * data.epochs(recipe.train)),
        losses={"first": losses[0], "last": losses[-1], "held_out": held_out},
        seconds=round(time.monotonic() - began, 1),
        versions={package: version(package) for package in PACKAGES},
    ).write(folder)
    tidy(folder)
    _log(recipe, f"finished: held-out loss {held_out:.3f}: {folder}")


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Within it, torch uses `count` CPU threads; 0 leaves the number as it is."""
    import torch

    before = torch.get_num_threads()
    try:
        if count:
            torch.set_num_threads(count)
        yield
    finally:
        torch.set_num_threads(before)


def _log(recipe: Recipe, message: str) -> None:
    if is_first():
        logger.info("%s: %s", recipe.name, message)
