"""The outline of a model: how many states it has and of which size, by its configuration alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from repalign.errors import RepalignError, reason
from repalign.models.engine import Engine
from repalign.models.loading import untrained
from repalign.models.quiet import quiet_transformers

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerBase

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outline:
    """What the shape of a model's states depends on.

    Attributes:
        layers: layer numbers that are read.
        blocks: number of blocks of the model.
        dim: of the hidden states.
    """

    layers: tuple[int, ...]
    blocks: int
    dim: int

    @classmethod
    def of(cls, engine: Engine) -> Outline:
        """That of a loaded model."""
        return cls(engine.layers, engine.n_blocks, engine.dim)


def outline(
    config: PretrainedConfig,
    tokenizer: PreTrainedTokenizerBase,
    *,
    stack: str = "auto",
    site: str = "resid",
    layers: Sequence[int] | None = None,
) -> Outline | None:
    """The outline of a model that is not loaded: one without numbers is made and run, of tensors that have a shape only.

    Args:
        config, tokenizer: of the model.
        stack, site: see `repalign.models.sites`.
        layers: layer numbers, by default all.

    Returns:
        None where a family cannot be run without its numbers; it has to be loaded then.

    Raises:
        RepalignError: a layer that the model does not have.
    """
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    try:
        with quiet_transformers(), _silent():
            with fake:
                model = untrained(
                    config, torch.bfloat16
                ).eval()  # in which mixtures of experts can be run this way
            engine = Engine.around(model, tokenizer, stack=stack, site=site, layers=layers)
            with torch.no_grad():
                inputs, _, _ = engine.inputs(engine.probe())
            with fake, torch.no_grad():
                states = engine.reader.run(lambda hidden: hidden, **inputs)
    except RepalignError:
        raise
    except Exception as error:  # of any family's code; it says nothing about the model with its numbers
        logger.debug("no outline of a %s model: %s", config.model_type, reason(error))
        return None
    return Outline(engine.layers, engine.n_blocks, states[0].shape[-1])


@contextmanager
def _silent() -> Iterator[None]:
    """Within it, torch reports nothing about what cannot be run without numbers."""
    torch_logger = logging.getLogger(FakeTensorMode.__module__)
    before, torch_logger.disabled = torch_logger.disabled, True
    try:
        yield
    finally:
        torch_logger.disabled = before
