"""train(): from a recipe to a finished folder."""

from __future__ import annotations

import os
import sys
import time
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path

from repalign.checkpoints.card import Card
from repalign.checkpoints.home import checkpoint_folder
from repalign.errors import RepalignError
from training.folder import claimed, is_finished, last_checkpoint, tidy
from training.recipe import Recipe

PACKAGES = ("torch", "transformers", "tokenizers", "peft", "accelerate")


def train(recipe: Recipe, folder: Path | None = None) -> Path:
    """Train a recipe, or go on with it; a finished one is returned at once. Its parent is trained first.

    Args:
        folder: where to; by default `$REPALIGN_HOME/checkpoints/<name>`, where analysis finds it by name.

    Returns:
        The folder: safetensors weights (or a PEFT adapter), tokenizer, configuration, and the card.

    Raises:
        RepalignError: anything the user can mend.
    """
    folder = folder or checkpoint_folder(recipe.name)
    if is_finished(folder, recipe):
        _say(recipe, f"is finished already: {folder}")
        return folder
    if parent := recipe.parent_recipe:
        _train_parent(parent)
    with claimed(folder, recipe) if is_first() else nullcontext():
        _train(recipe, folder)
    return folder


def is_first() -> bool:
    """Whether this is the process that writes, of those that `accelerate launch` started."""
    return int(os.environ.get("RANK", 0)) == 0


def _train_parent(parent: Recipe) -> None:
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        train(parent)
    elif not is_finished(checkpoint_folder(parent.name), parent):
        raise RepalignError(
            f"{parent.name!r} is not there yet; run `python -m training {parent.origin}` first"
        )


def _train(recipe: Recipe, folder: Path) -> None:
    import torch
    from transformers import set_seed
    from transformers.utils import logging

    from training.data.dataset import read_data
    from training.model import starting_model, starting_tokenizer
    from training.trainer import make_trainer

    began = time.monotonic()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    if recipe.train.threads:
        torch.set_num_threads(recipe.train.threads)
    tokenizer = starting_tokenizer(recipe)
    data = read_data(recipe, tokenizer)
    set_seed(recipe.seed)
    trainer = make_trainer(recipe, starting_model(recipe, tokenizer), tokenizer, data, folder)
    resume = last_checkpoint(folder)
    items = sum(part["items"] for part in data.parts)
    _say(
        recipe,
        f"{items:,} items, {data.train.tokens:,} tokens, {len(data.train):,} rows"
        + (f"; going on from {resume.name}" if resume else ""),
    )
    trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    held_out = trainer.evaluate()["eval_loss"] if len(data.held_out) else float("nan")
    trainer.save_model(str(folder))
    if not is_first():
        return
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    Card(
        name=recipe.name,
        recipe=recipe.as_dict(),
        recipe_digest=recipe.digest,
        parent=recipe.parent,
        template=recipe.template,
        mixture=data.parts,
        seed=recipe.seed,
        steps=trainer.state.global_step,
        tokens=round(data.train.tokens * recipe.train.epochs),
        losses={"first": losses[0], "last": losses[-1], "held_out": held_out},
        seconds=round(time.monotonic() - began, 1),
        versions={package: version(package) for package in PACKAGES},
    ).write(folder)
    tidy(folder)
    _say(recipe, f"finished: held-out loss {held_out:.3f}: {folder}")


def _say(recipe: Recipe, text: str) -> None:
    if is_first():
        print(f"{recipe.name}: {text}", file=sys.stderr, flush=True)
