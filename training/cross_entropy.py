"""Cross-entropy over a large vocabulary in little memory: of logits, or of the hidden states before a frozen output layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch

CHUNK, LARGE_CHUNK = 1 << 18, 1 << 25
"""Logits in float32 at a time: 1 MiB for each thread of a CPU, which stays in the cache of its core; 128 MiB on other devices, for
which many small steps are slow.
"""

GROUP, LARGE_GROUP = 1 << 26, 1 << 28
"""Logits that are multiplied at a time, on a CPU and on others: with fewer rows, reading the weights takes longer than multiplying."""

LEAST = 2.0**-20
"""Least probability of a token that takes part in the gradient, on a CPU and in 16 bits.

Most tokens of a large vocabulary have less. They are left out, as in Cut Cross-Entropy (Wijmans et al., 2024), which changes the
gradient by less than rounding does: relative to its norm, that of Gemma 3 270M is .0024 to .0027 from the exact one, and was .0022
to .0026 with all tokens.
"""

LEFT_OUT = 2.0**-6
"""Most probability that may be left out in all: beyond it, all tokens of the vocabulary take part."""


class Scratch:
    """Memory for the same purpose again and again: the system clears new pages, which takes as long as the arithmetic in them."""

    def __init__(self) -> None:
        self._kept: dict[str, torch.Tensor] = {}

    def take(
        self, purpose: str, shape: Sequence[int], dtype: torch.dtype, device: torch.device
    ) -> torch.Tensor:
        """A tensor, uninitialised; what was given out for the same purpose before is lost."""
        size, kept = math.prod(shape), self._kept.get(purpose)
        if kept is None or len(kept) < size or (kept.dtype, kept.device) != (dtype, device):
            kept = torch.empty(size, dtype=dtype, device=device)
            if device.type == "cpu":  # torch keeps the memory of others itself
                self._kept[purpose] = kept
        return kept[:size].view(*shape)


class _HeadCrossEntropy(torch.autograd.Function):
    """Cross-entropy of a frozen output layer: logits exist for a group of tokens only, and their gradient with them."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        targets: torch.Tensor,
        scratch: Scratch,
    ) -> torch.Tensor:
        wanted = ctx.needs_input_grad[0]
        gradient = torch.empty_like(hidden) if wanted else hidden.new_empty(0)
        each = []
        size = GROUP if hidden.device.type == "cpu" else LARGE_GROUP
        for group in _slices(len(hidden), len(weight), size):
            states, ids = hidden[group], targets[group]
            out = scratch.take("logits", (len(states), len(weight)), states.dtype, states.device)
            if bias is None:
                logits = torch.mm(states, weight.T, out=out)
            else:
                logits = torch.addmm(bias, states, weight.T, out=out)
            normaliser = _normaliser(logits, scratch)
            each.append(_nats(logits, ids, normaliser))
            if wanted:
                gradient[group] = _gradient_of_states(logits, ids, normaliser, weight, scratch)
        ctx.save_for_backward(gradient)
        return torch.cat(each)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None, None, None]:
        (of_nats,), (gradient,) = gradients, ctx.saved_tensors
        return gradient * of_nats[:, None].to(gradient.dtype), None, None, None, None


def head_nats(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    targets: torch.Tensor,
    scratch: Scratch | None = None,
) -> torch.Tensor:
    """Like `nats` of the logits of a linear layer, of which no more than a group exists at a time.

    Args:
        hidden: [token, dim].
        weight: [vocabulary, dim]; it gets no gradient.
        bias: [vocabulary].
        targets: ids, int64 [token].
        scratch: memory of earlier calls.
    """
    kind = hidden.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype
    bias = bias if bias is None else bias.to(dtype)
    return _HeadCrossEntropy.apply(  # type: ignore[no-any-return]
        hidden.to(dtype), weight.to(dtype), bias, targets, scratch or Scratch()
    )


class _CrossEntropy(torch.autograd.Function):
    """Cross-entropy that holds the logits and their gradient, and probabilities in float32 for a chunk of them only.

    torch's also holds a copy of the logits in float32, their log-softmax, and the gradients of both.
    """

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, targets: torch.Tensor, scratch: Scratch) -> torch.Tensor:
        normaliser = _normaliser(logits, scratch)
        ctx.save_for_backward(logits, targets, normaliser)
        ctx.scratch = scratch
        return _nats(logits, targets, normaliser)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (of_nats,), (logits, targets, normaliser) = gradients, ctx.saved_tensors
        out = torch.empty_like(logits)
        return _gradient(logits, targets, normaliser, out, ctx.scratch, of_nats), None, None


def nats(logits: torch.Tensor, targets: torch.Tensor, scratch: Scratch | None = None) -> torch.Tensor:
    """The cross-entropy of each token in nats, [token]: in float32, or in the dtype of the logits if that is wider.

    Args:
        logits: [token, vocabulary].
        targets: ids, int64 [token].
        scratch: memory of earlier calls.
    """
    return _CrossEntropy.apply(logits, targets, scratch or Scratch())  # type: ignore[no-any-return]


