"""Unembedding: from hidden states to logits, the last part of a causal language model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from repalign.errors import RepalignError
from repalign.models.batching import plan
from repalign.models.engine import TOLERANCE, Engine
from repalign.models.hooks import tensor_of
from repalign.models.tokenization import TokenRows

MAX_LOGITS = 1 << 26
"""Logits in memory at once: 256 MiB in float32."""

SOFTCAP_SETTINGS = ("final_logit_softcapping", "logits_soft_cap", "output_logit_soft_cap")
"""Names of the soft cap on logits in the configurations of Gemma 2, RecurrentGemma and xLSTM."""


@dataclass(frozen=True)
class Unembed:
    """Everything between the last block and the logits; `unembed(hidden)` is the logit lens (nostalgebraist 2020).

    Attributes:
        after: modules that the last block's output passes through, usually one norm.
        head: the output layer.
        scale: factor of the logits (Cohere, Granite).
        cap: soft cap on the absolute logits (see `SOFTCAP_SETTINGS`), or None.
    """

    after: tuple[nn.Module, ...]
    head: nn.Module
    scale: float
    cap: float | None

    def __call__(self, hidden: Tensor) -> Tensor:
        """Logits, float32 [..., vocabulary], of hidden states [..., dim]."""
        for module in self.after:
            hidden = module(hidden)
        logits = self.head(hidden).float() * self.scale
        return logits if self.cap is None else self.cap * torch.tanh(logits / self.cap)

    @property
    def vocabulary(self) -> int:
        """Number of logits."""
        return int(self.head.weight.shape[0])  # type: ignore[arg-type]


@torch.inference_mode()
def find_unembed(engine: Engine) -> Unembed:
    """The unembedding of a loaded model, verified: applied to the last block's states it gives the model's logits.

    Raises:
        RepalignError: not a causal language model, or one that does more between its last block and its logits.
    """
    model: Any = engine.model
    head = model.get_output_embeddings()
    if not engine.causal or head is None:
        raise RepalignError(
            f"{type(model).__name__} does not predict a next token; only causal language models have a logit lens"
        )
    inputs, _, _ = engine.inputs(engine.probe())
    after, last, output = find_ending(engine.reader.body, engine.reader.blocks, lambda: model(**inputs))
    expected = output.logits.float()
    config = model.config.get_text_config()
    unembed = Unembed(
        after=after,
        head=head,
        scale=getattr(config, "logit_scale", None) or 1 / (getattr(config, "logits_scaling", None) or 1),
        cap=next((cap for name in SOFTCAP_SETTINGS if (cap := getattr(config, name, None))), None),
    )
    try:
        logits = unembed(last)
    except (TypeError, RuntimeError):  # states of another shape: several streams, a mixer
        logits = None
    largest = max(1.0, float(expected.abs().max()))
    if logits is None or not torch.allclose(logits, expected, atol=TOLERANCE[engine.dtype] * largest):
        raise RepalignError(
            f"{type(model).__name__} computes more between its last block and its logits than a norm and the output "
            "layer; the logit lens cannot be applied"
        )
    return unembed


class Ending(NamedTuple):
    """What a forward pass does after the last block.

    Attributes:
        after: modules of the body that run after it, in order, without those that are part of another.
        last: the last block's output.
        output: of the pass.
    """

    after: tuple[nn.Module, ...]
    last: Tensor
    output: Any


def find_ending(body: nn.Module, blocks: Sequence[nn.Module], forward: Callable[[], Any]) -> Ending:
    """What follows the last block, observed in one forward pass through the body."""
    last: list[Tensor] = []
    states: list[Tensor] = []
    after: dict[nn.Module, None] = {}

    def note(module: nn.Module, args: tuple, output: Any) -> None:
        if last and not states:
            after[module] = None

    within = {part for block in blocks for part in block.modules()}
    outside = [m for m in body.modules() if m is not body and not within.intersection(m.modules())]
    handles = [module.register_forward_hook(note) for module in outside]
    handles += [
        blocks[-1].register_forward_hook(lambda module, args, output: last.append(tensor_of(output))),
        body.register_forward_hook(lambda module, args, output: states.append(tensor_of(output))),
    ]
    try:
        output = forward()
    finally:
        for handle in handles:
            handle.remove()
    return Ending(_outermost(after), last[0], output)


def _outermost(modules: Iterable[nn.Module]) -> tuple[nn.Module, ...]:
    """Without modules that are parts of another one."""
    parts = {part for module in modules for part in module.modules() if part is not module}
    return tuple(module for module in modules if module not in parts)


def batches(engine: Engine, rows: TokenRows, vocabulary: int) -> list[tuple[Any, Tensor, Tensor, Tensor]]:
    """Batches of sentences on the engine's device, small enough that their logits fit into memory.

    Args:
        engine: for its device and token budget.
        rows: tokenised sentences.
        vocabulary: number of logits per token.

    Returns:
        Per batch: row numbers int64 [sentence], ids int64 [sentence, token], and masks of content and real tokens,
        bool [sentence, token].
    """
    budget = min(engine.batch_tokens, max(64, MAX_LOGITS // vocabulary))
    planned = plan(rows.ids.lengths.tolist(), budget)
    return [(batch, *engine.padded([rows[row] for row in batch])) for batch in planned]
