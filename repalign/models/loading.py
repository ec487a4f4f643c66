"""From a checkpoint to a model and a tokenizer in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repalign.checkpoints.checkpoint import Checkpoint
from repalign.checkpoints.weights import ADAPTER, TOKENIZER_FILES, fetch, tokenizer_digest, weights_digest
from repalign.errors import RepalignError
from repalign.models.quiet import quiet_transformers
from repalign.signature import digest

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

CAUSAL_ENDINGS = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")


@dataclass(frozen=True)
class Weights:
    """Where the files of a checkpoint are, before it is loaded.

    Attributes:
        model: folder with the (base) model.
        adapter: folder with a PEFT adapter, or None.
        tokenizer: folder with the tokenizer.
        digest: of weights and adapter (and of the seed, for a random twin), as hex.
        tokenizer_digest: as hex.
    """

    checkpoint: Checkpoint
    model: Path
    adapter: Path | None
    tokenizer: Path
    digest: str
    tokenizer_digest: str


def locate(checkpoint: Checkpoint) -> Weights:
    """Find and check all files of a checkpoint, without loading any.

    Raises:
        RepalignError: see `weights.fetch`; or an adapter whose base is missing.
    """
    folder = fetch(checkpoint)
    if not (folder / ADAPTER).is_file():
        weights = weights_digest(folder)
        if checkpoint.twin is not None:
            weights = digest(["random", str(checkpoint.twin), (folder / "config.json").read_bytes()])
        return Weights(checkpoint, folder, None, folder, weights, tokenizer_digest(folder))
    try:
        base_name = json.loads((folder / ADAPTER).read_text()).get("base_model_name_or_path")
    except (ValueError, AttributeError) as error:
        raise RepalignError(f"{folder / ADAPTER} is damaged ({error}); save the adapter again") from error
    try:
        base = fetch(Checkpoint.named(_beside(folder, base_name)))
    except RepalignError as error:
        raise RepalignError(f"the base of adapter {folder} is missing: {error}") from error
    if (
        checkpoint.twin is not None
    ):  # an adapter on random weights means nothing: the twin is that of the base
        return locate(replace(checkpoint, location=str(base)))
    has_tokenizer = any((folder / name).is_file() for name in TOKENIZER_FILES)
    tokenizer = folder if has_tokenizer else base
    both = digest([weights_digest(base), weights_digest(folder)])
    return Weights(checkpoint, base, folder, tokenizer, both, tokenizer_digest(tokenizer))


def read_config(weights: Weights) -> PretrainedConfig:
    """The model's configuration.

    Raises:
        RepalignError: an architecture transformers does not know.
    """
    import transformers

    with _explained(weights, weights.model):
        return transformers.AutoConfig.from_pretrained(weights.model, trust_remote_code=False)


def read_tokenizer(weights: Weights) -> PreTrainedTokenizerBase:
    """The tokenizer saved with the weights, or with the base of an adapter."""
    import transformers

    with _explained(weights, weights.tokenizer):
        return transformers.AutoTokenizer.from_pretrained(weights.tokenizer, trust_remote_code=False)


def pick_stack(config: PretrainedConfig, stack: str = "auto") -> str:
    """Which stack is read: "decoder", or "encoder" for encoders and, by default, for encoder-decoders.

    Raises:
        RepalignError: a stack the model does not have.
    """
    stacks = (
        ["encoder", "decoder"]
        if config.is_encoder_decoder
        else ["decoder" if _is_causal(config) else "encoder"]
    )
    if stack == "auto":
        return stacks[0]
    if stack not in stacks:
        raise RepalignError(f"a {config.model_type} model has no {stack} side; it has {' and '.join(stacks)}")
    return stack


def is_causal(config: PretrainedConfig, stack: str) -> bool:
    """Whether a token's state is independent of the tokens after it, so that these need not be read.

    This does not hold for the decoder of an encoder-decoder, whose encoder has read all tokens.
    """
    return stack == "decoder" and not config.is_encoder_decoder


def load_model(
    weights: Weights, config: PretrainedConfig, dtype: torch.dtype, device: str
) -> PreTrainedModel | PeftModel:
    """The model in evaluation mode, without gradients; only safetensors, never remote code.

    Args:
        device: a torch device, or "all" to spread it over all available GPUs.

    Raises:
        RepalignError: files that do not fit the architecture, or an adapter that does not fit its base.
    """
    key = (weights.model, weights.checkpoint.twin, dtype, device)
    kept = _kept.get()
    model = kept.pop(key, None) if kept is not None else None
    if kept:
        kept.clear()  # another base: the old one's memory is needed
    if model is None:
        with quiet_transformers(), _explained(weights, weights.model):
            model = _build(weights, config, dtype, device)
    elif hasattr(model, "peft_config"):
        model = model.unload()
    if weights.adapter is not None:
        from peft import PeftModel

        with quiet_transformers(), _explained(weights, weights.adapter):
            model = PeftModel.from_pretrained(model, str(weights.adapter))
    if kept is not None:
        kept[key] = model
    return model.eval().requires_grad_(False)


_kept: ContextVar[dict[tuple, Any] | None] = ContextVar("kept", default=None)


@contextmanager
def one_base() -> Iterator[None]:
    """Within it, checkpoints that share a base model load it once, and adapters are swapped on it.

    Loading a checkpoint changes the model loaded before it: finish reading one checkpoint before loading the next.
    """
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def _build(weights: Weights, config: PretrainedConfig, dtype: torch.dtype, device: str) -> PreTrainedModel:
    import torch
    import transformers

    if config.is_encoder_decoder:
        auto: Any = transformers.AutoModelForSeq2SeqLM
    elif _is_causal(config):
        auto = transformers.AutoModelForCausalLM
    else:
        auto = transformers.AutoModel
    if weights.checkpoint.twin is not None:
        with torch.random.fork_rng():
            torch.manual_seed(weights.checkpoint.twin)
            return auto.from_config(config, dtype=dtype, trust_remote_code=False).to(device)
    placement = {"device_map": "auto"} if device == "all" else {}
    model, info = auto.from_pretrained(
        weights.model,
        dtype=dtype,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
        **placement,
    )
    # transformers initialises missing weights at random: fine for an unused head or pooler, never inside a block.
    if absent := sorted(key for key in info["missing_keys"] if re.search(r"\.\d+\.", key)):
        raise RepalignError(
            f"{len(absent)} weights of {type(model).__name__} are not in {weights.model}, e.g. {absent[0]}; "
            "the files belong to another architecture or are incomplete"
        )
    return model if placement else model.to(device)


def _is_causal(config: PretrainedConfig) -> bool:
    """Decoder-only by its architecture's name and settings: BERT, too, is in transformers' causal mapping."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    )

    masked = config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    two_ways = masked or getattr(config, "attn_type", "") == "bi"  # XLNet's
    if two_ways and not (getattr(config, "is_decoder", False) or getattr(config, "causal", False)):
        return False
    names = config.architectures or ()
    if names:
        return any(name.endswith(CAUSAL_ENDINGS) for name in names)
    return config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES


def _beside(adapter: Path, base: str | None) -> str:
    """An adapter may name its base by a path relative to its own folder."""
    if not base:
        raise RepalignError(f"{adapter / ADAPTER} names no base model")
    relative = adapter / base
    return str(relative) if relative.is_dir() else base


@contextmanager
def _explained(weights: Weights, folder: Path) -> Iterator[None]:
    """Converts errors of transformers and PEFT about unsuitable files into one line that names the files."""
    from safetensors import SafetensorError

    try:
        yield
    except (ValueError, OSError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise RepalignError(
            f"cannot load {weights.checkpoint.name!r} from {folder}: {reason.strip()}"
        ) from error