def _nats(logits: torch.Tensor, targets: torch.Tensor, normaliser: torch.Tensor) -> torch.Tensor:
    """The cross-entropy of each token, in the dtype of the normaliser, which is not narrower than that of the logits."""
    return normaliser - logits.gather(1, targets[:, None])[:, 0].to(normaliser.dtype)


def _normaliser(logits: torch.Tensor, scratch: Scratch) -> torch.Tensor:
    """The log of the sum of exponentials, [token]."""
    parts = []
    for _, chunk in _chunks(logits, scratch):
        highest = chunk.amax(1, keepdim=True)
        parts.append(chunk.sub_(highest).exp_().sum(1).log_() + highest[:, 0])
    return torch.cat(parts)


def _gradient_of_states(
    logits: torch.Tensor,
    targets: torch.Tensor,
    normaliser: torch.Tensor,
    weight: torch.Tensor,
    scratch: Scratch,
) -> torch.Tensor:
    """The gradient of the cross-entropy with respect to the hidden states, [token, dim]; the logits are lost.

    Args:
        logits, targets, normaliser: as for `_gradient`.
        weight: [vocabulary, dim].
        scratch: memory of earlier calls.
    """
    if logits.device.type == "cpu" and torch.finfo(logits.dtype).bits == 16:
        likely = _likely(logits, targets, normaliser, scratch)
        if len(likely) < len(weight) / 2:
            some = scratch.take("some", (len(logits), len(likely)), logits.dtype, logits.device)
            for row, out in zip(logits, some, strict=True):  # three times as fast as all rows at once
                torch.index_select(row, 0, likely, out=out)
            _gradient(some, torch.searchsorted(likely, targets), normaliser, some, scratch)
            # A row of the whole gradient adds up to 0.
            if some.sum(1, dtype=torch.float32).amin() >= -LEFT_OUT:
                shape = len(likely), weight.shape[1]
                weights = scratch.take("weights", shape, weight.dtype, weight.device)
                return some @ torch.index_select(weight, 0, likely, out=weights)
    return _gradient(logits, targets, normaliser, logits, scratch) @ weight


def _likely(
    logits: torch.Tensor, targets: torch.Tensor, normaliser: torch.Tensor, scratch: Scratch
) -> torch.Tensor:
    """The ids, in order, that are a target or have the least probability in any row, int64 [id]."""
    floor = (normaliser + math.log(LEAST)).to(logits.dtype)[:, None]
    margin = logits.new_full((logits.shape[1],), -math.inf)
    for rows in _slices(
        len(logits), logits.shape[1], 4 * _chunk_size(logits.device)
    ):  # faster than `any` of comparing all
        part = logits[rows]
        above = torch.sub(part, floor[rows], out=scratch.take("margin", part.shape, part.dtype, part.device))
        torch.maximum(margin, above.amax(0), out=margin)
    margin[targets] = 0
    return (margin >= 0).nonzero()[:, 0]


def _gradient(
    logits: torch.Tensor,
    targets: torch.Tensor,
    normaliser: torch.Tensor,
    out: torch.Tensor,
    scratch: Scratch,
    of_nats: torch.Tensor | None = None,
) -> torch.Tensor:
    """The gradient of the cross-entropy with respect to the logits, [token, vocabulary], written to `out`, which may be the logits.

    Args:
        logits, targets: as for `nats`.
        normaliser: of the logits.
        out: [token, vocabulary].
        scratch: memory of earlier calls.
        of_nats: the gradient with respect to the cross-entropy of each token, by default 1.
    """
    for rows, chunk in _chunks(logits, scratch):
        chunk.sub_(normaliser[rows, None]).exp_()
        chunk[torch.arange(len(chunk), device=chunk.device), targets[rows]] -= 1
        out[rows] = chunk if of_nats is None else chunk.mul_(of_nats[rows, None])
    return out


def _chunks(logits: torch.Tensor, scratch: Scratch) -> Iterator[tuple[slice, torch.Tensor]]:
    """Rows, and their logits in float32 or what is wider, which may be changed until the next."""
    dtype = torch.promote_types(logits.dtype, torch.float32)
    for rows in _slices(len(logits), logits.shape[1], _chunk_size(logits.device)):
        part = logits[rows]
        yield rows, scratch.take("chunk", part.shape, dtype, part.device).copy_(part)


def _chunk_size(device: torch.device) -> int:
    return torch.get_num_threads() * CHUNK if device.type == "cpu" else LARGE_CHUNK


def _slices(rows: int, columns: int, size: int) -> Iterator[slice]:
    """Slices of rows of about `size` elements, at least one row each; one empty slice if there are no rows."""
    step = max(1, size // max(1, columns))
    return (slice(start, start + step) for start in range(0, max(rows, 1), step))
