"""The loss on answers only, with the output layer computed nowhere else."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import cross_entropy

from .data.packing import IGNORED


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
        return cross_entropy(logits, targets, reduction="sum") / (len(targets) if items is None else items)

    def by_row(self, model: Any, inputs: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """The summed cross-entropy of each row in nats, float32 [row], and its labelled tokens, int64 [row]."""
        logits, targets, rows = self._labelled(model, inputs)
        nats = cross_entropy(logits, targets, reduction="none")
        count = len(inputs["labels"])
        return nats.new_zeros(count).index_add(0, rows, nats), torch.bincount(rows, minlength=count)

    def _labelled(
        self, model: Any, inputs: dict[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """For each labelled token: logits float32 [token, vocabulary], its id and its row, int64 [token]."""
        labels = inputs["labels"][:, 1:]
        labelled = labels != IGNORED
        self._keep = torch.nn.functional.pad(labelled, (0, 1))
        logits = model(
            **{key: value for key, value in inputs.items() if key != "labels"}, use_cache=False
        ).logits
        return logits.float(), labels[labelled], labelled.nonzero()[:, 0]
