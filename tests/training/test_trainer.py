"""Settings of the optimiser and of the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from repalign_training.data.dataset import Data
from repalign_training.data.encoding import Encoded
from repalign_training.data.packing import Rows
from repalign_training.model import new_model
from repalign_training.recipe import load_recipe
from repalign_training.tokenizer import train_tokenizer
from repalign_training.trainer import make_trainer

from repalign.errors import RepalignError


def test_weights_are_moved_as_the_recipe_says(recipe_file, tmp_path):
    settings = {"schedule": "warmup_stable_decay", "warmup": 0.1, "decay": 0.2, "learning_rate": 0.01, "weight_decay": 0.3,
                "beta2": 0.9, "max_grad_norm": 0.5, "micro_batch": 2, "evaluate_steps": 7, "save_steps": 9}  # fmt: skip
    recipe = load_recipe(recipe_file, [f"train.{key}={value}" for key, value in settings.items()], seed=5)
    tokenizer = train_tokenizer(["a"], 300)
    items = [Encoded(np.arange(4, dtype=np.int32), 1)] * 800
    data = Data(Rows(items, [[row] for row in range(800)]), Rows(items[:1], [[0]]), [])
    trainer = make_trainer(recipe, new_model(recipe, tokenizer), tokenizer, data, tmp_path)
    trainer.create_optimizer_and_scheduler(100)  # 800 rows, 8 a step
    group, rates = trainer.optimizer.param_groups[0], []
    assert (group["weight_decay"], group["betas"][1]) == (0.3, 0.9)
    for _ in range(100):
        rates.append(trainer.lr_scheduler.get_last_lr()[0])
        trainer.optimizer.step()
        trainer.lr_scheduler.step()
    assert np.flatnonzero(np.diff(rates) > 0).tolist() == list(range(10))
    assert rates[10:80] == [0.01] * 70
    assert (np.diff(rates[81:]) < 0).all()
    args = trainer.args
    assert (args.seed, args.max_grad_norm, args.eval_steps, args.save_steps) == (5, 0.5, 7, 9)
    assert (args.per_device_train_batch_size, args.gradient_accumulation_steps) == (2, 4)


def test_options_of_the_model_that_do_not_fit(recipe_file, monkeypatch):
    recipe = load_recipe(recipe_file, ["train.precision=bfloat16"])
    tokenizer = train_tokenizer(["a"], 300)
    assert next(new_model(recipe, tokenizer).parameters()).dtype == torch.bfloat16
    with pytest.raises(RepalignError, match="an adapter is trained on a parent"):
        new_model(load_recipe(recipe_file, ["adapter.r=4"]), tokenizer)
    monkeypatch.setenv("WORLD_SIZE", "16")
    with pytest.raises(RepalignError, match="8 does not divide into 16 device"):
        make_trainer(load_recipe(recipe_file), None, tokenizer, Data(Rows([], []), Rows([], []), []), Path())


def test_a_padding_token_outside_the_embedding_is_another_one_and_any_other_token_is_refused(
    recipe_file, tmp_path
):
    recipe = load_recipe(recipe_file)
    tokenizer = train_tokenizer(["a"], 300)
    model = new_model(recipe, tokenizer)
    rows = model.get_input_embeddings().num_embeddings
    tokenizer.add_special_tokens({"pad_token": "<outside>"})
    assert tokenizer.pad_token_id >= rows
    items = [Encoded(np.arange(1, 1 + length, dtype=np.int32), 1) for length in (3, 5)]
    data = Data(Rows(items, [[0], [1]]), Rows(items[:1], [[0]]), [])
    trainer = make_trainer(recipe, model, tokenizer, data, tmp_path)
    assert trainer.data_collator([[items[0]], [items[1]]])["input_ids"][0].tolist() == [1, 2, 3, 0, 0]
    outside = [Encoded(np.array([1, tokenizer.pad_token_id], np.int32), 1)]
    with pytest.raises(
        RepalignError, match=f"token '<outside>' has id {rows}, but the model's embedding has {rows} rows"
    ):
        make_trainer(recipe, model, tokenizer, Data(Rows(items, [[0]]), Rows(outside, [[0]]), []), tmp_path)
