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


class LabelledPositions:
    """Restricts the output layer of a causal language model to the positions whose next token is learnt.

    Most positions of an instruction item are prompt, and for a small model the output layer is much of the
    work. The positions are those with a label in the batch; logits have the shape [labelled token, vocabulary].
    """

    def __init__(self, model: Any) -> None:
        self._keep: torch.Tensor | None = None
        self._handle = model.get_output_embeddings().register_forward_pre_hook(self._select)

    def remove(self) -> None:
        self._handle.remove()

    def _select(
        self, module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]
    ) -> tuple[torch.Tensor, ...] | None:
        keep, self._keep = self._keep, None
        return None if keep is None else (inputs[0][keep],)

    def loss(
        self, model: Any, inputs: dict[str, torch.Tensor], items: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        """Cross-entropy in nats: the sum over labelled tokens divided by `items`, by default their number."""
        logits, targets, _ = self._labelled(model, inputs)
        return nats(logits, targets).sum() / (len(targets) if items is None else items)

    def by_row(self, model: Any, inputs: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """The summed cross-entropy of each row in nats, float32 [row], and its labelled tokens, int64 [row]."""
        logits, targets, rows = self._labelled(model, inputs)
        each, count = nats(logits, targets), len(inputs["labels"])
        return each.new_zeros(count).index_add(0, rows, each), torch.bincount(rows, minlength=count)

    def _labelled(
        self, model: Any, inputs: dict[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """For each labelled token: logits [token, vocabulary], its id and its row, int64 [token]."""
        labels = inputs["labels"][:, 1:]
        labelled = labels != IGNORED
        self._keep = torch.nn.functional.pad(labelled, (0, 1))
        logits = model(
            **{key: value for key, value in inputs.items() if key != "labels"}, use_cache=False
        ).logits
        return logits, labels[labelled], labelled.nonzero()[:, 0]


class _CrossEntropy(torch.autograd.Function):
    """Cross-entropy that holds the logits and their gradient, and probabilities in float32 for a chunk of them only.

    torch's also holds a copy of the logits in float32, their log-softmax, and the gradients of both.
    """

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        normaliser = torch.cat([_exact(logits[rows]).logsumexp(1) for rows in _chunks(logits)])
        ctx.save_for_backward(logits, targets, normaliser)
        return normaliser - _exact(logits.gather(1, targets[:, None])[:, 0])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (of_nats,), (logits, targets, normaliser) = gradients, ctx.saved_tensors
        gradient = torch.empty_like(logits)
        for rows in _chunks(logits):
            share = (_exact(logits[rows]) - normaliser[rows, None]).exp_()
            share[torch.arange(len(share), device=share.device), targets[rows]] -= 1
            gradient[rows] = share.mul_(of_nats[rows, None])
        return gradient, None


def nats(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The cross-entropy of each token in nats, [token]: in float32, or in the dtype of the logits if that is wider.

    Args:
        logits: [token, vocabulary].
        targets: ids, int64 [token].
    """
    return _CrossEntropy.apply(logits, targets)  # type: ignore[no-any-return]


def _exact(logits: torch.Tensor) -> torch.Tensor:
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def _chunks(logits: torch.Tensor) -> Iterator[slice]:
    """Slices of rows, at least one row each; one empty slice if there are no rows."""
    tokens, vocabulary = logits.shape
    step = max(1, CHUNK.get(logits.device.type, LARGE_CHUNK) // vocabulary)
    return (slice(start, start + step) for start in range(0, max(tokens, 1), step))
