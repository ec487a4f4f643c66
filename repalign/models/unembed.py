"""From a hidden state to the next word: the last part of a causal language model, on its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from repalign.errors import RepalignError
from repalign.models.batching import pad, plan
from repalign.models.engine import TOLERANCE, Engine
from repalign.models.hooks import tensor_of
from repalign.models.tokenization import TokenRows

LOGITS = 1 << 26
"""Logits held at once: 256 MiB in float32."""

CAPS = ("final_logit_softcapping", "logits_soft_cap", "output_logit_soft_cap")
"""How Gemma 2, RecurrentGemma and xLSTM call the most that a logit may be."""


@dataclass(frozen=True)
class Decoder:
    """What lies between the last block and the logits: `decoder(hidden)` is the logit lens (nostalgebraist 2020).

    Attributes:
        after: modules that the last block's output goes through, most often one norm.
        head: the output layer.
        scale: the logits are multiplied by it (Cohere, Granite).
        cap: the logits are squeezed into plus and minus this (see `CAPS`), or None.
    """

    after: tuple[nn.Module, ...]
    head: nn.Module
    scale: float
    cap: float | None

    def __call__(self, hidden: Tensor) -> Tensor:
        """Logits float32 [..., token of the vocabulary] of states [..., dim]."""
        for module in self.after:
            hidden = module(hidden)
        logits = self.head(hidden).float() * self.scale
        return logits if self.cap is None else self.cap * torch.tanh(logits / self.cap)

    @property
    def vocabulary(self) -> int:
        return int(self.head.weight.shape[0])  # type: ignore[arg-type]


@torch.inference_mode()
def find_decoder(engine: Engine) -> Decoder:
    """The decoder of a loaded model, checked: from the last block's states it makes the model's own logits.

    Raises:
        RepalignError: no causal language model, or one that does more between its last block and its logits.
    """
    model: Any = engine.model
    head = model.get_output_embeddings()
    if not engine.causal or head is None:
        raise RepalignError(
            f"{type(model).__name__} predicts no next token; only causal language models can be looked into"
        )
    body, blocks = engine.reader.body, engine.reader.blocks
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
    inputs, _, _ = engine.inputs(engine.probe())
    try:
        expected = model(**inputs).logits.float()
    finally:
        for handle in handles:
            handle.remove()
    config = model.config.get_text_config()
    decoder = Decoder(
        after=_outermost(after),
        head=head,
        scale=getattr(config, "logit_scale", None) or 1 / (getattr(config, "logits_scaling", None) or 1),
        cap=next((cap for name in CAPS if (cap := getattr(config, name, None))), None),
    )
    try:
        found = decoder(last[0])
    except (TypeError, RuntimeError):  # states of another shape: several streams, a mixer
        found = None
    largest = max(1.0, float(expected.abs().max()))
    if found is None or not torch.allclose(found, expected, atol=TOLERANCE[engine.dtype] * largest):
        raise RepalignError(
            f"{type(model).__name__} does more between its last block and its logits than norm and output layer; "
            "its layers cannot be read as words"
        )
    return decoder


def _outermost(modules: Iterable[nn.Module]) -> tuple[nn.Module, ...]:
    """Without those that are parts of another."""
    parts = {part for module in modules for part in module.modules() if part is not module}
    return tuple(module for module in modules if module not in parts)


def batches(engine: Engine, rows: TokenRows, vocabulary: int) -> list[tuple[Any, Tensor, Tensor, Tensor]]:
    """Batches of sentences on the engine's device, few enough at a time that their logits fit.

    Returns:
        (row numbers, ids int64 [sentence, token], content bool, real bool) a batch.
    """
    budget = min(engine.batch_tokens, max(64, LOGITS // vocabulary))
    found = []
    for batch in plan(rows.ids.lengths.tolist(), budget):
        ids, content, real = pad([rows[row] for row in batch], 0, 0)
        found.append((batch, *(tensor.to(engine.device) for tensor in (ids, content, real))))
    return found
