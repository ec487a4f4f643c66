"""Language-specific neurons by LAPE, language activation probability entropy (Tang et al. 2024, arXiv 2402.16438)."""

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
from repalign.progress import Phase

DEFAULT_SHARE = 0.01
"""Share of all neurons that is selected: those with the lowest entropy."""

ACTIVE_QUANTILE = 0.95
"""A neuron is assigned to a language if its activation rate there is above this quantile of all rates."""


@dataclass(frozen=True)
class Neurons:
    """The selected neurons, one row per neuron and language it is assigned to; all arrays are [row].

    Attributes:
        layer: int64, from 1.
        neuron: int64, index in the layer.
        language: int64, index of the language.
        entropy: float64, of its activation rates over languages, divided by the maximum: 0 if active in one language
            only, 1 if equally in all.
        rate: float64, share of that language's tokens at which it is active.
        elsewhere: float64, mean of this share over the other languages.
    """

    layer: np.ndarray
    neuron: np.ndarray
    language: np.ndarray
    entropy: np.ndarray
    rate: np.ndarray
    elsewhere: np.ndarray


@torch.inference_mode()
def activation_rates(
    engine: Engine, tokens: Mapping[str, TokenRows], vocabulary: int, phase: Phase | None = None
) -> np.ndarray:
    """Share of a language's content tokens at which each neuron is active (above 0).

    Args:
        engine: of the model.
        tokens: language -> tokenised sentences.
        vocabulary: size of the output layer, which limits the batch size.
        phase: that counts sentences.

    Returns:
        float64 [layer, neuron, language].

    Raises:
        RepalignError: a block does not have exactly one MLP (mixtures of experts).
    """
    modules = [activation_of(block, layer) for layer, block in enumerate(engine.reader.blocks, start=1)]
    rates = []
    for rows in tokens.values():
        counts: list[Any] = [0] * len(modules)
        for batch, ids, content, real in batches(engine, rows, vocabulary):
            handles = [
                _watch(module, is_output, counts, layer, content)
                for layer, (module, is_output) in enumerate(modules)
            ]
            try:
                engine.reader.body(input_ids=ids, attention_mask=real.long(), use_cache=False)
            finally:
                for handle in handles:
                    handle.remove()
            if phase is not None:
                phase.update(len(batch))
        rates.append(np.stack([count.cpu().numpy() for count in counts]) / rows.counts.sum())
    return np.stack(rates, axis=-1)


def activation_of(block: nn.Module, layer: int) -> tuple[nn.Module, bool]:
    """The module whose values show whether a block's neurons are active, and whether in its output (else its input).

    A neuron of a gated MLP is active if its gate is, as in LAPE's code; any other neuron if its output is above 0.

    Raises:
        RepalignError: the block does not have exactly one MLP.
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


def language_neurons(
    rates: np.ndarray, share: float = DEFAULT_SHARE, active: float = ACTIVE_QUANTILE
) -> Neurons:
    """Select the neurons whose activity depends most on the language.

    Args:
        rates: float64 [layer, neuron, language], see `activation_rates`.
        share: of all neurons, between 0 and 1, that is selected.
        active: quantile of all rates that a neuron's rate must exceed to be assigned to a language.
    """
    sums = rates.sum(-1, keepdims=True)
    shares = np.divide(rates, sums, out=np.full_like(rates, 1 / rates.shape[-1]), where=sums > 0)
    entropy = -np.sum(shares * np.log(np.where(shares > 0, shares, 1)), axis=-1) / np.log(rates.shape[-1])
    threshold = np.quantile(rates, active)
    ranked = np.where((rates > threshold).any(-1), entropy, np.inf)
    count = min(round(share * ranked.size), int(np.isfinite(ranked).sum()))
    chosen = np.sort(np.argsort(ranked, axis=None, kind="stable")[:count])
    layer, neuron = np.unravel_index(chosen, ranked.shape)
    row, language = np.nonzero(rates[layer, neuron] > threshold)
    layer, neuron = layer[row], neuron[row]
    rate = rates[layer, neuron, language]
    elsewhere = (rates[layer, neuron].sum(-1) - rate) / (rates.shape[-1] - 1)
    return Neurons(layer + 1, neuron, language, entropy[layer, neuron], rate, elsewhere)
