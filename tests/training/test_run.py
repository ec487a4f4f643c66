"""From a recipe to a finished folder: interrupted, resumed, refused, adapted."""

from __future__ import annotations

import json

import pytest
import torch
from factories import weights
from repalign_training.data.dataset import read_data
from repalign_training.data.packing import IGNORED, Collator
from repalign_training.recipe import load_recipe
from repalign_training.run import train
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from repalign.checkpoints import Card
from repalign.errors import RepalignError


def interrupt_at(monkeypatch, *steps):
    """Ctrl-C in the middle of a run, once at each of those steps."""
    from repalign_training.progress import Progress

    waiting, step_end = list(steps), Progress.on_step_end

    def on_step_end(self, args, state, control, **kwargs):
        step_end(self, args, state, control, **kwargs)
        if waiting and state.global_step >= waiting[0]:
            waiting.pop(0)
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "on_step_end", on_step_end)


def test_a_run_and_its_card(recipe_file, tmp_path, caplog):
    caplog.set_level("INFO", logger="repalign.training")
    recipe = load_recipe(recipe_file)
    folder = train(recipe)
    assert folder == tmp_path / "home" / "checkpoints" / "tiny"
    card = Card.read(folder)
    assert card.recipe == recipe.as_dict()
    assert card.recipe_digest == recipe.digest
    assert card.losses["last"] < card.losses["first"]
    assert (card.template, card.seed) == ("brief", 0)
    assert sum(part["items"] for part in card.mixture) == 300
    assert {path.name for path in folder.iterdir()} >= {"model.safetensors", "tokenizer.json", "config.json"}
    assert not {path.name for path in folder.iterdir()} & {"run.json", "steps", "training_args.bin", ".lock"}

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    assert model.config.tie_word_embeddings
    assert tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id
    assert (
        tokenizer.decode(tokenizer("ναι，ठीक है 🙂")["input_ids"], skip_special_tokens=True) == "ναι，ठीक है 🙂"
    )

    data = read_data(recipe, tokenizer)
    assert card.tokens == data.train.tokens == sum(part["tokens"] for part in card.mixture)
    nats = tokens = 0
    for row in data.held_out:
        batch = Collator(tokenizer.pad_token_id)([row])
        count = int((batch["labels"][:, 1:] != IGNORED).sum())
        nats, tokens = nats + count * model(**batch).loss.item(), tokens + count
    assert card.losses["held_out"] == pytest.approx(nats / tokens, rel=1e-4)

    stamp = (folder / "model.safetensors").stat().st_mtime_ns
    assert train(recipe) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == stamp
    assert caplog.messages[-1] == f"tiny: already trained: {folder}"
    with pytest.raises(RepalignError, match=r"holds another run \(seed 0 -> 1\)"):
        train(load_recipe(recipe_file, seed=1))


def test_interrupted_and_resumed_equals_undisturbed(recipe_file, tmp_path, monkeypatch):
    recipe = load_recipe(recipe_file, ["train.epochs=2", "train.schedule=warmup_stable_decay"])
    undisturbed = weights(train(recipe, tmp_path / "undisturbed"))
    interrupt_at(monkeypatch, 4, 5, 13)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            train(recipe, tmp_path / "resumed")
        with pytest.raises(RepalignError, match="holds another run"):
            train(load_recipe(recipe_file), tmp_path / "resumed")
    resumed = weights(train(recipe, tmp_path / "resumed"))
    assert all(torch.equal(resumed[name], undisturbed[name]) for name in undisturbed)
    card = Card.read(tmp_path / "resumed")
    assert card.tokens == 2 * sum(part["tokens"] for part in card.mixture)  # two epochs


def test_accumulated_batches_equal_whole_ones_and_seeds_differ(recipe_file, tmp_path):
    short = ["mixture=text_en[0:60]", "train.packing=false", "train.held_out=0"]

    def run(name, *overrides, seed=0):
        folder = train(load_recipe(recipe_file, [*short, *overrides], seed), tmp_path / name)
        return Card.read(folder).losses, weights(folder)

    (whole, before), (parts, after) = run("whole"), run("parts", "train.micro_batch=2")
    assert parts.pop("held_out") is whole.pop("held_out") is None, "nothing was held out"
    assert parts == pytest.approx(whole, rel=1e-4)
    assert all(torch.allclose(after[name], before[name], atol=1e-3) for name in before)
    still = [run(str(seed), "train.learning_rate=1e-9", "train.epochs=0.1", seed=seed)[1] for seed in (0, 1)]
    assert not torch.allclose(*(start["model.embed_tokens.weight"] for start in still), atol=1e-3)


@pytest.mark.parametrize("tokens", [500, 3000])
def test_a_run_sees_as_many_tokens_as_it_is_given(recipe_file, tmp_path, tokens):
    overrides = ["mixture=text_en[0:60]", f"train.tokens={tokens}", "train.batch=1", "train.held_out=0"]
    card = Card.read(train(load_recipe(recipe_file, overrides), tmp_path / "run"))
    assert 500 < sum(part["tokens"] for part in card.mixture) < 3000, "less than an epoch, and more"
    assert card.tokens == tokens
    assert card.steps * 128 == pytest.approx(tokens, abs=2 * 128)


@pytest.mark.parametrize("quantize", [None, "nf4"])
def test_an_adapter_on_a_parent(recipe_file, tmp_path, quantize):
    wide = ["model.hidden_size=64", "model.intermediate_size=64"]
    parent = train(load_recipe(recipe_file, wide), tmp_path / "parent")
    overrides = [f"parent={parent}", "adapter.r=4", "adapter.target_modules=['q_proj','v_proj']"]
    if quantize:
        pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
        overrides.append(f"adapter.quantize={quantize}")
    folder = train(load_recipe(recipe_file, overrides), tmp_path / "adapter")
    config = json.loads((folder / "adapter_config.json").read_text())
    assert (config["r"], config["base_model_name_or_path"]) == (4, str(parent))
    adapter = load_file(folder / "adapter_model.safetensors")
    assert any(tensor.abs().max() > 0 for name, tensor in adapter.items() if "lora_B" in name)
    assert (folder / "tokenizer.json").read_bytes() == (parent / "tokenizer.json").read_bytes()
    with pytest.raises(RepalignError, match="is an adapter; merge it"):
        train(load_recipe(recipe_file, [f"parent={folder}"]), tmp_path / "on-top")
