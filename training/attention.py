"""Attention within the items of packed rows only: on a CPU, most of what a mask forbids would be computed all the same."""

from __future__ import annotations

from typing import Any

import torch

PACKED = "packed"
"""The value of `train.attention`, and the name under which transformers knows the function."""


def implementation(attention: str) -> str:
    """The name by which transformers knows `train.attention`; "packed" is sdpa where there is an accelerator."""
    if attention != PACKED:
        return attention
    if torch.accelerator.is_available():
        return "sdpa"
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(PACKED, packed_attention)
    AttentionMaskInterface.register(PACKED, sdpa_mask)  # for batches that are not packed
    return PACKED


def packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    position_ids: torch.Tensor | None = None,
    sliding_window: int | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """sdpa, for each item of packed rows by itself: the same as with a mask, in the squares of their lengths.

    Args:
        module: the model's attention.
        query, key, value: [row, head, token, dim].
        attention_mask: of all rows, as for sdpa; its entries between items are what is left out.
        position_ids: int64 [row, token]; where they restart at 0, an item begins.
        sliding_window: tokens that a position attends to; None for all.
        options: of transformers' attention functions.

    Returns:
        The output [row, token, head, dim], and no weights.
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    lengths = _lengths(query, key, position_ids) if getattr(module, "is_causal", True) else []
    if not lengths or (sliding_window is not None and max(lengths) > sliding_window):
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, sliding_window=sliding_window, **options
        )
    # Rows end to end, split and joined once: a slice of its own for each item would fill a gradient for all rows.
    queries, keys, values = (
        one.transpose(1, 2).flatten(0, 1).split(lengths)  # [token of all rows, head, dim] each
        for one in (query, key, value)
    )
    outputs = []
    for item in zip(queries, keys, values, strict=True):
        q, k, v = (part.transpose(0, 1)[None] for part in item)
        outputs.append(sdpa_attention_forward(module, q, k, v, None, **options)[0][0])
    return torch.cat(outputs).unflatten(0, (query.shape[0], query.shape[2])), None


def _lengths(query: torch.Tensor, key: torch.Tensor, position_ids: torch.Tensor | None) -> list[int]:
    """Tokens of the items of all rows, end to end; none if the rows are not packed, or not known to be."""
    rows, tokens = query.shape[0], query.shape[2]
    if position_ids is None or position_ids.shape != (rows, tokens) or key.shape[2] != tokens:
        return []
    first = position_ids == 0
    starts = first.flatten().nonzero().flatten().tolist()
    if not bool(first[:, 0].all()) or len(starts) == rows:
        return []
    return [end - start for start, end in zip(starts, [*starts[1:], rows * tokens], strict=True)]
