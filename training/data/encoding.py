"""Items to token ids, with the index at which the answer begins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from repalign import RepalignError
from repalign.models.encoding import encode as tokenized
from repalign.models.templates import Template

from .items import Item

CHUNK = 2_000
"""Items tokenised at a time: the offsets of all items at once would fill the memory."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One item as tokens.

    Attributes:
        ids: token ids, int32 [token], with the tokenizer's beginning-of-sequence token if it has one.
        answer: index of the first token that is learnt; all later ones are, including the end-of-sequence token.
    """

    ids: np.ndarray
    answer: int

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Encodings:
    """Items as tokens, of a limited length.

    Attributes:
        items: those of whose answer something remains.
        truncated: how many of them have lost their end.
        without_answer: indices, among the items that were given, of those whose answers are cut off as a whole.
    """

    items: list[Encoded]
    truncated: int
    without_answer: list[int]


def encode(items: Iterable[Item], tokenizer: Any, template: Template, max_length: int) -> Encodings:
    """Tokenise each item as one string of prompt and answer, and locate the answer by character offsets.

    An item longer than `max_length` is truncated on the right (and loses its end-of-sequence token), and
    dropped if nothing of its answer remains.

    Raises:
        RepalignError: a tokenizer without character offsets or without an end-of-sequence token, or one that fails.
    """
    if not tokenizer.is_fast:
        raise RepalignError("this tokenizer gives no character offsets; use a fast one (with tokenizer.json)")
    if tokenizer.eos_token_id is None:
        raise RepalignError(
            "this tokenizer has no end-of-sequence token, so the model could never learn to stop; "
            "set tokenizer.eos_token"
        )
    items, encoded = list(items), []
    for start in range(0, len(items), CHUNK):
        encoded += _encode_chunk(items[start : start + CHUNK], tokenizer, template)
    without_answer = [
        index for index, item in enumerate(encoded) if item.answer >= min(len(item), max_length)
    ]
    kept = [item for item in encoded if item.answer < min(len(item), max_length)]
    truncated = sum(len(item) > max_length for item in kept)
    return Encodings(
        [Encoded(item.ids[:max_length], item.answer) for item in kept], truncated, without_answer
    )


def _encode_chunk(items: Sequence[Item], tokenizer: Any, template: Template) -> list[Encoded]:
    prompts = [template.prompt(item.instruction, item.input) if item.instruction else "" for item in items]
    texts = [prompt + item.output for prompt, item in zip(prompts, items, strict=True)]
    batch: Any = tokenized(tokenizer, texts, return_offsets_mapping=True, return_special_tokens_mask=True)
    encoded = []
    for row, (prompt, item) in enumerate(zip(prompts, items, strict=True)):
        ids = _unclosed(batch["input_ids"][row], batch["special_tokens_mask"][row])
        offsets, special = (
            batch["offset_mapping"][row][: len(ids)],
            batch["special_tokens_mask"][row][: len(ids)],
        )
        answer = _first_after(len(prompt), offsets, special)
        if answer < len(ids) and prompt[offsets[answer][0] :].strip():
            ids, answer = _tokenise_separately(prompt, item.output, tokenizer)
        encoded.append(Encoded(np.asarray([*ids, tokenizer.eos_token_id], np.int32), answer))
    return encoded


def _unclosed(ids: list[int], special: list[int]) -> list[int]:
    """Without the closing special tokens that some tokenizers add."""
    return ids[: max((index + 1 for index, is_special in enumerate(special) if not is_special), default=0)]


def _first_after(boundary: int, offsets: Sequence[tuple[int, int]], special: Sequence[int]) -> int:
    """Index of the first token with a character of the answer."""
    for index, ((_, end), is_special) in enumerate(zip(offsets, special, strict=True)):
        if not is_special and end > boundary:
            return index
    return len(offsets)


def _tokenise_separately(prompt: str, answer: str, tokenizer: Any) -> tuple[list[int], int]:
    """Ids and answer of an item in which one token would span the end of the prompt and the start of the answer."""
    before: Any = tokenized(tokenizer, [prompt], return_special_tokens_mask=True)
    after: Any = tokenized(tokenizer, [answer], add_special_tokens=False)
    ids = _unclosed(before["input_ids"][0], before["special_tokens_mask"][0])
    return ids + after["input_ids"][0], len(ids)
