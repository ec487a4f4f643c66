"""Predictions of the next token of sentences: their loss, and how far two models' predictions are apart.

Logits of one batch are in memory at a time: of a whole corpus they would be tokens x vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from repalign.errors import RepalignError
from repalign.models.engine import Engine
from repalign.models.tokenization import TokenRows
from repalign.models.unembed import batches
from repalign.progress import Phase

TOP = 32
"""Most likely tokens at each position that are kept to compare another model with: 256 bytes per token."""

LEAST = 1e-6
"""Probability below which the sum of all other tokens is rounding error in float32."""


class Top(NamedTuple):
    """The most likely next tokens at each predicted position of one sentence, most likely first.

    Attributes:
        ids: int32 [position, TOP].
        log_probabilities: float32 [position, TOP].
    """

    ids: np.ndarray
    log_probabilities: np.ndarray


class Predictions(NamedTuple):
    """A model's predictions of the tokens of some sentences; the first token is predicted only if one stands before it.

    Attributes:
        nats: float64 [sentence], loss summed over the predicted tokens.
        tokens: int64 [sentence], predicted tokens.
        top: of each sentence; empty if they were not kept.
        divergence: float64 [sentence], KL divergence from the other model's predictions, summed over the predicted tokens;
            NaN if there is none.
        same_top: float64 [sentence], positions at which both find the same token most likely; NaN likewise.
    """

    nats: np.ndarray
    tokens: np.ndarray
    top: list[Top]
    divergence: np.ndarray
    same_top: np.ndarray


def next_token(logits: Tensor, ids: Tensor, content: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The predictions of content tokens.

    Args:
        logits: float32 [sentence, token, vocabulary].
        ids: int64 [sentence, token].
        content: bool [sentence, token].

    Returns:
        Which tokens are predicted, from the second on: bool [sentence, token - 1]; the log-probabilities of what may
        stand there: float32 [predicted, vocabulary]; and the loss in nats: float64 [predicted].
    """
    predicted = content[:, 1:]
    log_probabilities = logits[:, :-1][predicted].log_softmax(-1)
    nats = -log_probabilities.gather(1, ids[:, 1:][predicted].unsqueeze(1)).double()
    return predicted, log_probabilities, nats[:, 0]


def by_sentence(values: Tensor, chosen: Tensor) -> Tensor:
    """Means over the chosen tokens of each sentence, 0 if there are none: [sentence, value].

    Args:
        values: [chosen token, value].
        chosen: bool [sentence, token].
    """
    sentence = chosen.nonzero()[:, 0]
    sums = values.new_zeros(len(chosen), values.shape[1]).index_add(0, sentence, values)
    return sums / chosen.sum(1, keepdim=True).clamp_min(1)


@torch.inference_mode()
def predict(
    engine: Engine,
    rows: TokenRows,
    *,
    keep: bool = False,
    other: Sequence[Top] | None = None,
    phase: Phase | None = None,
) -> Predictions:
    """The loss of each sentence, and the divergence from the predictions of another model of the same tokens.

    Args:
        engine: of a causal language model, opened with its head.
        rows: tokenised sentences.
        keep: whether the most likely tokens are kept for a comparison.
        other: those of the other model on the same rows. The divergence is computed on them, all other tokens taken as
            one: a lower bound of the divergence over the whole vocabulary.
        phase: that counts sentences.

    Raises:
        RepalignError: not a causal language model.
    """
    model: Any = engine.model
    head = model.get_output_embeddings()
    if not engine.causal or engine.encoder is not None or head is None:
        raise RepalignError(
            f"{type(model).__name__} does not predict a next token, so it has no loss; give a causal language model"
        )
    found = Predictions(
        np.zeros(len(rows)), np.zeros(len(rows), np.int64), [], *np.full((2, len(rows)), np.nan)
    )
    top: dict[int, Top] = {}
    for batch, ids, content, real in batches(engine, rows, int(head.weight.shape[0])):
        logits = model(input_ids=ids, attention_mask=real.long(), use_cache=False).logits
        predicted, log_probabilities, nats = next_token(logits.to(ids.device).float(), ids, content)
        counts = predicted.sum(1)
        ends = counts.cumsum(0).tolist()[:-1]
        found.nats[batch] = (by_sentence(nats[:, None], predicted)[:, 0] * counts).cpu().numpy()
        found.tokens[batch] = counts.cpu().numpy()
        if keep:
            best = log_probabilities.topk(min(TOP, log_probabilities.shape[1]))
            parts = (np.split(part.cpu().numpy(), ends) for part in (best.indices.int(), best.values))
            top |= zip(batch, map(Top, *parts), strict=True)
        if other is not None:
            apart = torch.stack(_apart(log_probabilities, [other[row] for row in batch]), dim=1)
            sums = (by_sentence(apart, predicted) * counts[:, None]).cpu().numpy()
            found.divergence[batch], found.same_top[batch] = sums[:, 0], sums[:, 1]
        if phase is not None:
            phase.update(len(batch))
    return found._replace(top=[top[row] for row in sorted(top)])


def _apart(log_probabilities: Tensor, other: Sequence[Top]) -> tuple[Tensor, Tensor]:
    """KL divergence of the other's predictions from these, and whether both find the same token most likely: float64 [position].

    Args:
        log_probabilities: float32 [position, vocabulary].
        other: of the same positions.
    """
    device = log_probabilities.device
    ids = torch.from_numpy(np.concatenate([one.ids for one in other])).long().to(device)
    theirs = torch.from_numpy(np.concatenate([one.log_probabilities for one in other])).to(device).double()
    ours = log_probabilities.gather(1, ids).double()
    rest_of_theirs, rest_of_ours = (
        (1 - logs.exp().sum(1, keepdim=True)).clamp_min(LEAST).log() for logs in (theirs, ours)
    )
    theirs, ours = torch.cat([theirs, rest_of_theirs], 1), torch.cat([ours, rest_of_ours], 1)
    return (theirs.exp() * (theirs - ours)).sum(1), (log_probabilities.argmax(1) == ids[:, 0]).double()
