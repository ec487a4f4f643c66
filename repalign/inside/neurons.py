"""Neurons of a language: LAPE, language activation probability entropy (Tang et al. 2024, arXiv 2402.16438)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from repalign.models.anatomy import part_of
from repalign.models.engine import Engine
from repalign.models.hooks import tensor_of
from repalign.models.tokenization import TokenRows
from repalign.models.unembed import batches

CHOSEN = 0.01
"""Share of all neurons that is chosen: those of the lowest entropy."""

ACTIVE = 0.95
"""A neuron must be active, in a language that it is of, more often than this share of all rates."""


@dataclass(frozen=True)
class Neurons:
    """The chosen neurons, one row each; a neuron of two languages stands twice.

    Attributes:
        layer: int64, from 1.
        neuron: int64, its place in the layer.
        language: int64, which of the languages.
        entropy: of its activation rates over languages, by the greatest: 0 active in one language only, 1 in all alike.
        rate: share of that language's tokens it is active at.
        elsewhere: mean of the same share over the other languages.
    """

    layer: np.ndarray
    neuron: np.ndarray
    language: np.ndarray
    entropy: np.ndarray
    rate: np.ndarray
    elsewhere: np.ndarray


@torch.inference_mode()
def activation_rates(engine: Engine, tokens: Mapping[str, TokenRows], vocabulary: int) -> np.ndarray:
    """Share of a language's own tokens at which each neuron is active (above 0): float64 [layer, neuron, language].

    Raises:
        RepalignError: blocks without one MLP of their own (mixtures of experts).
    """
    places = [activation_of(block, layer) for layer, block in enumerate(engine.reader.blocks, start=1)]
    rates = []
    for rows in tokens.values():
        counts: list[Any] = [0] * len(places)
        for _, ids, content, real in batches(engine, rows, vocabulary):
            handles = [
                _watch(module, is_output, counts, layer, content)
                for layer, (module, is_output) in enumerate(places)
            ]
            try:
                engine.reader.body(input_ids=ids, attention_mask=real.long(), use_cache=False)
            finally:
                for handle in handles:
                    handle.remove()
        rates.append(np.stack([count.cpu().numpy() for count in counts]) / rows.counts.sum())
    return np.stack(rates, axis=-1)


def activation_of(block: nn.Module, layer: int) -> tuple[nn.Module, bool]:
    """Where a block's neurons show whether they are active: a module, and whether in its output or its input.

    A gated MLP's neuron is active when its gate is, as in LAPE's code; any other's when what it hands on is above 0.
    """
    down = part_of(block, "mlp-act", layer)
    for parent in block.modules():
        if any(child is down for child in parent.children()):
            gate = getattr(parent, "act_fn", None)
            if isinstance(gate, nn.Module) and hasattr(parent, "gate_proj"):
                return gate, True
    return down, False


def _watch(module: nn.Module, is_output: bool, counts: list[Any], layer: int, content: Tensor) -> Any:
    def count(values: Tensor) -> None:
        shaped = values.reshape(*content.shape, -1)
        counts[layer] = counts[layer] + (shaped[content.to(shaped.device)] > 0).sum(0).double()

    if is_output:
        return module.register_forward_hook(lambda module, args, output: count(tensor_of(output)))
    return module.register_forward_pre_hook(lambda module, args: count(args[0]))


def language_neurons(rates: np.ndarray, share: float = CHOSEN, active: float = ACTIVE) -> Neurons:
    """Choose the neurons whose activity depends most on the language.

    Args:
        rates: [layer, neuron, language], see `activation_rates`.
        share: of all neurons, how many to choose.
        active: quantile of all rates below which a neuron does not count as active in a language.
    """
    sums = rates.sum(-1, keepdims=True)
    shares = np.divide(rates, sums, out=np.full_like(rates, 1 / rates.shape[-1]), where=sums > 0)
    entropy = -np.sum(shares * np.log(np.where(shares > 0, shares, 1)), axis=-1) / np.log(rates.shape[-1])
    bar = np.quantile(rates, active)
    ranked = np.where((rates > bar).any(-1), entropy, np.inf)
    count = min(round(share * ranked.size), int(np.isfinite(ranked).sum()))
    chosen = np.sort(np.argsort(ranked, axis=None, kind="stable")[:count])
    layer, neuron = np.unravel_index(chosen, ranked.shape)
    which, language = np.nonzero(rates[layer, neuron] > bar)
    layer, neuron = layer[which], neuron[which]
    rate = rates[layer, neuron, language]
    elsewhere = (rates[layer, neuron].sum(-1) - rate) / (rates.shape[-1] - 1)
    return Neurons(layer + 1, neuron, language, entropy[layer, neuron], rate, elsewhere)
