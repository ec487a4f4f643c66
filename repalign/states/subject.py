"""The model whose states are read: a checkpoint on disk, or a model and its tokenizer in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repalign.checkpoints import CheckpointLike, as_checkpoint
from repalign.errors import RepalignError
from repalign.models.anatomy import positions_of
from repalign.models.devices import pick_device, pick_dtype
from repalign.models.engine import Engine
from repalign.models.languages import ModelLanguage, ModelLanguages
from repalign.models.loading import quantization_of, read_config, read_tokenizer
from repalign.models.locating import locate
from repalign.models.outline import Outline, outline
from repalign.models.stacks import is_causal, pick_stack
from repalign.progress import Phase
from repalign.states.spec import Machine, ReadingSpec

if TYPE_CHECKING:
    import torch

DEFAULT_MAX_LENGTH = 2048
"""Maximum tokens per sentence by default, unless the model's limit is lower."""


@dataclass
class Subject:
    """A model to read; its weights are loaded when `engine` is first used.

    Attributes:
        name: of the checkpoint, as in tables.
        spec: what is read.
        weights: digest of the weights, as hex.
        tokenizer_digest: as hex.
        config: of the model.
        tokenizer: of the model.
        dtype: in which the model runs.
        load: returns the engine.
        on_disk: whether the states may be stored; a model in memory can change unnoticed.
        quantization: in which the weights were saved; empty for floating-point weights.
        progress: whether loading shows signs of life.
        size: bytes of the weights on disk; 0 for a model in memory.
        store_dtype: in which its states are stored, if they are.
    """

    name: str
    spec: ReadingSpec
    weights: str
    tokenizer_digest: str
    config: Any
    tokenizer: Any
    dtype: str
    load: Callable[[], Engine]
    on_disk: bool = True
    quantization: str = ""
    progress: bool = True
    size: int = 0
    store_dtype: str = "float32"

    @cached_property
    def engine(self) -> Engine:
        with Phase(f"{self.name}: loading the model", shown=self.progress):
            return self.load()

    @cached_property
    def outline(self) -> Outline:
        """How many layers there are and how large; loads the model only where its configuration cannot say.

        Raises:
            RepalignError: a layer that the model does not have.
        """
        spec = self.spec
        by_configuration = outline(
            self.config, self.tokenizer, stack=spec.stack, site=spec.site, layers=spec.layers
        )
        return by_configuration or Outline.of(self.engine)

    @cached_property
    def stack(self) -> str:
        """The stack that is read: encoder or decoder."""
        return pick_stack(self.config, self.spec.stack)

    @property
    def causal(self) -> bool:
        """Whether a token's state is independent of the tokens after it."""
        return is_causal(self.config, self.stack)

    @property
    def is_second_stack(self) -> bool:
        """Whether the stack that is read is the decoder of an encoder-decoder."""
        return self.config.is_encoder_decoder and self.stack == "decoder"

    @cached_property
    def positions(self) -> int | None:
        """Tokens of a sentence that the model can read, or None if it has no limit."""
        positions = positions_of(self.config)
        return None if positions is None else positions - self.is_second_stack  # its decoder's start token

    @cached_property
    def max_length(self) -> int:
        """Maximum tokens per sentence."""
        limits = (self.spec.max_length or DEFAULT_MAX_LENGTH, self.positions)
        return min(limit for limit in limits if limit is not None)

    @cached_property
    def languages(self) -> ModelLanguages | None:
        """Those of a model that expects the language of each sentence; None for one that only reads text."""
        return ModelLanguages.of(self.config, self.tokenizer)

    def in_model(self, language: str) -> ModelLanguage | None:
        """A language of the corpus as the model expects it; None if it only reads text.

        Raises:
            RepalignError: the model has no such language.
        """
        return self.languages.match(language) if self.languages else None

    def reading(self, spec: ReadingSpec) -> dict[str, str]:
        """How states are read: part of the signature and of the key in the store."""
        return {
            "template": spec.template,
            "pooling": spec.pooling_name,
            "site": "decoder-" * self.is_second_stack + spec.site,
            "dtype": self.dtype,
        }


def open_subject(
    checkpoint: CheckpointLike, spec: ReadingSpec, machine: Machine, head: bool = False
) -> Subject:
    """The model to read, checked but not loaded.

    Args:
        head: whether its output layer is used, too.

    Raises:
        RepalignError: no checkpoint of that name, files that cannot be read, or something that is not a checkpoint.
    """
    if isinstance(checkpoint, tuple):
        return _in_memory(*_model_and_tokenizer(checkpoint), spec, machine)
    weights = locate(as_checkpoint(checkpoint))
    with Phase(f"{weights.checkpoint.name}: loading the tokenizer", shown=machine.progress):
        config, tokenizer = read_config(weights), read_tokenizer(weights)
    return Subject(
        name=weights.checkpoint.name,
        spec=spec,
        weights=weights.digest,
        tokenizer_digest=weights.tokenizer_digest,
        config=config,
        tokenizer=tokenizer,
        dtype=pick_dtype(weights, machine.dtype, pick_device(machine.device)),
        load=lambda: Engine.open(
            weights,
            dtype=machine.dtype,
            device=machine.device,
            stack=spec.stack,
            site=spec.site,
            layers=spec.layers,
            batch_tokens=machine.batch_tokens,
            head=head,
        ),
        quantization=quantization_of(weights, config),
        progress=machine.progress,
        size=weights.size,
        store_dtype=machine.store_dtype,
    )


def _model_and_tokenizer(pair: tuple[Any, ...]) -> tuple[Any, Any]:
    from transformers import PreTrainedTokenizerBase

    if len(pair) == 2 and hasattr(pair[0], "config") and isinstance(pair[1], PreTrainedTokenizerBase):
        return pair[0], pair[1]
    got = ", ".join(type(part).__name__ for part in pair)
    raise RepalignError(f"a model in memory is given as (model, tokenizer) of transformers; got ({got})")


def _in_memory(model: Any, tokenizer: Any, spec: ReadingSpec, machine: Machine) -> Subject:
    dtype = str(model.dtype).removeprefix("torch.")
    device = str(next(model.parameters()).device)
    if machine.dtype not in ("auto", dtype):
        raise RepalignError(
            f"the model in memory is {dtype}; convert it first: model.to(torch.{machine.dtype})"
        )
    if machine.device not in ("auto", device, device.partition(":")[0]):
        raise RepalignError(
            f"the model in memory is on {device}; move it first: model.to({machine.device!r})"
        )
    origin = Path(getattr(model.config, "_name_or_path", "") or type(model).__name__)

    def load() -> Engine:
        budget = {"batch_tokens": machine.batch_tokens} if machine.batch_tokens else {}
        engine = Engine.around(
            model, tokenizer, stack=spec.stack, site=spec.site, layers=spec.layers, **budget
        )
        with evaluating(model):
            engine.check(origin.name)
        return engine

    return Subject(
        name=origin.name,
        spec=spec,
        weights=_digest_of(model),
        tokenizer_digest="",
        config=model.config,
        tokenizer=tokenizer,
        dtype=dtype,
        load=load,
        on_disk=False,
        progress=machine.progress,
        store_dtype=machine.store_dtype,
    )


@contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Within it, dropout is off; afterwards the modes are as before."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def _digest_of(model: torch.nn.Module) -> str:
    """SHA-256 over names and contents of all parameters and buffers, as hex."""
    import torch

    sha = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        sha.update(name.encode())
        sha.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()
