"""PEFT adapters on a base model: loaded completely or refused, and removed without a trace."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor, nn

from repalign.checkpoints.folder import ADAPTER_WEIGHTS, MAX_LAYERS
from repalign.errors import RepalignError
from repalign.files import typed

if TYPE_CHECKING:
    from peft import PeftConfig, PeftModel

logger = logging.getLogger(__name__)

Shapes: TypeAlias = "dict[str, tuple[int, ...]]"

NAME = "default"
PREFIX = "base_model.model."
"""What PEFT puts before the name of a module in an adapter's file."""

HEADS = re.compile(r"(^|\.)(classifier|score|qa_outputs|classification_head|v_head|summary)(\.|$)")
"""Output layers of other tasks, which hidden states do not depend on."""

SECONDS = 5
"""How long the patterns of an adapter may take to match the names of the base's modules."""


def read_adapter_config(adapter: Path) -> PeftConfig:
    """The configuration of an adapter, without the heads of other tasks, which are not read.

    Raises:
        RepalignError: an adapter whose base was changed at random before training (PiSSA by a fast decomposition), or that
            makes more layers than any model has.
    """
    from peft import PeftConfig

    config: Any = PeftConfig.from_pretrained(str(adapter))
    start = str(getattr(config, "init_lora_weights", ""))
    if start.startswith("pissa_niter"):
        raise RepalignError(
            f"adapter {adapter} starts from a randomised decomposition of its base ({start}), which cannot be repeated exactly; save it as "
            "plain LoRA: save_pretrained(..., path_initial_model_for_weight_conversion=...)"
        )
    repeated = getattr(config, "layer_replication", None) or []
    spans = typed(repeated, list[tuple[int, int]], f"{adapter}: layer_replication", "save the adapter again")
    if (count := sum(end - start for start, end in spans)) > MAX_LAYERS:
        raise RepalignError(f"{adapter}: layer_replication makes {count:,} layers, and no model has so many")
    saved = getattr(config, "modules_to_save", None)
    if saved:
        config.modules_to_save = [name for name in saved if not HEADS.search(name)] or None
    if config.task_type not in (None, "CAUSAL_LM", "SEQ_2_SEQ_LM"):
        config.task_type = None  # PEFT would look for the head of that task
    return config


def weights_given(adapter: Path) -> set[str]:
    """Names of the weights in an adapter's file, some of which are whole weights of the base."""
    return set(_shapes(adapter))


def attach(model: Any, adapter: Path, config: PeftConfig) -> PeftModel:
    """A base model with an adapter.

    Args:
        model: in evaluation mode; changed, so that it is to be compared by `fingerprint` before it is used again.
        adapter: the folder.
        config: see `read_adapter_config`.

    Raises:
        RepalignError: weights of the adapter that are not in its file, weights in the file without a place in the base, or an
            adapter that changes nothing.
    """
    _check_patterns(model, config, adapter)
    before = _outputs(model)
    in_file = _shapes(adapter)
    _resize_embeddings(model, adapter, in_file)
    with _without_warnings():
        adapted = _load(model, adapter, config, in_file)
    adapted.eval()
    if not config.is_prompt_learning and not _changes(adapted, before):
        raise RepalignError(f"adapter {adapter} changes nothing: its weights were never trained")
    return adapted


def detach(model: Any) -> nn.Module:
    """The base model of an adapted one; some methods leave it changed."""
    with _without_warnings():
        unload = getattr(model.base_model, "unload", None)
        return unload() if unload is not None else model.get_base_model()


def is_adapted(model: Any) -> bool:
    """Whether a model is a `PeftModel`. Some versions of PEFT leave the adapter's configuration on the bare base, too."""
    return hasattr(model, "peft_config") and hasattr(model, "get_base_model")


def is_prompt(model: Any) -> bool:
    """Whether a model has an adapter that puts virtual tokens before every text: prompt tuning, prefix tuning, P-tuning."""
    return is_adapted(model) and any(config.is_prompt_learning for config in model.peft_config.values())


def refuse_prompts(model: Any, adapter: Path | None) -> None:
    """
    Raises:
        RepalignError: the adapter is a prompt, see `is_prompt`.
    """
    if is_prompt(model):
        config = model.peft_config[NAME]
        raise RepalignError(
            f"adapter {adapter} is a prompt ({config.peft_type}): it changes no weight, but puts {config.num_virtual_tokens} virtual tokens "
            "before every text, which a bare sentence does not have; read its base, or compare answers with `repalign evaluate`"
        )


