"""Answers: greedy generation in batches, left-padded, within a budget of tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tqdm import tqdm

from repalign.errors import RepalignError
from repalign.models.batching import plan
from repalign.models.devices import pick_budget, pick_device, pick_dtype
from repalign.models.loading import Weights, load_model, pick_stack, read_config, read_tokenizer
from repalign.models.tokenization import special_ids

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NAMED = ("bos_token_id", "eos_token_id", "decoder_start_token_id", "forced_bos_token_id", "bad_words_ids")
"""Tokens that a model's saved settings name (Marian's bad word is its padding)."""


@dataclass(frozen=True)
class Answer:
    """What a model answered.

    Attributes:
        text: without special tokens, stripped.
        tokens: generated, the end of the answer not counted.
        ended: whether the model ended it itself; if not, it is cut.
        prompt_cut: tokens that the prompt lost on its left to fit the model's context.
    """

    text: str
    tokens: int
    ended: bool
    prompt_cut: int


class Generator:
    """A loaded checkpoint that answers prompts.

    Args:
        weights: see `repalign.models.loading.locate`.
        device, dtype: as the commands take them; "auto" picks.
        batch_tokens: padded tokens a batch, answers included; by default as many as suit the device.

    Raises:
        RepalignError: a model that generates nothing (an encoder), or that cannot be loaded.
    """

    def __init__(
        self, weights: Weights, device: str = "auto", dtype: str = "auto", batch_tokens: int | None = None
    ) -> None:
        config = read_config(weights)
        pick_stack(config, "decoder")
        self.name = weights.checkpoint.name
        self.device = pick_device(device)
        self.dtype = pick_dtype(weights, dtype, self.device)
        self.tokenizer = read_tokenizer(weights)
        self.apart = bool(config.is_encoder_decoder)
        self.context = None if self.apart else getattr(config, "max_position_embeddings", None)
        placed = device if device == "all" else self.device
        self.model: Any = load_model(weights, config, getattr(torch, self.dtype), placed)
        self.model.generation_config = _named_tokens(self.model.generation_config)
        self.budget = batch_tokens or pick_budget(self.device)

    def answer(
        self,
        prompts: Sequence[str],
        new_tokens: int,
        progress: bool = True,
        keep: Callable[[Mapping[str, Answer]], None] | None = None,
    ) -> list[Answer]:
        """Answer prompts greedily; a prompt that comes twice is answered once.

        A prompt that leaves no room for an answer in the model's context loses tokens on its left: the
        question stands at its end.

        Args:
            prompts: as they stand, without special tokens.
            new_tokens: that an answer may have.
            progress: whether to show a bar, where there is a terminal.
            keep: is given each batch, by prompt, as soon as it is answered.

        Raises:
            RepalignError: the model's context cannot hold an answer of so many tokens.
        """
        distinct = list(dict.fromkeys(prompts))
        encoded = [self._encode(prompt) for prompt in distinct]
        room = max(map(len, encoded), default=0) if self.context is None else self.context - new_tokens
        if room < 1 and encoded:
            raise RepalignError(
                f"{self.name} reads {self.context} tokens, too few for answers of {new_tokens}; lower --new-tokens"
            )
        kept = [self._fitted(ids, room) for ids in encoded]
        found: dict[str, Answer] = {}
        hidden = None if progress else True
        with tqdm(total=len(distinct), desc=f"{self.name} answers", disable=hidden, leave=False) as bar:
            # The longest first: where memory is too small for them, one learns it at once.
            for rows in reversed(list(plan([len(ids) + new_tokens for ids in kept], self.budget))):
                batch = self._batch([kept[row] for row in rows], new_tokens)
                answered = {
                    distinct[row]: Answer(
                        self._text(ids), len(ids), ended, len(encoded[row]) - len(kept[row])
                    )
                    for row, (ids, ended) in zip(rows, batch, strict=True)
                }
                found |= answered
                if keep is not None:
                    keep(answered)
                bar.update(len(rows))
        return [found[prompt] for prompt in prompts]

    def _text(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=True)).strip()

    def _encode(self, prompt: str) -> list[int]:
        ids = list(self.tokenizer(prompt, verbose=False)["input_ids"])
        if self.apart:  # an encoder expects the end of its text to be marked
            return ids
        return ids[: len(ids) - _closing(ids, self.tokenizer)]

    def _fitted(self, ids: list[int], room: int) -> list[int]:
        if len(ids) <= room:
            return ids
        opening = ids[:1] if ids[0] == self.tokenizer.bos_token_id else []
        return opening + ids[len(ids) - room + len(opening) :]

    def _batch(self, prompts: Sequence[list[int]], new_tokens: int) -> list[tuple[list[int], bool]]:
        """Tokens of each answer, and whether it ended."""
        ends = _ends(self.model, self.tokenizer)
        own: Any = self.tokenizer.pad_token_id
        pad = int(own) if own is not None else min(ends, default=0)
        width = max(map(len, prompts))
        ids = np.full((len(prompts), width), pad, np.int64)
        mask = np.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, width - len(prompt) :] = prompt
            mask[row, width - len(prompt) :] = 1
        try:
            with torch.inference_mode():
                out = self.model.generate(
                    input_ids=torch.from_numpy(ids).to(self.device),
                    attention_mask=torch.from_numpy(mask).to(self.device),
                    generation_config=_greedy(self.model, new_tokens, sorted(ends), pad),
                )
        except torch.OutOfMemoryError as error:
            raise RepalignError(
                f"{self.device} is too small for {len(prompts)} prompts of {width} tokens and their answers; "
                f"lower --batch-tokens (now {self.budget:,}) or --new-tokens"
            ) from error
        answers = out.cpu().numpy()[:, 1 if self.apart else width :]
        return [_until_end(answer.tolist(), ends) for answer in answers]


def _named_tokens(saved: Any) -> Any:
    """Of the settings saved beside a model, those that say which tokens begin and end an answer.

    The others would sample, or punish repetition: `generate` takes from them all that is not set explicitly.
    """
    from transformers import GenerationConfig

    return GenerationConfig(**{name: getattr(saved, name, None) for name in NAMED})


def _greedy(model: Any, new_tokens: int, ends: list[int], pad: int) -> Any:
    from transformers import GenerationConfig

    return GenerationConfig(
        max_new_tokens=new_tokens,
        do_sample=False,
        num_beams=1,
        use_cache=True,
        eos_token_id=ends or None,
        pad_token_id=pad,
        bos_token_id=model.generation_config.bos_token_id,
        decoder_start_token_id=model.generation_config.decoder_start_token_id,
    )


def _ends(model: Any, tokenizer: Any) -> set[int]:
    """Ids that end an answer: the tokenizer's, and those a chat model names besides."""
    named = model.generation_config.eos_token_id
    own = named if isinstance(named, list) else [named]
    return {int(i) for i in (*own, tokenizer.eos_token_id) if i is not None}


def _until_end(ids: list[int], ends: set[int]) -> tuple[list[int], bool]:
    place = next((index for index, token in enumerate(ids) if token in ends), None)
    return (ids, False) if place is None else (ids[:place], True)


def _closing(ids: Sequence[int], tokenizer: PreTrainedTokenizerBase) -> int:
    """How many tokens the tokenizer itself put behind the text."""
    special = special_ids(tokenizer)
    count = 0
    while count < len(ids) - 1 and ids[-1 - count] in special:
        count += 1
    return count
