"""Load-time checks that hooks return the model's real hidden states. Each check is independent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from repalign.errors import RepalignError
from repalign.models.hooks import LayerReader, find_axes, tensor_of


def check_layers(body: nn.Module, inputs: Mapping[str, Any], tolerance: float) -> None:
    """Refuse a model whose hooks do not return its hidden states: one pass to compare, two to swap the last layer.

    Layers 0..L-1 must equal the hidden states that the model itself returns, at every token but padding. Layer L,
    which the model returns only after the final norm, must determine the last states alone: swapping it between the
    sentences must swap the last states.

    Args:
        inputs: at least two sentences, input_ids and attention_mask.
        tolerance: largest difference, relative to the layer's largest state.

    Raises:
        RepalignError: names the first layer that differs, or why the model does not run.
    """
    name = type(body).__name__
    reader = LayerReader(body)
    arguments = {**inputs, "output_hidden_states": True}
    try:
        ours, output = reader.read(lambda hidden: hidden.float(), arguments, to_the_end=True)
    except (RepalignError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # models that need more than text fail in different ways
        reason = " ".join(str(error).split())
        raise RepalignError(
            f"{name} does not run on plain text: {type(error).__name__}: {reason}; repalign cannot read this model"
        ) from error
    if not getattr(output, "hidden_states", None):
        raise RepalignError(
            f"{name} returns no hidden states to check its layers against; repalign cannot read this model"
        )
    shape = inputs["input_ids"].shape
    theirs = [plain(states, *shape) for states in output.hidden_states]
    real = inputs["attention_mask"].bool()
    # Recurrent models (Mamba, RWKV) omit the input of block 1 and return block L before the norm instead.
    first = 0 if differ(ours[0], theirs[0], real) <= tolerance else 1
    returned = range(first, first + len(reader.blocks))
    if len(theirs) < len(returned):
        raise RepalignError(
            f"{name} returns {len(theirs)} hidden states for {len(returned)} blocks; repalign cannot read this model"
        )
    for layer, reference in zip(returned, theirs, strict=False):
        if (gap := differ(ours[layer], reference, real)) > tolerance:
            raise RepalignError(
                f"layer {layer} of {name} differs from output_hidden_states by {gap:.1e}; "
                "repalign cannot read this model"
            )
    _last_layer_decides(reader, inputs, tolerance)


def check_causal(body: nn.Module, inputs: Mapping[str, Any], tolerance: float) -> None:
    """Refuse a decoder whose states depend on later tokens.

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
        # The median over tokens: in half precision, rounding alone may route a few to other experts.
        if gap.median(dim=1).values.max() > tolerance:
            raise RepalignError(
                f"layer {layer} of {type(body).__name__}, read as a decoder, depends on later tokens; "
                "repalign cannot read this model"
            )


def differ(ours: Tensor, theirs: Tensor, real: Tensor) -> float:
    """Largest difference at real tokens, relative to the largest state or 1; [sentence, token, dim] each."""
    if ours.shape != theirs.shape:
        return float("inf")
    # In a model spread over devices, each layer is on the device of its block.
    ours, theirs = (states[real.to(states.device)].float().to(real.device) for states in (ours, theirs))
    return float((ours - theirs).abs().max() / theirs.abs().max().clamp_min(1.0))


def plain(hidden: Tensor, sentences: int, tokens: int) -> Tensor:
    """Hidden states as a model returns them, in the order [sentence, token, dim]."""
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
    unmasked = {**inputs, "attention_mask": mask}
    before = tensor_of(reader.body(**unmasked))
    handle = reader.blocks[-1].register_forward_hook(exchange)
    try:
        after = tensor_of(reader.body(**unmasked))
    finally:
        handle.remove()
    if differ(after.flip(0), before, mask.bool()) > tolerance:
        raise RepalignError(
            f"the last states of {type(reader.body).__name__} do not follow from block {len(reader.blocks)}; "
            "repalign cannot read this model"
        )
