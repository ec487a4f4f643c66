"""Pooling: from the states of a sentence's tokens to one vector, in float32, on the device of the states."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from repalign.registry import Registry

Pooling = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(hidden float32 [sentence, token, dim], content bool [sentence, token], real bool [sentence, token])
-> float32 [sentence, dim]. `content` marks the sentence's own tokens, `real` every token that is not padding."""

POOLINGS: Registry[Pooling] = Registry("pooling")


@POOLINGS.register("mean")
def mean(hidden: Tensor, content: Tensor, real: Tensor) -> Tensor:
    """Mean over the sentence's own tokens: no BOS, EOS or other special token, no padding, no template."""
    return _weighted(hidden, content.to(hidden.dtype))


@POOLINGS.register("mean-all")
def mean_all(hidden: Tensor, content: Tensor, real: Tensor) -> Tensor:
    """Mean over every token that is not padding, BOS and template included: shows what the BOS token does."""
    return _weighted(hidden, real.to(hidden.dtype))


@POOLINGS.register("last")
def last(hidden: Tensor, content: Tensor, real: Tensor) -> Tensor:
    """The sentence's last own token (often the full stop: at the embedding layer all sentences tie)."""
    positions = torch.arange(content.shape[1], device=content.device)
    final = (positions * content).argmax(dim=1)
    return hidden[torch.arange(len(hidden), device=hidden.device), final]


@POOLINGS.register("weighted")
def weighted(hidden: Tensor, content: Tensor, real: Tensor) -> Tensor:
    """Position-weighted mean of every token but padding, BOS included, weights 1, 2, 3, ...: MEXA's (2410.05873), SGPT's."""
    return _weighted(hidden, real.to(hidden.dtype).cumsum(dim=1) * real)


@POOLINGS.register("max")
def maximum(hidden: Tensor, content: Tensor, real: Tensor) -> Tensor:
    """Largest value of each dim over the sentence's own tokens."""
    return hidden.masked_fill(~content.unsqueeze(-1), -torch.inf).amax(dim=1)


def _weighted(hidden: Tensor, weights: Tensor) -> Tensor:
    # Divided by the sum of the mask, never by the padded length: a vector must not depend on its companions.
    weights = weights / weights.sum(dim=1, keepdim=True)
    return torch.bmm(weights.unsqueeze(1), hidden).squeeze(1)
