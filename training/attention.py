"""Attention within the items of packed rows only: on a CPU, most of what a mask forbids would be computed all the same."""

from __future__ import annotations

from typing import Any

import torch

PACKED = "packed"
"""The value of `train.attention`, and the name under which transformers knows the function."""

SHORT = 256
"""Tokens of an item up to which matrix products, which need the square of it in memory, are faster than sdpa on a CPU: its backward
pass runs on as many threads as there are key heads.
"""


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
    """Attention of each item of packed rows by itself: the same as sdpa's with a mask, in the squares of their lengths.

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
    scaling = _plain_scaling(query.shape[-1], **options)
    outputs = []
    for q, k, v in zip(queries, keys, values, strict=True):
        if scaling is not None and len(q) <= SHORT:
            outputs.append(_Attention.apply(q, k, v, scaling))
        else:
            q, k, v = (part.transpose(0, 1)[None] for part in (q, k, v))
            outputs.append(sdpa_attention_forward(module, q, k, v, None, **options)[0][0])
    return torch.cat(outputs).unflatten(0, (query.shape[0], query.shape[2])), None


def _plain_scaling(
    dim: int,
    *,
    scaling: float | None = None,
    dropout: float = 0.0,
    is_causal: bool | None = None,
    softcap: float | None = None,
    position_bias: torch.Tensor | None = None,
    **others: Any,
) -> float | None:
    """What scores are multiplied by, if nothing else is done to them; the options are those that sdpa in transformers reads."""
    if dropout or is_causal is False or softcap is not None or position_bias is not None:
        return None
    return dim**-0.5 if scaling is None else scaling


class _Attention(torch.autograd.Function):
    """Causal attention of one item, in float32 or what is wider; key heads may be fewer than query heads."""

    @staticmethod
    @torch.autocast("cpu", enabled=False)
    def forward(
        ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scaling: float
    ) -> torch.Tensor:
        """[token, head, dim] of all three, and of the output."""
        tokens, groups = key.shape[:2]
        dtype = torch.promote_types(query.dtype, torch.float32)
        q, k, v = (_by_group(one.to(dtype), groups) for one in (query, key, value))
        q = q * scaling
        later = torch.ones(tokens, tokens, dtype=torch.bool, device=query.device).triu_(1)
        scores = (q @ k.mT).view(groups, tokens, -1, tokens).masked_fill_(later[:, None], -torch.inf)
        weights = scores.softmax(-1).flatten(1, 2)  # [group, token of each of its heads, token]
        output = weights @ v
        ctx.save_for_backward(q, k, v, weights, output)
        ctx.scaling = scaling
        return _by_head(output, tokens).to(query.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, None]:
        (of_output,), (q, k, v, weights, output) = gradients, ctx.saved_tensors
        groups, tokens = k.shape[:2]
        outer = _by_group(of_output.to(q.dtype), groups)
        of_scores = (outer @ v.mT).sub_((outer * output).sum(-1, keepdim=True)).mul_(weights)
        inner = (of_scores @ k).mul_(ctx.scaling), of_scores.mT @ q, weights.mT @ outer
        of_query, of_key, of_value = (_by_head(one, tokens).to(of_output.dtype) for one in inner)
        return of_query, of_key, of_value, None


def _by_group(one: torch.Tensor, groups: int) -> torch.Tensor:
    """[token, head, dim] -> [group, token of each of its heads, dim], where the heads of a group share a key."""
    return one.unflatten(1, (groups, -1)).transpose(0, 1).flatten(1, 2)


def _by_head(one: torch.Tensor, tokens: int) -> torch.Tensor:
    """The inverse of `_by_group`."""
    return one.unflatten(1, (tokens, -1)).transpose(0, 1).flatten(1, 2)


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
