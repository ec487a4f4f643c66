"""Targets: checkpoints, what is stored of them, and what others write about them."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from repalign_training.folder import claimed
from repalign_training.recipe import load_recipe
from tiny_gguf import tiny_qwen, write_gguf
from tiny_models import SENTENCES, save_tiny_model

from fuzz.damage import damage_folder, damage_json, mutate_file, mutated
from fuzz.target import sample, target
from repalign.checkpoints import Card, Checkpoint, home
from repalign.checkpoints.card import CARD
from repalign.corpora import ParallelCorpus
from repalign.states.extraction import extract
from repalign.verification.exchange import read_folder
from repalign.verification.run import write_exchange

CORPUS = ParallelCorpus("tiny", SENTENCES)


def _save_adapter(folder: Path) -> None:
    """Beside its base, which its configuration names by the relative path."""
    import peft
    import transformers

    save_tiny_model(folder / "base")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder / "base")
    tuned = peft.get_peft_model(model, peft.LoraConfig(r=2, target_modules=["q_proj", "v_proj"]))
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    tuned.save_pretrained(folder / "adapter")
    config = folder / "adapter" / "adapter_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "base_model_name_or_path": "../base"}))


llama = sample(save_tiny_model)
adapter = sample(_save_adapter)


def _read(folder: Path) -> None:
    extract(Checkpoint.named(str(folder)), CORPUS, store=False, progress=False)


@target("checkpoint")
def _checkpoint(folder: Path, rng: random.Random) -> None:
    damage_folder(llama(folder), rng)
    _read(folder)


@target("checkpoint: configuration")
def _configuration(folder: Path, rng: random.Random) -> None:
    path = rng.choice(["config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"])
    damage_json(llama(folder) / path, rng)
    _read(folder)


@target("checkpoint: adapter")
def _adapter(folder: Path, rng: random.Random) -> None:
    damage_folder(adapter(folder) / "adapter", rng)
    _read(folder / "adapter")


@target("checkpoint: card")
def _card(folder: Path, rng: random.Random) -> None:
    recipe = {"corpus": "everyday", "sources": {"x": {"kind": "pairs", "path": "x"}}}
    mixture = [{"name": "tasks_en", "items": 3}]
    Card("x", recipe, "0", None, "raw", mixture, 0, 1, 1, {"first": 1.0}, 1.0, {"torch": "2"}).write(folder)
    damage_json(folder / CARD, rng)
    Checkpoint.named(str(folder))


def _layer(checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    """Copies, because the states themselves stay in their files."""
    states = extract(checkpoint, CORPUS, progress=False)
    return {language: states.layer(language, 1).copy() for language in states.languages}


@target("stored states")
def _store(folder: Path, rng: random.Random) -> None:
    """Damaged states are computed again: the numbers are those of the first time."""
    checkpoint = Checkpoint.named(str(llama(folder / "model")))
    with patch.dict(os.environ, REPALIGN_HOME=str(folder / "home")):
        before = _layer(checkpoint)
        store = rng.choice(sorted((home() / "states").glob("*")))
        damaged = rng.choice(sorted(path for path in store.iterdir() if path.stat().st_size))
        if damaged.suffix == ".json":
            damage_json(damaged, rng)
        else:
            mutate_file(damaged, rng)
        after = _layer(checkpoint)
    assert all((before[language] == after[language]).all() for language in CORPUS.languages)


@target("recipe")
def _recipe(folder: Path, rng: random.Random) -> None:
    path = folder / "mine.toml"
    path.write_bytes(mutated(_RECIPE, rng))
    load_recipe(str(path))


@target("recipe: --set")
def _override(folder: Path, rng: random.Random) -> None:
    text = rng.choice(
        [
            b"train.epochs=2",
            b"languages=['en']",
            b"mixture=tasks_en",
            b"sources.x.kind='pairs'",
            b"adapter.r=8",
        ]
    )
    assert load_recipe("m-llama", [mutated(text, rng).decode("utf-8", "replace")]).digest


_RECIPE = b"""about = "mine"
extends = "m-llama"
languages = ["en", "zh"]
mixture = "tasks_en + 0.5*translation_en-zh"
seed = 3
[train]
epochs = 2
batch = 8
[filters]
script = 0.5
[sources.mine]
kind = "pairs"
path = "x.tsv"
[variant.small]
seed = 4
"""


@target("unfinished run")
def _run(folder: Path, rng: random.Random) -> None:
    (folder / "r.toml").write_text('languages = ["en"]\nmixture = "tasks_en"\n')
    recipe = load_recipe(str(folder / "r.toml"))
    run = folder / "run"
    run.mkdir()
    (run / "run.json").write_text(json.dumps({"digest": recipe.digest, "recipe": recipe.as_dict()}))
    damage_json(run / "run.json", rng)
    with claimed(run, recipe):
        pass


def _write_exchange(folder: Path) -> None:
    from safetensors.torch import save_file

    write_exchange(save_tiny_model(folder / "model"), folder / "states")
    prompts = json.loads((folder / "states" / "prompts.json").read_text())["prompts"]
    for number, ids in enumerate(prompts):
        path = folder / "states" / f"{number:02d}.safetensors"
        save_file({"states": torch.zeros(4, len(ids), 32), "token_ids": torch.tensor(ids)}, path)
    about = {"engine": "mine", "version": "1", "dtype": "float32", "layers": [0, 1, 2, 3], "conventions": []}
    (folder / "states" / "engine.json").write_text(json.dumps(about))


exchange = sample(_write_exchange)


@target("states of another engine")
def _exchange(folder: Path, rng: random.Random) -> None:
    exchange(folder)
    written = json.loads((folder / "states" / "prompts.json").read_text())
    prompts = [torch.tensor(ids) for ids in written["prompts"]]
    damage_folder(folder / "states", rng)
    read_folder(folder / "states", written["weights"], prompts, 4)


gguf = sample(lambda folder: write_gguf(folder / "tiny.gguf", *tiny_qwen(folder), "F32"))


@target("GGUF")
def _gguf(folder: Path, rng: random.Random) -> None:
    path = gguf(folder) / "tiny.gguf"
    mutate_file(path, rng)
    _read(path)
