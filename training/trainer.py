"""transformers' Trainer, set up for packed rows and answer-only loss."""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import EvalPrediction, PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from repalign import RepalignError
from repalign.models.vocabulary import check_ids, embedding_rows, padding_id

from .data.dataset import Data
from .data.packing import Collator
from .loss import LabelledPositions
from .progress import Progress
from .recipe import Recipe
from .steps import STEPS, keep_only, seal

ALIGNED_SENTENCES = 100
"""Number of sentences on which alignment is measured during training."""


class AnswerTrainer(Trainer):
    """A Trainer whose loss covers the answers only (see `LabelledPositions`)."""

    def __init__(self, model: Any, **options: Any) -> None:
        self.labelled = LabelledPositions(model)
        super().__init__(model, **options)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        loss = self.labelled.loss(model, inputs, num_items_in_batch)
        if num_items_in_batch is not None and self.args.average_tokens_across_devices:
            loss = (
                loss * self.accelerator.num_processes
            )  # gradients are averaged over processes, items were summed
        return (loss, {}) if return_outputs else loss

    def prediction_step(
        self, model: Any, inputs: Any, prediction_loss_only: bool, ignore_keys: Any = None
    ) -> tuple[None, torch.Tensor, torch.Tensor]:
        """Nats and labelled tokens per row: a mean over batches would depend on the number of processes."""
        with torch.no_grad(), self.compute_loss_context_manager():
            return None, *self.labelled.by_row(model, self._prepare_inputs(inputs))


class Sealing(TrainerCallback):
    """Seals each checkpoint when all processes have written it, and only then removes the one before.

    Args:
        run: see `seal`.
        began: when training began, by `time.monotonic`, less the time of what it resumed.
    """

    def __init__(self, run: Mapping[str, Any], began: float) -> None:
        self.run, self.began = run, began

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        # A logged loss is a mean since the one before. Logged with every checkpoint it does not depend on interruptions; not
        # after the last step, whose batch may be incomplete.
        if control.should_save and state.global_step < state.max_steps:
            control.should_log = True

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if args.distributed_state is not None:
            args.distributed_state.wait_for_everyone()
        if state.is_world_process_zero:
            checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            seal(checkpoint, self.run, time.monotonic() - self.began)
            keep_only(checkpoint)


def nats_per_token(rows: EvalPrediction) -> dict[str, float]:
    """`eval_loss` as transformers reports it: a mean over labelled tokens, from the rows of `prediction_step`."""
    return {"loss": float(np.sum(rows.predictions) / np.sum(rows.label_ids))}


def make_trainer(recipe: Recipe, model: Any, tokenizer: Any, data: Data, folder: Path) -> AnswerTrainer:
    """A Trainer for the recipe; its checkpoints go to `folder/steps`.

    Raises:
        RepalignError: a batch that cannot be divided over the devices, an option that transformers rejects, or a token
            outside the model's embedding.
    """
    rows = embedding_rows(model)
    for item in chain(data.train.items, data.held_out.items):
        check_ids(item.ids, rows, tokenizer)
    trainer = AnswerTrainer(
        model,
        args=_arguments(recipe, folder, data),
        train_dataset=data.train,
        eval_dataset=data.held_out,
        data_collator=Collator(padding_id(tokenizer, rows, tokenizer.eos_token_id)),
        processing_class=tokenizer,
        compute_metrics=nats_per_token,
        callbacks=[Progress(recipe.name), *_alignment(recipe, folder)],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _alignment(recipe: Recipe, folder: Path) -> list[TrainerCallback]:
    if not recipe.train.align_steps:
        return []
    from repalign import ParallelCorpus

    from .alignment import AlignmentCallback
    from .alignment_log import LOG

    corpus = ParallelCorpus.named(recipe.corpus or "everyday")
    languages = [language for language in recipe.languages if language in corpus.languages]
    if len(languages) < 2:
        raise RepalignError(
            f"{recipe.name}: train.align_steps needs two of the recipe's languages in {corpus.name}"
        )
    probe = corpus.select(languages, ALIGNED_SENTENCES)
    return [AlignmentCallback(probe, recipe.train.align_steps, languages[0], folder / LOG)]


def _arguments(recipe: Recipe, folder: Path, data: Data) -> TrainingArguments:
    import os

    settings = recipe.train
    devices = int(os.environ.get("WORLD_SIZE", 1))
    per_device = settings.batch // devices
    micro_batch = settings.micro_batch or per_device
    if not per_device or settings.batch % (devices * micro_batch):
        raise RepalignError(
            f"{recipe.name}: train.batch {settings.batch} does not divide into {devices} device(s) "
            f"x train.micro_batch {micro_batch or 1}"
        )
    epochs = data.epochs(settings)
    steps = epochs * len(data.train) / settings.batch
    # Later releases call it activation_checkpointing, and warn about this name even if it is off.
    checkpointing: dict[str, Any] = (
        {"gradient_checkpointing": True} if settings.gradient_checkpointing else {}
    )
    stable = settings.schedule == "warmup_stable_decay"
    try:
        return TrainingArguments(
            output_dir=str(folder / STEPS),
            num_train_epochs=epochs,
            per_device_train_batch_size=micro_batch,
            per_device_eval_batch_size=settings.micro_batch or max(per_device, 32),
            gradient_accumulation_steps=per_device // micro_batch,
            learning_rate=settings.learning_rate,
            lr_scheduler_type=settings.schedule,
            lr_scheduler_kwargs={"num_decay_steps": round(settings.decay * steps)} if stable else {},
            warmup_steps=settings.warmup,
            weight_decay=settings.weight_decay,
            adam_beta2=settings.beta2,
            max_grad_norm=settings.max_grad_norm,
            optim=settings.optimizer,
            bf16=settings.precision != "float32",
            save_steps=settings.save_steps,
            eval_strategy="steps" if settings.evaluate_steps else "no",
            eval_steps=settings.evaluate_steps or None,
            logging_steps=10,
            logging_first_step=True,
            report_to=settings.report_to,
            disable_tqdm=True,
            remove_unused_columns=False,
            seed=recipe.seed,
            dataloader_pin_memory=False,
            use_cpu=not torch.accelerator.is_available(),
            **checkpointing,
        )
    except (ValueError, ImportError) as error:
        raise RepalignError(f"{recipe.name}: {error}") from error
