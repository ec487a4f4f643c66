"""Log-likelihood of continuations, and choices by it: computed as in EleutherAI's lm-evaluation-harness."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from repalign.errors import RepalignError
from repalign.models.batching import pad, plan
from repalign.models.generation import Answer, Generator, Prompt
from repalign.models.tokenization import Tokens
from repalign.models.unembed import MAX_LOGITS
from repalign.models.vocabulary import padding_id
from repalign.progress import Phase


class Likelihood(NamedTuple):
    """Of one continuation.

    Attributes:
        value: sum of the natural logarithms of its tokens' probabilities.
        tokens: their number.
        cut: number of tokens removed from the left of the text before it to fit the model's context.
    """

    value: float
    tokens: int
    cut: int


class _Request(NamedTuple):
    """A continuation to score.

    Attributes:
        inputs: what the model reads: the text, and all but the last token of the continuation. The bytes of int32 ids,
            which can be compared and take a tenth of the memory of a tuple.
        continuation: its tokens.
        cut: see `Likelihood`.
    """

    inputs: bytes
    continuation: list[int]
    cut: int

    @property
    def ids(self) -> np.ndarray:
        """The inputs, int32 [token]."""
        return np.frombuffer(self.inputs, np.int32).copy()  # torch warns of arrays that cannot be written


def choose(
    generator: Generator,
    prompts: Sequence[Prompt],
    progress: bool = True,
    on_batch: Callable[[Mapping[Prompt, Answer]], None] | None = None,
) -> list[Answer]:
    """Choose the most likely continuation of each prompt, the first of several; see `loglikelihoods`.

    Args:
        generator: of a model with a decoder only.
        prompts: with choices.
        progress: whether to show signs of life: see `repalign.progress`.
        on_batch: called with the answers of each batch, by prompt, as soon as it is done.

    Returns:
        One answer per prompt, in order: the stripped choice, and the log-likelihoods of all.

    Raises:
        RepalignError: see `loglikelihoods`.
    """
    asked = [(prompt, choice) for prompt in dict.fromkeys(prompts) for choice in prompt.choices]
    values: dict[tuple[Prompt, str], Likelihood] = {}
    answers: dict[Prompt, Answer] = {}
    for batch in _batches(generator, [(prompt.text, choice) for prompt, choice in asked], progress):
        values |= {asked[number]: value for number, value in batch.items()}
        touched = dict.fromkeys(asked[number][0] for number in batch)
        done = {
            prompt: _answer(prompt, [values[prompt, choice] for choice in prompt.choices])
            for prompt in touched
            if all((prompt, choice) in values for choice in prompt.choices)
        }
        answers |= done
        if done and on_batch is not None:
            on_batch(done)
    return [answers[prompt] for prompt in prompts]


def _answer(prompt: Prompt, likelihoods: Sequence[Likelihood]) -> Answer:
    values = tuple(one.value for one in likelihoods)
    best = int(np.argmax(values))
    cut = max(one.cut for one in likelihoods)
    return Answer(prompt.choices[best].strip(), likelihoods[best].tokens, True, cut, values)


def loglikelihoods(
    generator: Generator, requests: Sequence[tuple[str, str]], progress: bool = True
) -> list[Likelihood]:
    """The log-likelihood of each continuation after its text, in float32.

    Text and continuation are tokenised together, with the spaces between them as part of the continuation, whose tokens
    are those beyond the tokens of the text alone. Before the text stand the special tokens that the tokenizer adds; an
    empty text without any is replaced by BOS, or else by EOS. If both do not fit the model's context, the text is cut on
    the left; unlike in the harness, the special tokens before it stay.

    Args:
        generator: of a model with a decoder only.
        requests: (text, continuation) pairs. The model reads those that differ only in their last token once.
        progress: whether to show signs of life: see `repalign.progress`.

    Raises:
        RepalignError: a model with an encoder; a continuation without tokens of its own, or that does not fit the
            context; memory runs out.
    """
    values: dict[int, Likelihood] = {}
    for batch in _batches(generator, requests, progress):
        values |= batch
    return [values[number] for number in range(len(requests))]


def _batches(
    generator: Generator, requests: Sequence[tuple[str, str]], progress: bool
) -> Iterator[dict[int, Likelihood]]:
    """Numbers of requests -> likelihoods, batch by batch."""
    if generator.has_encoder:
        raise RepalignError(
            f"{generator.name} reads its prompt with an encoder; likelihoods of choices need a model with a decoder only"
        )
    texts = dict.fromkeys(text for text, _ in requests)
    before = {text: generator.encode(Prompt(text.rstrip())).ids for text in texts}
    by_inputs: dict[bytes, dict[int, _Request]] = {}
    for number, (text, continuation) in enumerate(requests):
        request = _encoded(generator, text, before[text], continuation)
        by_inputs.setdefault(request.inputs, {})[number] = request
    rows = list(by_inputs.values())
    about = f"by log-likelihood, on {generator.device}"
    with Phase(f"{generator.name}: choosing", len(rows), "choices", about, progress) as phase:
        # The longest first: if memory is too small for them, the run fails at once.
        for batch in reversed(list(plan([_length(row) for row in rows], _budget(generator)))):
            yield _batch(generator, [rows[number] for number in batch])
            phase.update(len(batch))


def _length(row: Mapping[int, _Request]) -> int:
    """Tokens that the model reads for some requests with the same inputs."""
    return len(next(iter(row.values())).ids)


def _encoded(generator: Generator, text: str, before: list[int], continuation: str) -> _Request:
    """
    Args:
        before: the tokens of the text without the spaces at its end.
    """
    tokens = generator.encode(Prompt(text + continuation)).ids[len(before) :]
    if not tokens:
        raise RepalignError(
            f"the continuation {continuation[:60]!r} has no tokens of its own after {text[-60:]!r}; give a longer one"
        )
    tokenizer: Any = generator.tokenizer
    before = before or [tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id]
    room = len(before) if generator.context is None else generator.context - len(tokens) + 1
    if room < 1:
        raise RepalignError(
            f"a continuation of {len(tokens)} tokens does not fit the context of {generator.name}, {generator.context} "
            "tokens; give a shorter one"
        )
    fitted = generator.fitted(before, room)
    inputs = np.array([*fitted, *tokens[:-1]], np.int32).tobytes()
    return _Request(inputs, tokens, len(before) - len(fitted))


def _keeps(generator: Generator) -> bool:
    """Whether the model can leave out the logits before a position."""
    return "logits_to_keep" in inspect.signature(generator.model.forward).parameters


def _budget(generator: Generator) -> int:
    """Padded tokens per batch, so few that the logits fit into memory."""
    if _keeps(generator):
        return generator.budget
    return min(generator.budget, max(64, MAX_LOGITS // generator.model.config.get_text_config().vocab_size))


def _batch(generator: Generator, rows: Sequence[Mapping[int, _Request]]) -> dict[int, Likelihood]:
    """The likelihoods of requests by number; those of one row have the same input."""
    inputs = [next(iter(requests.values())).ids for requests in rows]
    tokens = [Tokens(ids, np.ones(len(ids), bool)) for ids in inputs]
    ids, _, real = pad(tokens, 0, padding_id(generator.tokenizer, generator.rows))
    width = ids.shape[1]
    first = min(len(one.ids) - len(one.continuation) for requests in rows for one in requests.values())
    kept = {"logits_to_keep": width - first} if _keeps(generator) else {}
    with generator.explained(f"{len(rows)} prompts of {width} tokens"):
        logits = generator.model(
            input_ids=ids.to(generator.device),
            attention_mask=real.long().to(generator.device),
            use_cache=False,
            **kept,
        ).logits
    # Logits may begin later than the tokens (those kept), or earlier (virtual tokens of an adapter).
    shift = logits.shape[1] - width
    likelihoods = {}
    for row, requests in enumerate(rows):
        for number, request in requests.items():
            end = len(request.ids) + shift
            scores = logits[row, end - len(request.continuation) : end].float().log_softmax(-1)
            targets = torch.tensor(request.continuation, device=scores.device)[:, None]
            value = float(scores.gather(1, targets).sum())
            likelihoods[number] = Likelihood(value, len(request.continuation), request.cut)
    return likelihoods
