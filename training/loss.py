"""The loss on answers only, with the output layer computed nowhere else."""

from __future__ import annotations

from typing import Any

import torch

from .cross_entropy import Scratch, head_nats, nats
from .data.packing import IGNORED

PROBES, PROBE_SCALE = 4, 128
"""Positions, and what their hidden states are multiplied by, that show whether a model caps or scales its logits: a cap of 30
barely bends logits of 2.
"""


class LabelledPositions:
    """Restricts the output layer of a causal language model to the positions whose next token is learnt.

    Most positions of an instruction item are prompt, and for a small model the output layer is much of the
    work. The positions are those with a label in the batch; logits have the shape [labelled token, vocabulary].
    """

    def __init__(self, model: Any) -> None:
        self._head = model.get_output_embeddings()
        self._keep: torch.Tensor | None = None
        self._hidden: torch.Tensor | None = None
        self._scratch = Scratch()
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
        return (hidden[:0].detach() if self._alone else hidden,)

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
            return head_nats(hidden, self._head.weight, self._head.bias, targets, self._scratch), rows
        return nats(logits, targets, self._scratch), rows

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
