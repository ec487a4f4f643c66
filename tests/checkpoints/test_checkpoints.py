"""Checkpoints: names, folders, adapters, refusals."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest
import torch

from repalign.checkpoints import Card, Checkpoint
from repalign.checkpoints.making import make
from repalign.errors import RepalignError, Terminated
from repalign.models.loading import load_model, one_base, read_config, read_tokenizer
from repalign.models.locating import locate
from repalign.states.extraction import extract


def refuses(parts, call, *args):
    with pytest.raises(RepalignError) as caught:
        call(*args)
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value), str(caught.value)


def located(spec):
    return locate(Checkpoint.named(str(spec)))


@pytest.fixture
def copy(llama, tmp_path):
    return shutil.copytree(llama, tmp_path / "copy")


@pytest.fixture
def save_adapter(llama, tmp_path):
    def save(trained: bool, seed: int = 0):
        import peft
        import transformers

        torch.manual_seed(seed)
        base = transformers.AutoModelForCausalLM.from_pretrained(llama)
        model = peft.get_peft_model(base, peft.LoraConfig(r=2, target_modules=["q_proj", "v_proj"]))
        if trained:
            for name, parameter in model.named_parameters():
                if "lora_B" in name:
                    torch.nn.init.normal_(parameter)
        folder = tmp_path / f"adapter-{trained}-{seed}"
        model.save_pretrained(folder)
        return folder

    return save


def test_a_near_miss_is_suggested():
    refuses(["no checkpoint named 'm-lama'", "did you mean 'm-llama'?"], Checkpoint.named, "m-lama")
    refuses(["no folder ./nowhere"], Checkpoint.named, "./nowhere")


def test_names_folders_and_hub_ids_resolve(llama):
    assert Checkpoint.named("m-llama").recipe == "m-llama"
    assert Checkpoint.named("m-llama").corpus == "phrasebook"
    assert Checkpoint.named(str(llama)).name == llama.name
    hub = Checkpoint.named("owner/model@v1")
    assert (hub.location, hub.revision) == ("owner/model", "v1")
    assert Checkpoint.named(f"{llama}~random").twin == 0


def test_a_finished_folder_wins_over_the_catalogue(home, copy):
    card = Card("x-llama-hi", {"corpus": "everyday"}, "0", "base", "brief", [], 0, 1, 1, {}, 1.0)
    folder = shutil.copytree(copy, home / "checkpoints" / "x-llama-hi")
    assert Checkpoint.named("x-llama-hi").folder is None, "without its card a folder is not finished"
    card.write(folder)
    found = Checkpoint.named("x-llama-hi")
    assert (found.folder, found.template, found.corpus) == (folder, "brief", "everyday")


def test_a_checkpoint_that_is_not_there_is_refused_when_training_is(home):
    refuses(["repalign-train x-llama-hi"], make, [Checkpoint.named("x-llama-hi")], False)
    refuses(["repalign-train x-llama-hi"], locate, Checkpoint.named("x-llama-hi"))


def test_the_digest_follows_the_weights(llama, copy, save_model, tmp_path):
    assert located(llama).digest == located(copy).digest
    assert located(save_model(tmp_path / "other", seed=1)).digest != located(llama).digest
    assert located(f"{llama}~random").digest != located(llama).digest
    before, weights = located(copy).digest, copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    assert located(copy).digest != before, "trained again: the same file, as large as before"


def test_the_digest_of_an_adapter_follows_its_base(save_adapter, copy):
    folder = save_adapter(trained=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": str(copy)}))
    before, weights = located(folder).digest, copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    assert located(folder).digest != before


def test_the_twin_of_an_adapter_is_that_of_its_base(save_adapter, llama):
    twin = located(f"{save_adapter(trained=True)}~random")
    assert twin.adapter is None
    assert twin.digest == located(f"{llama}~random").digest


def test_incomplete_folders_are_refused(copy):
    (copy / "model.safetensors").rename(copy / "away")
    refuses(["no weights", "safetensors"], located, copy)
    torch.save({}, copy / "pytorch_model.bin")
    refuses(["pickled weights", "pytorch_model.bin"], located, copy)
    (copy / "away").rename(copy / "model.safetensors")
    (copy / "tokenizer.json").unlink()
    refuses(["no vocabulary", "tokenizer.json"], read_tokenizer, located(copy))
    (copy / "tokenizer_config.json").unlink()
    refuses(["no tokenizer"], located, copy)
    (copy / "config.json").unlink()
    refuses(["not a checkpoint", "config.json"], located, copy)


def test_damaged_weights_get_one_line(copy):
    (copy / "model.safetensors").write_bytes(b"\0" * 100)
    weights = located(copy)
    refuses(["cannot load 'copy'"], load_model, weights, read_config(weights), torch.float32, "cpu")
    (copy / "config.json").write_text(json.dumps({"model_type": "no-such-model"}))
    refuses(["cannot load 'copy'"], read_config, located(copy))


def test_an_adapter_is_loaded_on_its_base(save_adapter, llama):
    weights = located(save_adapter(trained=True))
    assert weights.model == llama
    assert weights.tokenizer == llama
    model = load_model(weights, read_config(weights), torch.float32, "cpu")
    assert hasattr(model, "peft_config")


def test_an_adapter_without_its_base_is_refused(save_adapter):
    folder = save_adapter(trained=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(
        json.dumps({**config, "base_model_name_or_path": "/nowhere/base"})
    )
    refuses(["base of adapter", "/nowhere/base"], located, folder)
    (folder / "adapter_config.json").write_text("{")
    refuses(["adapter_config.json is not valid JSON", "save the adapter there again"], located, folder)


def test_an_adapter_that_changes_nothing_is_refused(save_adapter):
    from repalign.models.engine import Engine

    refuses(["changes nothing"], Engine.open, located(save_adapter(trained=False)))
    Engine.open(located(save_adapter(trained=True)))


def test_adapters_of_one_base_load_it_once(save_adapter, llama, corpus, monkeypatch):
    import transformers

    checkpoints = [
        Checkpoint.named(str(f)) for f in (llama, save_adapter(True, 1), save_adapter(True, 2), llama)
    ]
    apart = [extract(checkpoint, corpus, store=False) for checkpoint in checkpoints]
    loaded = []
    load = transformers.AutoModelForCausalLM.from_pretrained
    monkeypatch.setattr(
        transformers.AutoModelForCausalLM,
        "from_pretrained",
        lambda *a, **k: loaded.append(a) or load(*a, **k),
    )
    with one_base():
        together = [extract(checkpoint, corpus, store=False) for checkpoint in checkpoints]
    assert len(loaded) == 1
    for one, other in zip(apart, together, strict=True):
        assert np.array_equal(one.layer("zh", 3), other.layer("zh", 3))
    assert not np.allclose(together[1].layer("zh", 3), together[2].layer("zh", 3))


def test_a_random_twin_has_the_shape_and_not_the_weights(save_model, tmp_path):
    folder = save_model(tmp_path / "seed-1", seed=1)
    twin, own = (located(spec) for spec in (f"{folder}~random", folder))
    models = [load_model(w, read_config(w), torch.float32, "cpu") for w in (twin, twin, own)]
    states = [next(m.parameters()) for m in models]
    assert torch.equal(states[0], states[1]), "the same seed gives the same twin"
    assert states[0].shape == states[2].shape
    assert not torch.equal(states[0], states[2])
    with one_base():
        read = [next(load_model(w, read_config(w), torch.float32, "cpu").parameters()) for w in (own, twin)]
    assert torch.equal(read[0], states[2])
    assert torch.equal(read[1], states[0])


def test_a_damaged_card_is_named(copy):
    (copy / "repalign.json").write_text("{")
    refuses(["repalign.json", "not a checkpoint card"], Checkpoint.named, str(copy))


@pytest.mark.parametrize(
    ("status", "raised"),
    [(130, KeyboardInterrupt), (-2, KeyboardInterrupt), (143, Terminated), (-15, Terminated)],
)
def test_a_stopped_training_stops_the_command_that_asked_for_it(status, raised, monkeypatch):
    ended = subprocess.CompletedProcess([], status)
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: ended)
    with pytest.raises(KeyboardInterrupt) as caught:
        make([Checkpoint.named("x-llama-hi")])
    assert caught.type is raised
