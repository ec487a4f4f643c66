"""Every weight that is used comes from the files: for states, answers, the lens and training alike."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
import transformers
from repalign_training.model import starting_model
from repalign_training.recipe import load_recipe
from safetensors.torch import load_file, save_file

from repalign.checkpoints import Checkpoint
from repalign.errors import RepalignError
from repalign.models.engine import Engine
from repalign.models.generation import Generator
from repalign.models.locating import locate


def edit(folder: Path, change) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def settings(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def states(folder: Path) -> None:
    Engine.open(locate(Checkpoint.named(str(folder))))


def lens(folder: Path) -> None:
    Engine.open(locate(Checkpoint.named(str(folder))), head=True)


def answers(folder: Path) -> None:
    Generator(locate(Checkpoint.named(str(folder))), device="cpu", dtype="float32")


def training(folder: Path) -> None:
    recipe = folder.parent / "recipe.toml"
    recipe.write_text(
        f'languages = ["en"]\nmixture = "0.1*tasks_en"\ntemplate = "brief"\nparent = "{folder}"\n'
    )
    starting_model(load_recipe(str(recipe)), None)


USES = [states, lens, answers, training]


def refused(use, folder: Path, *parts: str) -> None:
    with pytest.raises(RepalignError) as caught:
        use(folder)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, message


@pytest.fixture
def copy(tmp_path, save_model) -> Path:
    return save_model(tmp_path / "copy", tie_word_embeddings=False)


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "name",
    ["model.embed_tokens.weight", "model.norm.weight", "model.layers.1.mlp.up_proj.weight", "model.layers.2.input_layernorm.weight"],
)  # fmt: skip
def test_a_missing_weight_is_refused_by_every_use(use, name, copy):
    edit(copy, lambda tensors: tensors.pop(name))
    refused(use, copy, name, "is not in", "would be random")


@pytest.mark.parametrize("use", USES)
def test_a_missing_output_layer_is_refused_where_it_is_used(use, copy):
    edit(copy, lambda tensors: tensors.pop("lm_head.weight"))
    if use is states:
        use(copy)
    else:
        refused(use, copy, "lm_head.weight", "would be random")


@pytest.mark.parametrize("kept", ["lm_head.weight", "model.embed_tokens.weight"])
@pytest.mark.parametrize("use", USES)
def test_tied_weights_need_one_copy(use, kept, tmp_path, save_model):
    folder = save_model(tmp_path / "tied", tie_word_embeddings=True)
    tensors = load_file(folder / "model.safetensors")
    shared = tensors.pop("model.embed_tokens.weight", None)
    shared = tensors.pop("lm_head.weight", shared)
    save_file({**tensors, kept: shared}, folder / "model.safetensors", metadata={"format": "pt"})
    use(folder)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    refused(use, folder, "embed_tokens.weight", "would be random")


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "_fsdp_wrapped_module."])
def test_names_with_the_prefix_of_a_wrapper_are_refused(use, prefix, copy):
    edit(copy, lambda tensors: [tensors.update({prefix + name: tensors.pop(name)}) for name in list(tensors)])
    refused(use, copy, "is not in", "would be random")


@pytest.mark.parametrize("use", USES)
def test_a_block_that_only_the_configuration_has_is_refused(use, copy):
    settings(copy, num_hidden_layers=4)
    refused(use, copy, "model.layers.3.", "would be random")


@pytest.mark.parametrize("use", USES)
def test_a_block_that_only_the_file_has_is_reported(use, copy, caplog):
    settings(copy, num_hidden_layers=2)
    use(copy)
    assert "copy: not used by LlamaForCausalLM: model.layers.2." in caplog.text


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    ("change", "shown"), [({"vocab_size": 500}, "500 x 32"), ({"intermediate_size": 48}, "32 x 48"), ({"vocab_size": 9}, "9 x 32")]
)  # fmt: skip
def test_other_sizes_are_refused_with_the_name_and_both_shapes(use, change, shown, copy):
    settings(copy, **change)
    refused(use, copy, "does not fit its config.json", shown, "in the file")


@pytest.mark.parametrize("use", USES)
def test_a_configuration_of_a_far_larger_model_takes_no_memory(use, copy):
    for name in ("vocab_size", "intermediate_size", "hidden_size"):
        before = json.loads((copy / "config.json").read_text())[name]
        settings(copy, **{name: 10**12})
        refused(use, copy, "1,000,000,000,000", "in all")
        settings(copy, **{name: 10**6})
        refused(use, copy, name)
        settings(copy, **{name: before})
    settings(copy, vocab_size=384, num_hidden_layers=10**9)
    refused(use, copy, "num_hidden_layers is 1,000,000,000")


@pytest.mark.parametrize("use", USES)
def test_quantised_weights_without_their_configuration_are_refused(use, copy):
    def quantise(tensors):
        for name in [name for name in tensors if "proj" in name]:
            tensors[name] = tensors[name].to(torch.float8_e4m3fn)
            tensors[name + "_scale_inv"] = torch.ones(1)

    edit(copy, quantise)
    refused(use, copy, "quantised weights", "quantization_config")


def test_an_encoder_needs_no_pooler(tmp_path, save_tokenizer):
    tokenizer = save_tokenizer(tmp_path)
    config = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
    )
    transformers.BertForMaskedLM(config).save_pretrained(tmp_path)
    states(tmp_path)
    edit(tmp_path, lambda tensors: tensors.pop("bert.embeddings.LayerNorm.weight"))
    refused(states, tmp_path, "embeddings.LayerNorm.weight", "would be random")


def t5(folder: Path, kind: str, save_tokenizer) -> Path:
    tokenizer = save_tokenizer(folder)
    config = transformers.T5Config(
        vocab_size=len(tokenizer),
        d_model=32,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        d_kv=8,
        decoder_start_token_id=2,
    )
    torch.manual_seed(0)
    getattr(transformers, kind)(config).save_pretrained(folder)
    return folder


def test_the_encoder_alone_is_read_and_has_no_decoder(tmp_path, save_tokenizer):
    folder = t5(tmp_path / "encoder", "T5EncoderModel", save_tokenizer)
    states(folder)
    refused(answers, folder, "T5EncoderModel has no decoder side")
    # sentence-t5 keeps the configuration of the whole model beside the weights of its encoder
    whole = t5(tmp_path / "whole", "T5ForConditionalGeneration", save_tokenizer)
    shutil.copy(whole / "config.json", folder / "config.json")
    states(folder)
    refused(answers, folder, "decoder.", "would be random")
    with pytest.raises(RepalignError, match=r"decoder\..* would be random"):
        Engine.open(locate(Checkpoint.named(str(folder))), stack="decoder")
    edit(whole, lambda tensors: tensors.pop("encoder.final_layer_norm.weight"))
    refused(states, whole, "encoder.final_layer_norm.weight")


@pytest.mark.parametrize("use", USES)
def test_the_weights_are_those_that_transformers_reads(use, copy):
    (copy / "model.safetensors").rename(copy / "decoy.safetensors")
    refused(use, copy, "model.safetensors is missing", "decoy.safetensors")
    torch.save({}, copy / "pytorch_model.bin")
    refused(use, copy, "pickled weights")


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "shard", ["../other/model.safetensors", "/etc/model.safetensors", "C:\\w.safetensors"]
)
def test_shards_stay_in_their_folder(use, shard, copy):
    index = copy / "model.safetensors.index.json"
    (copy / "model.safetensors").rename(copy / "model-00001-of-00001.safetensors")
    names = list(load_file(copy / "model-00001-of-00001.safetensors"))
    index.write_text(
        json.dumps({"metadata": {}, "weight_map": dict.fromkeys(names, "model-00001-of-00001.safetensors")})
    )
    use(copy)
    index.write_text(json.dumps({"metadata": {}, "weight_map": dict.fromkeys(names, shard)}))
    refused(use, copy, "outside its folder")
    index.write_text(json.dumps({"metadata": {}, "weight_map": dict.fromkeys(names, "gone.safetensors")}))
    refused(use, copy, "gone.safetensors is missing")