def _load(model: Any, adapter: Path, config: PeftConfig, in_file: Shapes) -> PeftModel:
    from peft import get_peft_model, get_peft_model_state_dict
    from safetensors.torch import load_file

    config.inference_mode = True
    with torch.random.fork_rng():  # some initial values are drawn, and all are overwritten
        torch.manual_seed(0)
        adapted: Any = get_peft_model(model, config, NAME)
    expected: Mapping[str, Tensor] = (
        {} if config.is_prompt_learning else get_peft_model_state_dict(adapted, save_embedding_layers=False)
    )
    # What is not a number after loading was not in the file.
    with torch.no_grad():
        for tensor in expected.values():
            if tensor.is_floating_point():
                tensor.fill_(torch.nan)
    renamed = _renaming(model, in_file) or getattr(model, "_checkpoint_conversion_mapping", {})
    try:
        result = adapted.load_adapter(str(adapter), NAME, key_mapping=renamed)
    except KeyError as error:  # a module that is saved in full
        raise RepalignError(
            f"{adapter / ADAPTER_WEIGHTS} is incomplete: it has no {str(error.args[0]).removeprefix(PREFIX)}; save the adapter again"
        ) from error
    absent = [name for name in expected if _holds_nan(expected[name])]
    if absent:  # PEFT 0.18 does not find the projections of VeRA, though they are in the file under this name
        stored = load_file(adapter / ADAPTER_WEIGHTS)
        for name in [name for name in absent if name in stored]:
            expected[name].copy_(stored[name])
        absent = [name for name in absent if _holds_nan(expected[name])]
    if absent:
        raise RepalignError(
            f"{adapter / ADAPTER_WEIGHTS} is incomplete: {len(absent)} of the adapter's {len(expected)} weights are not in it, "
            f"e.g. {absent[0].removeprefix(PREFIX)}; save the adapter again"
        )
    places = [
        name
        for name in result.unexpected_keys
        if name not in expected and not HEADS.search(name) and _once(name) not in in_file
    ]
    if places and not config.is_prompt_learning:
        raise RepalignError(
            f"{len(places)} weights in {adapter / ADAPTER_WEIGHTS} have no place in its base, e.g. "
            f"{places[0].removeprefix(PREFIX)}; the adapter belongs to another model"
        )
    if heads := [name for name in in_file if HEADS.search(name)]:
        logger.warning("%s: its %s is not used: no hidden state depends on it", adapter.name, heads[0])
    return adapted


