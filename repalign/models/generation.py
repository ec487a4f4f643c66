"""Greedy generation of answers in batches within a budget of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from repalign.errors import RepalignError, reason
from repalign.models.adapters import is_prompt
from repalign.models.batching import plan
from repalign.models.devices import pick_budget, pick_device, pick_dtype
from repalign.models.encoding import decode, encode
from repalign.models.languages import ModelLanguage, ModelLanguages, decoder_start, reading
from repalign.models.loading import load_model, read_config, read_tokenizer
from repalign.models.locating import Weights
from repalign.models.stacks import pick_stack
from repalign.models.tokenization import around_text, special_lookup
from repalign.models.vocabulary import check_ids, embedding_rows, padding_id
from repalign.progress import Phase

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerBase

TOKEN_SETTINGS = (
    "bos_token_id",
    "eos_token_id",
    "decoder_start_token_id",
    "forced_bos_token_id",
    "bad_words_ids",
)
"""Saved generation settings that are kept: those that name tokens (Marian's bad word is its padding)."""


@dataclass(frozen=True)
class Prompt:
    """What is asked.

    Attributes:
        text: complete, without special tokens.
        source, target: languages of the text and of the answer, for a model that expects them.
        choices: continuations of the text, one of which is to be chosen; () for an answer in free form.
    """

    text: str
    source: ModelLanguage | None = None
    target: ModelLanguage | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Encoded:
    """A prompt as tokens.

    Attributes:
        ids: of the prompt.
        before: what an encoder-decoder that expects the language of its answer reads before it; otherwise empty.
    """

    ids: list[int]
    before: list[int]


@dataclass(frozen=True)
class Answer:
    """A generated or chosen answer.

    Attributes:
        text: without special tokens, stripped.
        tokens: number of its tokens, without the end-of-sequence token.
        ended: whether the model ended the answer; otherwise it was cut off. A choice always ends.
        prompt_cut: number of tokens removed from the left of the prompt to fit the model's context.
        loglikelihoods: of all choices, in their order; () for an answer in free form.
    """

    text: str
    tokens: int
    ended: bool
    prompt_cut: int
    loglikelihoods: tuple[float, ...] = ()


class Generator:
    """A loaded checkpoint that answers prompts.

    Args:
        weights: see `repalign.models.locating.locate`.
        device: auto, cpu, cuda, ..., or all: spread over all GPUs.
        dtype: auto, float32, bfloat16 or float16.
        batch_tokens: padded tokens per batch, answers included; by default by free memory.

    Raises:
        RepalignError: the model is not generative (an encoder), expects languages beside the text, or cannot be
            loaded.
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
        self.languages = expected_languages(config, self.tokenizer, self.name)
        self.has_encoder = bool(config.is_encoder_decoder)
        self.context = None if self.has_encoder else getattr(config, "max_position_embeddings", None)
        placement = device if device == "all" else self.device
        self.model: Any = load_model(weights, config, getattr(torch, self.dtype), placement, head=True)
        self.model.generation_config = _token_settings(self.model.generation_config)
        if self.languages:
            self.model.generation_config.forced_bos_token_id = None  # every prompt names its own
        if (head := self.model.get_output_embeddings()) is not None:
            head.register_forward_pre_hook(_contiguous)
        self.rows = embedding_rows(self.model)
        self.is_special = special_lookup(self.tokenizer)
        # PEFT loses the positions of padded prompts behind its virtual tokens: one prompt at a time has no padding.
        self.budget = 1 if is_prompt(self.model) else batch_tokens or pick_budget(self.device)

    def answer(
        self,
        prompts: Sequence[str | Prompt],
        new_tokens: int,
        progress: bool = True,
        on_batch: Callable[[Mapping[Prompt, Answer]], None] | None = None,
    ) -> list[Answer]:
        """Answer prompts greedily; duplicate prompts are answered once.

        A prompt that leaves no room for an answer in the model's context is cut on the left, because the question
        is at its end.

        Args:
            prompts: see `Prompt`; a text is asked in no language.
            new_tokens: maximum length of an answer.
            progress: whether to show signs of life: see `repalign.progress`.
            on_batch: called with the answers of each batch, by prompt, as soon as it is done.

        Returns:
            One answer per prompt, in order.

        Raises:
            RepalignError: the model's context cannot hold an answer of that length, memory runs out, or a prompt has a
                token that the model cannot read.
        """
        asked = [Prompt(prompt) if isinstance(prompt, str) else prompt for prompt in prompts]
        distinct = list(dict.fromkeys(asked))
        encoded = [self.encode(prompt) for prompt in distinct]
        room = (
            max((len(prompt.ids) for prompt in encoded), default=0)
            if self.context is None
            else self.context - new_tokens
        )
        if room < 1 and encoded:
            raise RepalignError(
                f"{self.name} has a context of {self.context} tokens, too few for answers of {new_tokens}; "
                "lower --new-tokens"
            )
        fitted = [replace(prompt, ids=self.fitted(prompt.ids, room)) for prompt in encoded]
        by_prompt: dict[Prompt, Answer] = {}
        about = f"up to {new_tokens} new tokens each, on {self.device}"
        with Phase(f"{self.name}: answering", len(distinct), "questions", about, progress) as phase:
            # The longest first: if memory is too small for them, the run fails at once.
            for rows in reversed(
                list(plan([len(prompt.ids) + new_tokens for prompt in fitted], self.budget))
            ):
                generated = self._batch([fitted[row] for row in rows], new_tokens)
                answers = {
                    distinct[row]: Answer(
                        self._text(ids), len(ids), ended, len(encoded[row].ids) - len(fitted[row].ids)
                    )
                    for row, (ids, ended) in zip(rows, generated, strict=True)
                }
                by_prompt |= answers
                if on_batch is not None:
                    on_batch(answers)
                phase.update(len(rows))
        return [by_prompt[prompt] for prompt in asked]

    def _text(self, ids: list[int]) -> str:
        return decode(self.tokenizer, [ids], skip_special_tokens=True)[0].strip()

    def encode(self, prompt: Prompt) -> Encoded:
        """The tokens of a prompt with the special tokens before it; a decoder reads none after it.

        Raises:
            RepalignError: the tokenizer fails, or has a token that the model cannot read.
        """
        with reading(self.tokenizer, prompt.source):
            encoded: Any = encode(self.tokenizer, [prompt.text], return_special_tokens_mask=True)
        ids = np.array(encoded["input_ids"][0], dtype=np.int64)
        check_ids(ids, self.rows, self.tokenizer)
        own = np.flatnonzero(~around_text(ids, encoded["special_tokens_mask"][0], self.is_special))
        if not self.has_encoder:  # an encoder expects the end-of-text token
            return Encoded(ids[: int(own[-1]) + 1 if len(own) else 1].tolist(), [])
        if not (self.languages and prompt.source and prompt.target):
            return Encoded(ids.tolist(), [])
        start = decoder_start(self.model)
        before = self.languages.before_text(start, ids.tolist(), prompt.source.id, prompt.target.id)
        check_ids(np.array(before), self.rows, self.tokenizer)
        return Encoded(ids.tolist(), before)

    def fitted(self, ids: list[int], room: int) -> list[int]:
        """Tokens cut on the left to a number of tokens; special tokens at the beginning stay."""
        if len(ids) <= room:
            return ids
        special = self.is_special[np.minimum(ids[:room], len(self.is_special) - 1)]
        begin = ids[: int(np.argmin(special))]
        return begin + ids[len(ids) - room + len(begin) :]

    def _batch(self, prompts: Sequence[Encoded], new_tokens: int) -> list[tuple[list[int], bool]]:
        """The tokens of each answer, and whether it ended."""
        ends = _ends(self.model, self.tokenizer)
        pad = padding_id(self.tokenizer, self.rows, otherwise=min(ends, default=0))
        width = max(len(prompt.ids) for prompt in prompts)
        ids = np.full((len(prompts), width), pad, np.int64)
        mask = np.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            # On the right in an encoder, whose positions may be learnt (BART): the answer does not follow the prompt there.
            start = 0 if self.has_encoder else width - len(prompt.ids)
            ids[row, start : start + len(prompt.ids)] = prompt.ids
            mask[row, start : start + len(prompt.ids)] = 1
        settings = _greedy(self.model, new_tokens, sorted(ends), pad)
        begun: dict[str, Any] = {}
        if prompts[0].before:
            before = torch.tensor([prompt.before for prompt in prompts], device=self.device)
            settings.decoder_start_token_id = before[:, 0].tolist()
            begun = {"decoder_input_ids": before}
        with self.explained(f"{len(prompts)} prompts of {width} tokens and their answers"):
            output = self.model.generate(
                input_ids=torch.from_numpy(ids).to(self.device),
                attention_mask=torch.from_numpy(mask).to(self.device),
                generation_config=settings,
                **begun,
            )
        answers = output.cpu().numpy()[:, (len(prompts[0].before) or 1) if self.has_encoder else width :]
        return [_until_end(answer.tolist(), ends) for answer in answers]

    @contextmanager
    def explained(self, what: str) -> Iterator[None]:
        """Inference whose failure becomes one line.

        Args:
            what: is computed, for the message.

        Raises:
            RepalignError: memory runs out, or the model fails.
        """
        try:
            with torch.inference_mode():
                yield
        except torch.OutOfMemoryError as error:
            raise RepalignError(
                f"out of memory on {self.device} with {what}; lower --batch-tokens (now {self.budget:,}) or --new-tokens"
            ) from error
        except Exception as error:  # models and adapters that need more than text fail in different ways
            raise RepalignError(f"{self.name!r} cannot answer prompts: {reason(error)}") from error


def _contiguous(module: torch.nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The states of the last token are a strided view, of which torch multiplies a copy of the output layer for each row."""
    return tuple(one.contiguous() for one in inputs)


def expected_languages(
    config: PretrainedConfig, tokenizer: PreTrainedTokenizerBase, name: str
) -> ModelLanguages | None:
    """The languages of prompts and answers that a generative model expects; None for one that only reads text.

    Args:
        name: of the checkpoint, for the message.

    Raises:
        RepalignError: a model that expects them beside the text.
    """
    languages = ModelLanguages.of(config, tokenizer)
    if languages is not None and not languages.by_token:
        raise RepalignError(
            f"{name} expects the language of its text beside the text, which answers cannot give yet"
        )
    return languages


def _token_settings(saved: Any) -> Any:
    """Of the generation settings saved with a model, only those that name tokens.

    `generate` would apply all others that are not set explicitly, such as sampling or a repetition penalty.
    """
    from transformers import GenerationConfig

    return GenerationConfig(**{name: getattr(saved, name, None) for name in TOKEN_SETTINGS})


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
    """Ids that end an answer: the tokenizer's, and those in a chat model's generation settings."""
    saved = model.generation_config.eos_token_id
    ids = saved if isinstance(saved, list) else [saved]
    return {int(i) for i in (*ids, tokenizer.eos_token_id) if i is not None}


def _until_end(ids: list[int], ends: set[int]) -> tuple[list[int], bool]:
    end = next((index for index, token in enumerate(ids) if token in ends), None)
    return (ids, False) if end is None else (ids[:end], True)
