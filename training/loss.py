"""The loss on answers only, with the output layer computed nowhere else."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import cross_entropy

from training.data.packing import IGNORED


class LabelledPositions:
    """Gives the output layer of a causal language model only the positions whose next token is learnt.

    At most positions of an instruction item nothing is learnt, and for a small model the output layer is much
    of the work. The batch says which by `labels`; logits come out as (labelled, vocabulary).
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
        """Cross-entropy in nats: the sum over labelled tokens by `items`, by default their number."""
        labels = inputs["labels"]
        self._keep = torch.nn.functional.pad(labels[:, 1:] != IGNORED, (0, 1))
        targets = labels[:, 1:][labels[:, 1:] != IGNORED]
        logits = model(
            **{key: value for key, value in inputs.items() if key != "labels"}, use_cache=False
        ).logits
        return cross_entropy(logits.float(), targets, reduction="sum") / (
            len(targets) if items is None else items
        )
