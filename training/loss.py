"""The loss on answers only, with the output layer computed nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from .data.packing import IGNORED

CHUNK = {"cpu": 1 << 21}
"""Logits in float32 at a time by type of device: 8 MiB, which stay in a CPU's cache."""

LARGE_CHUNK = 1 << 25
"""Of other devices, for which many small steps are slow: 128 MiB."""

PROBES, PROBE_SCALE = 4, 128
"""Positions, and what their hidden states are multiplied by, that show whether a model caps or scales its logits: a cap of 30
barely bends logits of 2.
"""

GROUP = 8
"""Chunks of logits that are multiplied at a time: with fewer rows, reading the weights takes longer than multiplying."""


class LabelledPositions:
    """Restricts the output layer of a causal language model to the positions whose next token is learnt.

    Most positions of an instruction item are prompt, and for a small model the output layer is much of the
    work. The positions are those with a label in the batch; logits have the shape [labelled token, vocabulary].
    """

    def __init__(self, model: Any) -> None:
        self._head = model.get_output_embeddings()
        self._keep: torch.Tensor | None = None
        self._hidden: torch.Tensor | None = None
        self._alone: bool | None = None  # whether the head alone makes the logits; None: not known yet
        self._handle = self._head.register_forward_pre_hook(self._select)

    def remove(self) -> None:
        self._handle.remove()

    def _select(
        self, module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]
    ) -> tuple[torch.Tensor, ...] | None:
        keep, self._keep = self._keep, None
        if keep is None:
            return None
        hidden = inputs[0][keep]
        if self._alone is None:
            hidden = PROBE_SCALE * hidden[:PROBES]
        self._hidden = hidden
        return (hidden[:1].detach() if self._alone else hidden,)  # the model needs some logits

    def loss(
        self, model: Any, inputs: dict[str, torch.Tensor], items: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        """Cross-entropy in nats: the sum over labelled tokens divided by `items`, by default their number."""
        each, _ = self._labelled(model, inputs)
        return each.sum() / (len(each) if items is None else items)

    def by_row(self, model: Any, inputs: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """The summed cross-entropy of each row in nats, float32 [row], and its labelled tokens, int64 [row]."""
        (each, rows), count = self._labelled(model, inputs), len(inputs["labels"])
        return each.new_zeros(count).index_add(0, rows, each), torch.bincount(rows, minlength=count)

    def _labelled(self, model: Any, inputs: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """The cross-entropy of each labelled token in nats, [token], and its row, int64 [token]."""
        labels = inputs["labels"][:, 1:]
        labelled = labels != IGNORED
        if self._alone is None:
            self._alone = self._is_alone(model, inputs, labelled)
        targets, rows = labels[labelled], labelled.nonzero()[:, 0]
        logits, hidden = self._run(model, inputs, labelled)
        if self._alone and hidden is not None:
            return head_nats(hidden, self._head.weight, self._head.bias, targets), rows
        return nats(logits, targets), rows

    def _run(
        self, model: Any, inputs: dict[str, torch.Tensor], labelled: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The logits of a model and what its output layer was to be given, [token, dim], if it was called."""
        self._keep = torch.nn.functional.pad(labelled, (0, 1))
        inputs = {key: value for key, value in inputs.items() if key != "labels"}
        logits = model(**inputs, use_cache=False).logits
        hidden, self._hidden = self._hidden, None
        return logits, hidden

    @torch.no_grad()
    def _is_alone(self, model: Any, inputs: dict[str, torch.Tensor], labelled: torch.Tensor) -> bool | None:
        """Whether the logits are those of the output layer alone, and that is not trained; None if no position has a label.

        A pass of its own, without dropout: a resumed run, which makes it for another batch, stays the same to the bit.
        """
        head = self._head
        if type(head) is not torch.nn.Linear or head.weight.requires_grad:
            return False
        if not labelled.any():
            return None
        mode = model.training
        logits, hidden = self._run(model.eval(), inputs, labelled)
        model.train(mode)
        if hidden is None or head.weight.shape != (logits.shape[1], hidden.shape[1]):
            return False  # also where the weights are spread over devices
        expected = head(hidden).float()
        return bool((logits.float() - expected).abs().max() <= 0.02 * expected.abs().max())


class _HeadCrossEntropy(torch.autograd.Function):
    """Cross-entropy of a frozen output layer: logits exist for a group of tokens only, and their gradient with them."""

    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, targets: torch.Tensor
    ) -> torch.Tensor:
        wanted = ctx.needs_input_grad[0]
        gradient = torch.empty_like(hidden) if wanted else hidden.new_empty(0)
        each = []
        for group in _chunks(len(hidden), len(weight), hidden.device, GROUP):
            logits = torch.nn.functional.linear(hidden[group], weight, bias)
            normaliser = _normaliser(logits)
            each.append(normaliser - _exact(logits.gather(1, targets[group, None])[:, 0]))
            if wanted:
                gradient[group] = _gradient(logits, targets[group], normaliser, out=logits) @ weight
        ctx.save_for_backward(gradient)
        return torch.cat(each)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        (of_nats,), (gradient,) = gradients, ctx.saved_tensors
        return gradient * of_nats[:, None].to(gradient.dtype), None, None, None


def head_nats(
    hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, targets: torch.Tensor
) -> torch.Tensor:
    """Like `nats` of the logits of a linear layer, of which no more than a group exists at a time.

    Args:
        hidden: [token, dim].
        weight: [vocabulary, dim]; it gets no gradient.
        bias: [vocabulary].
        targets: ids, int64 [token].
    """
    kind = hidden.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype
    return _HeadCrossEntropy.apply(  # type: ignore[no-any-return]
        hidden.to(dtype), weight.to(dtype), bias if bias is None else bias.to(dtype), targets
    )


class _CrossEntropy(torch.autograd.Function):
    """Cross-entropy that holds the logits and their gradient, and probabilities in float32 for a chunk of them only.

    torch's also holds a copy of the logits in float32, their log-softmax, and the gradients of both.
    """

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        normaliser = _normaliser(logits)
        ctx.save_for_backward(logits, targets, normaliser)
        return normaliser - _exact(logits.gather(1, targets[:, None])[:, 0])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (of_nats,), (logits, targets, normaliser) = gradients, ctx.saved_tensors
        return _gradient(logits, targets, normaliser, torch.empty_like(logits), of_nats), None


def nats(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The cross-entropy of each token in nats, [token]: in float32, or in the dtype of the logits if that is wider.

    Args:
        logits: [token, vocabulary].
        targets: ids, int64 [token].
    """
    return _CrossEntropy.apply(logits, targets)  # type: ignore[no-any-return]


def _exact(logits: torch.Tensor) -> torch.Tensor:
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def _normaliser(logits: torch.Tensor) -> torch.Tensor:
    """The log of the sum of exponentials, [token]."""
    return torch.cat(
        [_exact(logits[rows]).logsumexp(1) for rows in _chunks(len(logits), logits.shape[1], logits.device)]
    )


def _gradient(
    logits: torch.Tensor,
    targets: torch.Tensor,
    normaliser: torch.Tensor,
    out: torch.Tensor,
    of_nats: torch.Tensor | None = None,
) -> torch.Tensor:
    """The gradient of the cross-entropy with respect to the logits, [token, vocabulary], written to `out`, which may be the logits.

    Args:
        logits, targets: as for `nats`.
        normaliser: of the logits.
        out: [token, vocabulary].
        of_nats: the gradient with respect to the cross-entropy of each token, by default 1.
    """
    for rows in _chunks(len(logits), logits.shape[1], logits.device):
        share = (_exact(logits[rows]) - normaliser[rows, None]).exp_()
        share[torch.arange(len(share), device=share.device), targets[rows]] -= 1
        out[rows] = share if of_nats is None else share.mul_(of_nats[rows, None])
    return out


def _chunks(tokens: int, vocabulary: int, device: torch.device, groups: int = 1) -> Iterator[slice]:
    """Slices of rows, at least one row each; one empty slice if there are no rows.

    Args:
        tokens, vocabulary: size of the logits.
        device: where they are.
        groups: chunks that are taken together.
    """
    step = groups * max(1, CHUNK.get(device.type, LARGE_CHUNK) // vocabulary)
    return (slice(start, start + step) for start in range(0, max(tokens, 1), step))
