"""The prompts: a few short texts, of unlike lengths, some equal and some with a common beginning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from repalign.models.tokenization import Tokens
from repalign.signature import digest

TEXTS = (
    "The weather is fine today, and nobody wants to stay at home.",
    "Yes!",
    "今天天气很好，没有人想待在家里。",
    "She asked him twice whether he had slept, but he did not answer; so she went out, closed the door, and waited.",
    "2 + 2 = 4",
    "Η αδερφή μου αγόρασε χθες τρία βιβλία.",
    "The weather is fine",
    "बच्चा पेड़ के नीचे पढ़ रहा है।",
    "Yes!",
    "Nobody closed the window.",
)
"""Unlike lengths show padding and batches; a prompt given twice and one that begins another must have equal states."""


def ids_of(rows: Sequence[Tokens]) -> list[Tensor]:
    """Token ids, int64 [token] each."""
    return [torch.from_numpy(row.ids).long() for row in rows]


class Padded(NamedTuple):
    """Prompts in one batch.

    Attributes:
        ids, mask: int64 [prompt, token].
        spans: where each prompt's own tokens are.
    """

    ids: Tensor
    mask: Tensor
    spans: list[slice]

    def cut(self, states: Tensor) -> list[Tensor]:
        """States [prompt, layer, token, dim] without those of padding, float32 on the CPU."""
        return [one[:, span].float().cpu() for one, span in zip(states, self.spans, strict=True)]


def pad_prompts(prompts: Sequence[Tensor], pad_id: int, left: bool = False) -> Padded:
    """Prompts as one batch, as long as the longest."""
    width = max(len(ids) for ids in prompts)
    spans = [slice(width - len(ids), width) if left else slice(len(ids)) for ids in prompts]
    padded = torch.full((len(prompts), width), pad_id)
    mask = torch.zeros_like(padded)
    for row, (span, ids) in enumerate(zip(spans, prompts, strict=True)):
        padded[row, span], mask[row, span] = ids, 1
    return Padded(padded, mask, spans)


def digest_of(prompts: Sequence[Tensor]) -> str:
    """Of the token ids, as hex."""
    return digest(",".join(map(str, ids.tolist())) for ids in prompts)