def _holds_nan(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and bool(tensor.isnan().any())


def _once(name: str) -> str:
    """The name under which a file has a weight that PEFT saves twice, as part of a resized embedding and of a saved module."""
    short = name.removeprefix(PREFIX)
    once = re.sub(r"\.(modules_to_save|original_module)(\.default)?(?=\.)", "", short)
    return once if once != short else ""


def _shapes(adapter: Path) -> Shapes:
    """The shapes in an adapter's file, by names without PEFT's prefix."""
    from safetensors import safe_open

    with safe_open(adapter / ADAPTER_WEIGHTS, framework="pt") as file:
        return {key.removeprefix(PREFIX): tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118


def _renaming(model: Any, in_file: Shapes) -> dict[str, str] | None:
    """How names in the file become names in this model, for an adapter trained with another head.

    `BertForSequenceClassification` has its blocks in `bert.encoder`, `BertModel` in `encoder`; and the other way round.
    """
    names = list(in_file)
    body = model.base_model_prefix
    parts = [name for name, _ in (getattr(model, body, None) or model).named_children()]
    if not hasattr(model, body):
        wrapped = any(name.startswith(f"{body}.") for name in names)
        return {rf"^{re.escape(body)}\.": ""} if wrapped else None
    bare = any(name.split(".")[0] in parts for name in names) and body not in parts
    return {rf"^({'|'.join(map(re.escape, parts))})\.": rf"{body}.\1."} if bare else None


def _resize_embeddings(model: Any, adapter: Path, in_file: Shapes) -> None:
    """Give the base as many embeddings as an adapter with a larger vocabulary brings.

    Raises:
        RepalignError: the adapter brings no weights for the new rows.
    """
    layers = {"input": model.get_input_embeddings(), "output": model.get_output_embeddings()}
    names = {id(module): name for name, module in model.named_modules()}
    rows: dict[str, int] = {}
    for side, layer in layers.items():
        # A head without bias, or an embedding: saved in full, or below an adapter of its own.
        name = names.get(id(layer), "")
        keys = (f"{name}.weight", f"{name}.base_layer.weight", f"{name}.modules_to_save.weight")
        if shape := next((in_file[key] for key in keys if key in in_file), None):
            rows[side] = shape[0]
    before = model.get_input_embeddings().weight.shape[0]
    if not rows or set(rows.values()) == {before}:
        return
    if len(set(rows.values())) > 1:
        raise RepalignError(
            f"{adapter} brings {rows['input']} embeddings and an output layer of {rows['output']}; save the adapter again"
        )
    count = next(iter(rows.values()))
    tied = layers["output"] is None or layers["output"].weight is layers["input"].weight
    if not tied and len(rows) == 1:
        side = "output layer" if "input" in rows else "embeddings"
        raise RepalignError(
            f"{adapter} has a vocabulary of {count} tokens, its base one of {before}, and no {side} for the new tokens; save the adapter "
            "with save_embedding_layers=True"
        )
    model.resize_token_embeddings(count, mean_resizing=False)


@torch.inference_mode()
def _outputs(model: Any) -> list[Tensor]:
    """Logits or last states, and all hidden states, of a few tokens."""
    rows = model.get_input_embeddings().weight.shape[0]
    ids = (
        torch.arange(1, 17, device=model.get_input_embeddings().weight.device)[None]
        * max(1, rows // 20)
        % rows
    )
    inputs = {"input_ids": ids}
    if model.config.is_encoder_decoder and hasattr(model, "get_decoder"):
        inputs["decoder_input_ids"] = ids
    output = model(**inputs, output_hidden_states=True)
    names = ("logits", "last_hidden_state", "hidden_states", "encoder_hidden_states", "decoder_hidden_states")
    found = [getattr(output, name, None) for name in names]
    return [
        tensor
        for value in found
        for tensor in (value if isinstance(value, tuple) else (value,))
        if tensor is not None
    ]


def _changes(adapted: Any, before: list[Tensor]) -> bool:
    """Whether an adapter changes what its base computes: on a few tokens, or by weights of other tokens."""
    after = _outputs(adapted)
    if len(after) != len(before) or any(
        one.shape != other.shape or not torch.equal(one, other)
        for one, other in zip(after, before, strict=True)
    ):
        return True
    for module in adapted.modules():
        original = getattr(module, "original_module", None)
        saved = getattr(module, "modules_to_save", None)
        if isinstance(original, nn.Module) and isinstance(saved, nn.ModuleDict) and NAME in saved:
            weights = zip(saved[NAME].parameters(), original.parameters(), strict=False)
            if any(not torch.equal(one.to(other), other) for one, other in weights):
                return True
    pairs = ("trainable_tokens_delta", "trainable_tokens_original")
    tokens = [module for module in adapted.modules() if all(hasattr(module, name) for name in pairs)]
    return any(
        not torch.equal(getattr(module, pairs[0])[NAME], getattr(module, pairs[1])[NAME]) for module in tokens
    )


def _check_patterns(model: nn.Module, config: PeftConfig, adapter: Path) -> None:
    """Refuse patterns of module names that would take for ever to match, as a hostile configuration could hold.

    Raises:
        RepalignError: a pattern that is invalid, or slower than `SECONDS`.
    """
    patterns = [value for value in _texts(vars(config)) if re.search(r"[*+{].*[)\]}*+{]", value)]
    if not patterns:
        return
    names = [name for name, _ in model.named_modules()]
    script = (
        "import json, re, sys\npatterns, names = json.load(sys.stdin)\n"
        "for pattern in patterns:\n    for name in names:\n        re.fullmatch(pattern, name); re.match(rf'(.*\\.)?({pattern})$', name)"
    )
    try:
        subprocess.run(
            [sys.executable, "-I", "-c", script], input=json.dumps([patterns, names]), text=True, timeout=SECONDS,
            capture_output=True, check=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise RepalignError(
            f"{adapter}: a pattern of module names takes more than {SECONDS} s to match (e.g. {patterns[0][:60]!r}); list the modules"
        ) from error
    except subprocess.CalledProcessError as error:
        last = error.stderr.strip().splitlines()[-1]
        raise RepalignError(f"{adapter}: a pattern of module names is invalid ({last})") from error


def _texts(value: Any) -> Iterator[str]:
    """All texts in nested settings, keys of dictionaries included: PEFT reads them as patterns."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _texts(key) if isinstance(key, str) else ()
            yield from _texts(entry)
    elif isinstance(value, (list, tuple, set)):
        for entry in value:
            yield from _texts(entry)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """PEFT warns of what is checked here, and of settings that are deprecated elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
