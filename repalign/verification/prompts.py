"""The prompts: a few short texts, of unlike lengths, some equal and some with a common beginning."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from repalign.models.templates import RAW
from repalign.models.tokenization import tokenize
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


def make_prompts(tokenizer: PreTrainedTokenizerBase, max_length: int, causal: bool) -> list[Tensor]:
    """Token ids of the prompts, int64 [token] each: the same as `repalign.extract` reads."""
    rows = tokenize(TEXTS, tokenizer, RAW, max_length, causal)
    return [torch.from_numpy(row.ids).long() for row in rows]


def digest_of(prompts: Sequence[Tensor]) -> str:
    """Of the token ids, as hex."""
    return digest(",".join(map(str, ids.tolist())) for ids in prompts)
