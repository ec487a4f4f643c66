"""Checks at load that a model's layers are what they are taken for. None trusts another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from repalign.errors import RepalignError
from repalign.models.hooks import LayerReader, find_axes, tensor_of


def check_layers(body: nn.Module, inputs: Mapping[str, Any], tolerance: float) -> None:
    """Refuse a model whose hooks do not show its hidden states: one pass to compare, two to exchange.

    Layers 0..L-1 must equal what the model itself calls its hidden states, at every token but padding. Layer
    L, which it only shows after the final norm, must decide the last state alone: exchange it between the
    sentences, and the last states are exchanged.

    Args:
        inputs: at least two sentences, input_ids and attention_mask.
        tolerance: largest difference, relative to the layer's largest state.

    Raises:
        RepalignError: names the first layer that differs, or why the model does not run.
    """
    name = type(body).__name__
    reader = LayerReader(body)
    asking = {**inputs, "output_hidden_states": True}
    try:
        ours, output = reader.read(lambda hidden: hidden.float(), asking, to_the_end=True)
    except (RepalignError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # what a model misses beside text, each says in its own way
        said = " ".join(str(error).split())
        raise RepalignError(
            f"{name} does not run on plain text: {type(error).__name__}: {said}; repalign cannot read this model"
        ) from error
    if not getattr(output, "hidden_states", None):
        raise RepalignError(
            f"{name} gives no hidden states to check its layers against; they cannot be trusted"
        )
    shape = inputs["input_ids"].shape
    theirs = [plain(states, *shape) for states in output.hidden_states]
    real = inputs["attention_mask"].bool()
    # Recurrent models (Mamba, RWKV) leave out the input of block 1 and show block L before the norm instead.
    first = 0 if differ(ours[0], theirs[0], real) <= tolerance else 1
    shown = range(first, first + len(reader.blocks))
    if len(theirs) < len(shown):
        raise RepalignError(
            f"{name} shows {len(theirs)} hidden states for {len(shown)} blocks; repalign cannot read it"
        )
    for layer, reference in zip(shown, theirs, strict=False):
        if (gap := differ(ours[layer], reference, real)) > tolerance:
            raise RepalignError(
                f"layer {layer} of {name} differs from output_hidden_states by {gap:.1e}; "
                "repalign cannot read this model"
            )
    _last_layer_decides(reader, inputs, tolerance)


def check_causal(body: nn.Module, inputs: Mapping[str, Any], tolerance: float) -> None:
    """Refuse to take a model for a decoder whose states depend on later tokens.

    Raises:
        RepalignError: names the first such layer.
    """
    ids, mask = inputs["input_ids"], torch.ones_like(inputs["attention_mask"])
    half = ids.shape[1] // 2
    changed = torch.cat([ids[:, :half], ids[:, half:].roll(1, 0)], dim=1)
    both = [
        LayerReader(body).run(
            lambda hidden: hidden[:, :half].float(), **{**inputs, "input_ids": tokens, "attention_mask": mask}
        )
        for tokens in (ids, changed)
    ]
    for layer, (one, other) in enumerate(zip(*both, strict=True)):
        gap = (one - other).norm(dim=-1) / other.norm(dim=-1).clamp_min(1e-12)
        # A sentence's median token: in half precision rounding alone may send a few to other experts.
        if gap.median(dim=1).values.max() > tolerance:
            raise RepalignError(
                f"layer {layer} of {type(body).__name__}, taken for a decoder, depends on later tokens; "
                "repalign cannot read this model"
            )


def differ(ours: Tensor, theirs: Tensor, real: Tensor) -> float:
    """Largest difference at real tokens, relative to the largest state or 1; [sentence, token, dim] each."""
    if ours.shape != theirs.shape:
        return float("inf")
    # A model spread over devices gives each layer where its block lies.
    ours, theirs = (states[real.to(states.device)].float().to(real.device) for states in (ours, theirs))
    return float((ours - theirs).abs().max() / theirs.abs().max().clamp_min(1.0))


def plain(hidden: Tensor, sentences: int, tokens: int) -> Tensor:
    """[sentence, token, dim] of hidden states as a model gives them."""
    return hidden.movedim(find_axes(hidden, sentences, tokens), (0, 1)).flatten(2)


def _last_layer_decides(reader: LayerReader, inputs: Mapping[str, Any], tolerance: float) -> None:
    sentence, _ = reader.axes or (0, 1)

    def exchange(module: nn.Module, args: tuple, output: Any) -> Any:
        swapped = tensor_of(output).flip(sentence)
        if isinstance(output, Tensor):
            return swapped
        remake = getattr(output, "_make", type(output))
        return remake((swapped, *output[1:]))

    mask = torch.ones_like(inputs["attention_mask"])
    whole = {**inputs, "attention_mask": mask}
    before = tensor_of(reader.body(**whole))
    handle = reader.blocks[-1].register_forward_hook(exchange)
    try:
        after = tensor_of(reader.body(**whole))
    finally:
        handle.remove()
    if differ(after.flip(0), before, mask.bool()) > tolerance:
        raise RepalignError(
            f"the last states of {type(reader.body).__name__} do not follow from block {len(reader.blocks)}; "
            "repalign cannot read this model"
        )
