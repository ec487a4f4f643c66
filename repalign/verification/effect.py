"""What a fault would do to an alignment curve: the same sentences, scored from right states and from faulty ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from repalign.errors import RepalignError
from repalign.metrics.pair import LayerPair
from repalign.metrics.retrieval import p_at_1
from repalign.models.tokenization import TokenRows
from repalign.progress import Phase
from repalign.verification.prompts import ids_of
from repalign.verification.script import Script
from repalign.verification.truth import Plant, States, read_truth

CHUNK = 10
"""Sentences that faults of batches put in one: as many as there are prompts."""


@dataclass(frozen=True)
class Effect:
    """A curve and what a fault makes of it.

    Attributes:
        right: strict P@1 by layer, mean of both directions, of centred token means; chance is 1 / sentences.
        faulty: the same from faulty states, by the index that the engine gives them; NaN where it cannot be computed.
        pair: the two languages.
        sentences: how many.
    """

    right: tuple[float, ...]
    faulty: tuple[float, ...]
    pair: tuple[str, str]
    sentences: int

    @property
    def layer(self) -> int:
        """Where the change is largest; the first layer without a score, if there is one."""
        changes = [math.inf if math.isnan(change) else abs(change) for change in self._changes]
        return changes.index(max(changes))

    @property
    def change(self) -> float:
        """The largest change, with its sign; NaN if a layer has no score."""
        return self._changes[self.layer]

    def __str__(self) -> str:
        what = f"P@1 {'-'.join(self.pair)}, {self.sentences} sentences"
        if math.isnan(self.change):
            return f"{what}: no score at layer {self.layer}"
        if not self.change:
            return f"{what}: none at any layer"
        before, after = self.right[self.layer], self.faulty[self.layer]
        return f"{what}: at layer {self.layer} {after:.2f} instead of {before:.2f}, the largest change"

    @property
    def _changes(self) -> list[float]:
        return [wrong - right for right, wrong in zip(self.right, self.faulty, strict=False)]


def effects(script: Script, tokens: Mapping[str, TokenRows], plants: Sequence[Plant]) -> list[Effect]:
    """The effect of each plant on the curve of two languages.

    Args:
        script: of the model.
        tokens: parallel sentences of two languages.
        plants: each gives faulty states of any sentences.

    Raises:
        RepalignError: not two languages, or too few sentences for a score.
    """
    if len(tokens) != 2:
        raise RepalignError(f"an alignment curve takes two languages, got {', '.join(tokens) or 'none'}")
    every: list[Plant] = [lambda truth: truth.states, *plants]
    with Phase("what this does to a curve", sum(map(len, tokens.values())), "sentences") as phase:
        pooled = [_pooled(script, rows, every, phase) for rows in tokens.values()]
    right, *faulty = (_curve(x, y) for x, y in zip(*pooled, strict=True))
    one, other = tokens
    return [Effect(right, curve, (one, other), len(tokens[one])) for curve in faulty]


def _pooled(script: Script, rows: TokenRows, plants: Sequence[Plant], phase: Phase) -> list[Tensor]:
    """Token means by plant, float32 [layer, sentence, dim]."""
    means: list[list[Tensor]] = [[] for _ in plants]
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        truth = read_truth(script, ids_of(chunk))
        masks = [torch.from_numpy(row.content) for row in chunk]
        for plant, into in zip(plants, means, strict=True):
            into += _means(plant(truth), masks)
        phase.update(len(chunk))
    return [torch.stack(one, dim=1) for one in means]


def _means(states: States, masks: Sequence[Tensor]) -> States:
    """Means over the content tokens, which an engine's user takes to be where they are in the prompt: [layer, dim] each."""
    means: States = []
    for one, mask in zip(states, masks, strict=True):
        width = min(one.shape[1], len(mask))
        means.append(one[:, :width][:, mask[:width]].mean(1))
    return means


def _curve(x: Tensor, y: Tensor) -> tuple[float, ...]:
    return tuple(_score(a, b) for a, b in zip(x, y, strict=True))


def _score(x: Tensor, y: Tensor) -> float:
    if not (x.isfinite().all() and y.isfinite().all()):
        return math.nan
    pair = LayerPair.of(x - x.mean(0), y - y.mean(0))
    return (p_at_1.function(pair).value + p_at_1.function(pair.reverse).value) / 2
