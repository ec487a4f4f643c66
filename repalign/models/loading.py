"""From a checkpoint to a model and a tokenizer in memory."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr
from contextvars import ContextVar
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repalign.checkpoints.folder import SETTINGS, tokenizer_files, weight_files
from repalign.errors import RepalignError
from repalign.memory import check_fits
from repalign.models import gguf
from repalign.models.adapters import attach, detach, is_adapted, read_adapter_config, weights_given
from repalign.models.completeness import LoadReport, check_complete, say_unused
from repalign.models.devices import memory_of
from repalign.models.explaining import explained
from repalign.models.fingerprint import fingerprint
from repalign.models.locating import Weights
from repalign.models.quiet import quiet_transformers
from repalign.models.stacks import is_decoder_only, is_encoder_of_two
from repalign.models.tokenizer_limits import check_tokenizer

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

SIZE = re.compile(
    r"^(d_|n_embd|n_inner|dim$)|(vocab_size|hidden_size|intermediate_size|_dim|_heads|_experts|_ff)$"
)
"""Settings that are an axis of some weight: none can be larger than all weights together."""

PACKED = 50
"""How many times fewer weights than embeddings a file may hold, at most: eight in a number, or embeddings of a lower rank."""


def read_config(weights: Weights) -> PretrainedConfig:
    """The model's configuration.

    Raises:
        RepalignError: an architecture transformers does not know, or settings that it refuses.
    """
    import transformers

    with explained(f"cannot load {weights.checkpoint.name!r} from {weights.model}", weights.model):
        folder = _described_in(weights)
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
        config.get_text_config()
    return config


def read_tokenizer(weights: Weights) -> PreTrainedTokenizerBase:
    """The tokenizer saved with the weights, or with the base of an adapter.

    Raises:
        RepalignError: it cannot be read, or its vocabulary is not in the folder.
    """
    import transformers

    with explained(
        f"cannot load the tokenizer of {weights.checkpoint.name!r} from {weights.tokenizer}",
        weights.tokenizer,
    ):
        folder = _described_in(weights) if weights.tokenizer.is_file() else weights.tokenizer
        check_tokenizer(folder)
        # Without its vocabulary transformers refuses with a long guess, or makes a tokenizer of a few tokens.
        vocabulary = {path.name for path in tokenizer_files(folder)} - SETTINGS
        missing = RepalignError(
            f"{folder} has no vocabulary for its tokenizer (tokenizer.json, tokenizer.model, vocab.txt, ...); save the tokenizer there too"
        )
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        except (ValueError, OSError, TypeError, ImportError) as error:
            raise error if vocabulary else missing from error
        if tokenizer.vocab_files_names and not vocabulary:  # tokenizers of bytes and characters have no files
            raise missing
        model = getattr(getattr(tokenizer, "backend_tokenizer", None), "model", None)
        if dropout := getattr(model, "dropout", None):
            raise RepalignError(
                f"{folder / 'tokenizer.json'} splits words at random (dropout {dropout}), so that no number could be repeated; set its "
                "dropout to null"
            )
    return tokenizer


def quantization_of(weights: Weights, config: PretrainedConfig) -> str:
    """The quantisation that a model was saved in, e.g. "Q4_K_M" or "gptq"; empty for floating-point weights."""
    if weights.is_gguf:
        return gguf.quantization_of(_described_in(weights))
    saved = getattr(config, "quantization_config", None) or {}
    return str(
        saved.get("quant_method", "") if isinstance(saved, dict) else getattr(saved, "quant_method", "")
    )


def load_model(
    weights: Weights,
    config: PretrainedConfig,
    dtype: torch.dtype,
    device: str,
    *,
    stack: str = "decoder",
    head: bool = False,
) -> PreTrainedModel | PeftModel:
    """The model in evaluation mode, without gradients; only safetensors or GGUF, never remote code.

    Args:
        device: a torch device, or "all" to spread it over all available GPUs.
        stack: the stack that is used.
        head: whether the output layer is used, too; otherwise it may be missing.

    Raises:
        RepalignError: files that do not fit the architecture or lack a weight that is used, or an adapter that does not
            fit its base or changes nothing.
    """
    key = (weights.model, weights.checkpoint.twin, dtype, device)
    kept = _kept.get()
    name, adapter = weights.checkpoint.name, weights.adapter
    with quiet_transformers(), explained(f"cannot load {name!r} from {weights.model}", weights.model):
        loaded = _unchanged_base(kept, key) or load_base(weights, config, dtype, device)
    given: set[str] = set()
    if adapter is not None:
        with explained(f"cannot load {name!r} from {adapter}", adapter):
            given = weights_given(adapter)
    check_complete(loaded.model, loaded.report, weights.model, stack, head, given)
    if adapter is not None:
        with quiet_transformers(), explained(f"cannot load {name!r} from {adapter}", adapter):
            before = loaded.fingerprint or (fingerprint(loaded.model) if kept is not None else "")
            adapted = attach(loaded.model.eval(), adapter, read_adapter_config(adapter))
            loaded = Loaded(adapted, loaded.report, before)
    if kept is not None:
        kept[key] = loaded
    return loaded.model.eval().requires_grad_(False)


def _unchanged_base(kept: dict[tuple, Loaded] | None, key: tuple) -> Loaded | None:
    """The base that was loaded before, if no adapter has left it changed; forgets all others, whose memory is needed."""
    loaded = kept.pop(key, None) if kept else None
    if kept:
        kept.clear()
    if loaded is None or not is_adapted(loaded.model):
        return loaded
    # Some adapters change the base for good: saved modules, trained biases, PiSSA's residual weights.
    base = detach(loaded.model)
    unchanged = fingerprint(base) == loaded.fingerprint
    return Loaded(base, loaded.report, loaded.fingerprint) if unchanged else None


@dataclass
class Loaded:
    """A model in memory.

    Attributes:
        model: with or without an adapter.
        report: of its loading.
        fingerprint: of the base, taken before the first adapter was attached.
    """

    model: Any
    report: LoadReport
    fingerprint: str = ""


_kept: ContextVar[dict[tuple, Loaded] | None] = ContextVar("kept", default=None)


@contextmanager
def one_base() -> Iterator[None]:
    """Within it, checkpoints that share a base model load it once, and adapters are swapped on it.

    Loading a checkpoint changes the model loaded before it: finish reading one checkpoint before loading the next. A base
    that an adapter left changed, by its fingerprint, is loaded again.
    """
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def load_base(
    weights: Weights, config: PretrainedConfig, dtype: torch.dtype, device: str, **options: Any
) -> Loaded:
    """A model without adapter, and what its files lack; see `check_complete`.

    Args:
        options: for `from_pretrained`.

    Raises:
        RepalignError: files that do not fit the configuration.
    """
    import torch

    held = None if weights.is_gguf else _elements(weights)
    _check_memory(weights, config, held, dtype, device)
    if weights.checkpoint.twin is not None:
        with torch.random.fork_rng():
            torch.manual_seed(weights.checkpoint.twin)
            model = untrained(config, dtype)
        return Loaded(model.to(device), LoadReport(frozenset(), frozenset()))
    if held is not None:
        _check_size(weights, config, held)
    folder, file = _source(weights)
    if device == "all":
        options["device_map"] = "auto"
    if file:
        options |= {"config": config, **gguf.options()}
    # The converter of GGUF files shows a bar that no setting of transformers hides.
    with redirect_stderr(StringIO()) if file else nullcontext():
        model, info = _auto_class(config).from_pretrained(
            folder,
            dtype=dtype,
            trust_remote_code=False,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # refused below, with names and shapes
            **({} if file else {"use_safetensors": True}),
            **file,
            **options,
        )
    report = LoadReport.of(info, model, weights.model)
    say_unused(report, model, weights.model)
    if config.get_text_config() is not config and not config.is_encoder_decoder:
        logger.warning(
            "%s is a model of text and images: only its text part is read", weights.checkpoint.name
        )
    placed = device == "all" or (getattr(model, "is_quantized", False) and not file)
    return Loaded(model if placed else model.to(device), report)


def untrained(config: PretrainedConfig, dtype: torch.dtype) -> Any:
    """A model of a configuration with new weights, on the default device of torch."""
    kind = _auto_class(config)
    if hasattr(kind, "from_config"):
        return kind.from_config(config, dtype=dtype, trust_remote_code=False)
    return kind._from_config(config, dtype=dtype)  # a class of its own, which has no code to trust


def _described_in(weights: Weights) -> Path:
    """The folder with the configuration."""
    if not weights.is_gguf:
        return weights.model
    with quiet_transformers():
        return gguf.converted(weights.model, weights.digest)


def _source(weights: Weights) -> tuple[Any, dict[str, str]]:
    """The folder to load from, and the arguments that name a GGUF file in it."""
    if weights.is_gguf:
        return weights.model.parent, {"gguf_file": weights.model.name}
    return weights.model, {}


def _auto_class(config: PretrainedConfig) -> Any:
    """The class of transformers that loads a model with its output layer, or its text tower among others."""
    import transformers
    from transformers.models.auto import modeling_auto

    if is_encoder_of_two(config):
        return transformers.AutoModelForTextEncoding
    if config.is_encoder_decoder:
        return transformers.AutoModelForSeq2SeqLM
    if not is_decoder_only(config):
        return transformers.AutoModel
    if type(config) in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING:
        return transformers.AutoModelForCausalLM
    # The text part of a model of text and images, saved by itself, is in neither mapping (Llama 3.2 Vision, Emu 3).
    named = getattr(transformers, next(iter(config.architectures or ()), ""), None)
    if getattr(named, "config_class", None) is type(config):
        return named
    if type(config) in modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        return transformers.AutoModelForImageTextToText
    return transformers.AutoModelForCausalLM


def _check_memory(
    weights: Weights, config: PretrainedConfig, held: int | None, dtype: torch.dtype, device: str
) -> None:
    """Refuse a model that does not fit the machine, or the device, before it is loaded.

    Args:
        held: numbers in the files; None if they are not known, as in GGUF.

    Raises:
        RepalignError: says how much it needs, how much there is, and the ways out.
    """
    numbers = None if held is None or quantization_of(weights, config) else held
    need = weights.size if numbers is None else numbers * dtype.itemsize  # quantised: at least its files
    what = f"the weights of {weights.checkpoint.name!r} in {str(dtype).removeprefix('torch.')}"
    smaller = "--dtype bfloat16, " if dtype.itemsize > 2 and numbers is not None else ""
    # On its way to a GPU a model is in the machine's memory first; over several it is spread as it fits.
    for place in dict.fromkeys(() if device == "all" else ("cpu", device)):
        check_fits(
            need, memory_of(place), f"{what} on {place}", f"{smaller}a smaller model or a larger machine"
        )


def _check_size(weights: Weights, config: PretrainedConfig, held: int) -> None:
    """Refuse a configuration of a far larger model than its files hold, before memory is allocated for it.

    Raises:
        RepalignError: says how large both are.
    """
    settings = config.get_text_config().to_dict()
    sizes = {name: size for name, size in settings.items() if SIZE.search(name) and isinstance(size, int)}
    sizes["vocab_size x hidden_size"] = sizes.get("vocab_size", 0) * sizes.get("hidden_size", 0) // PACKED
    for name, size in sizes.items():
        if size > held:
            raise RepalignError(
                f"{weights.model / 'config.json'}: {name} is {size:,}, but the files hold {held:,} weights in all; "
                "the configuration is that of another model, or was edited"
            )


def _elements(weights: Weights) -> int:
    from safetensors import safe_open

    count = 0
    for path in weight_files(weights.model):
        with safe_open(path, framework="pt") as file:
            count += sum(math.prod(file.get_slice(key).get_shape()) for key in file.keys())  # noqa: SIM118
    return count
