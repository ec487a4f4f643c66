"""The model and tokenizer that training starts from: new, or the parent's, with or without an adapter."""

from __future__ import annotations

from typing import Any

from repalign import Checkpoint, RepalignError
from repalign.errors import unknown
from repalign.models.completeness import check_complete
from repalign.models.explaining import explained
from repalign.models.loading import load_base, read_config, read_tokenizer
from repalign.models.locating import Weights, locate
from repalign.models.quiet import quiet_transformers
from repalign.models.stacks import pick_stack

from .attention import implementation
from .recipe import Recipe
from .settings import PRECISIONS


def new_model(recipe: Recipe, tokenizer: Any) -> Any:
    """A Llama with random weights of the sizes in the recipe's `[model]` table, in the recipe's precision.

    Raises:
        RepalignError: an adapter, which needs a parent; an option LlamaConfig does not have, or sizes that do not
            fit together.
    """
    import torch
    from huggingface_hub.errors import StrictDataclassError
    from transformers import LlamaConfig, LlamaForCausalLM

    if recipe.adapter:
        raise RepalignError(
            f"{recipe.name}: an adapter is trained on a parent; set parent, or leave [adapter] out"
        )
    known = LlamaConfig().to_dict()
    for key in recipe.model:
        if key not in known:
            raise RepalignError(f"{recipe.name}: model.{unknown('option', key, known)}")
    try:
        config = LlamaConfig(
            **{"tie_word_embeddings": True, **recipe.model},
            vocab_size=len(tokenizer),
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        config._attn_implementation = implementation(recipe.train.attention)
        return LlamaForCausalLM(config).to(getattr(torch, PRECISIONS[recipe.train.precision]))
    except (ValueError, StrictDataclassError) as error:
        raise RepalignError(
            f"{recipe.name}: the sizes in [model] do not fit together: {one_line(error)}"
        ) from error


def parent_model(recipe: Recipe, parent: Weights) -> Any:
    """The parent's weights in the recipe's precision; quantised to 4 bits if the adapter table says so.

    Raises:
        RepalignError: a weight of the parent is not in its files, or they do not fit its configuration.
    """
    import torch

    options: dict[str, Any] = {"attn_implementation": implementation(recipe.train.attention)}
    if recipe.adapter.get("quantize"):
        options["quantization_config"] = _four_bits(recipe)
    config = read_config(parent)
    with (
        quiet_transformers(),
        explained(f"cannot load parent {recipe.parent!r} from {parent.model}", parent.model),
    ):
        loaded = load_base(
            parent, config, getattr(torch, PRECISIONS[recipe.train.precision]), "cpu", **options
        )
        check_complete(loaded.model, loaded.report, parent.model, pick_stack(config), head=True)
    return with_adapter(loaded.model, recipe) if recipe.adapter else loaded.model


def _four_bits(recipe: Recipe) -> Any:
    import torch
    from transformers import BitsAndBytesConfig

    if recipe.adapter["quantize"] != "nf4":
        raise RepalignError(
            f"{recipe.name}: adapter.quantize should be 'nf4', not {recipe.adapter['quantize']!r}"
        )
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def with_adapter(model: Any, recipe: Recipe) -> Any:
    """The model with new LoRA weights; only these are trained."""
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    from .lora import fuse

    options = {
        "r": 16,
        "lora_alpha": 32,
        "lora_dropout": 0.0,
        "target_modules": "all-linear",
        **recipe.adapter,
    }
    if options.pop("quantize", None):
        model = prepare_model_for_kbit_training(
            model, use_gradient_checkpointing=recipe.train.gradient_checkpointing
        )
    try:
        adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **options))
    except (TypeError, ValueError) as error:
        raise RepalignError(f"{recipe.name}: the [adapter] table does not fit this model: {error}") from error
    fuse(adapted)
    return adapted


def starting_tokenizer(recipe: Recipe) -> Any:
    """The parent's tokenizer, or a new one trained on the recipe's text.

    Raises:
        RepalignError: the parent is missing.
    """
    if recipe.parent is not None:
        return read_tokenizer(locate(Checkpoint.named(recipe.parent)))
    from .data.dataset import read_parts
    from .tokenizer import train_tokenizer

    if not isinstance(recipe.tokenizer.get("vocabulary"), int):
        raise RepalignError(
            f"{recipe.name} has no parent, so it needs tokenizer.vocabulary (tokens) and a [model] table"
        )
    parts, _ = read_parts(recipe, recipe.tokenizer.get("mixture"))
    texts = (
        text
        for part in parts
        for item in part
        for text in (item.instruction, item.input, item.output)
        if text
    )
    return train_tokenizer(texts, recipe.tokenizer["vocabulary"])


def starting_model(recipe: Recipe, tokenizer: Any) -> Any:
    """The model before the first step.

    Raises:
        RepalignError: a parent that is missing or is itself an adapter, or options that do not fit the model.
    """
    if recipe.parent is None:
        return new_model(recipe, tokenizer)
    weights = locate(Checkpoint.named(recipe.parent))
    if weights.adapter:
        raise RepalignError(
            f"{recipe.name}: parent {recipe.parent!r} is an adapter; merge it into its base first"
        )
    return parent_model(recipe, weights)


def one_line(error: Exception) -> str:
    """The last line of a library's error message, which states the problem."""
    return str(error).strip().splitlines()[-1].strip()
