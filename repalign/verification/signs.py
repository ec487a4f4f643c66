"""Signs of faults whose states nobody can predict: which prompts are right, and which states are equal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from repalign.verification.comparing import Claimed, Gaps, distances
from repalign.verification.faults import (
    BATCH,
    CONSTANT,
    LESS_PRECISE,
    NOT_FINITE,
    NOT_REPRODUCIBLE,
    OTHER_WEIGHTS,
    PADDING_ATTENDED,
    PADDING_INCLUDED,
    Fault,
)
from repalign.verification.truth import Truth

NEAR = 0.25
"""States within this distance are those of the model, less precisely computed."""


@dataclass(frozen=True, eq=False, repr=False)
class Evidence:
    """What signs are read off.

    Attributes:
        truth: in the convention of the engine.
        claimed: the engine's states.
        gaps: between them.
        tolerance: float32 [layer].
        share: of the tokens that must be within it.
    """

    truth: Truth
    claimed: Claimed
    gaps: Gaps
    tolerance: Tensor
    share: float

    @property
    def lengths(self) -> Tensor:
        """Tokens per prompt, int64 [prompt]."""
        return torch.tensor([len(ids) for ids in self.truth.prompts])

    def right_prompts(self) -> Tensor:
        """Whether a prompt's states are right, bool [layer, prompt]."""
        prompts = range(len(self.truth.prompts))
        by_prompt = [
            self.gaps.tokens[:, self.gaps.prompt == number].quantile(self.share, 1, interpolation="higher")
            for number in prompts
        ]
        return torch.stack(by_prompt, dim=1) <= self.tolerance[:, None]


def _not_finite(evidence: Evidence) -> Tensor:
    broken = [~states.isfinite().flatten(1).all(1) for states in evidence.claimed.states]
    return torch.stack(broken).any(0)


def _constant(evidence: Evidence) -> Tensor:
    longer = [states for states in evidence.claimed.states if states.shape[1] > 1]
    if not longer:
        return torch.zeros(len(evidence.claimed.layers), dtype=torch.bool)
    spread = [distances(states, states[:, :1].expand_as(states)).amax(1) <= 1e-6 for states in longer]
    return torch.stack(spread).all(0)


def _padding_included(evidence: Evidence) -> Tensor:
    """More tokens than the prompt has, of which the first or the last are right."""
    claimed, truth = evidence.claimed, evidence.truth
    none = torch.zeros(len(claimed.layers), dtype=torch.bool)
    rows = [row for row, layer in enumerate(claimed.layers) if layer < len(truth.states[0])]
    layers = [claimed.layers[row] for row in rows]
    pairs = list(zip(claimed.states, truth.states, strict=True))
    if all(theirs.shape[1] == ours.shape[1] for theirs, ours in pairs) or any(
        theirs.shape[1] < ours.shape[1] or theirs.shape[2] != ours.shape[2] for theirs, ours in pairs
    ):
        return none
    sides: list[Tensor] = []
    for start in (True, False):
        right = none.clone()
        cut = [t[rows, : o.shape[1]] if start else t[rows, t.shape[1] - o.shape[1] :] for t, o in pairs]
        gaps = [distances(theirs, ours[layers]) for theirs, (_, ours) in zip(cut, pairs, strict=True)]
        worst = torch.cat(gaps, 1).quantile(evidence.share, 1, interpolation="higher")
        right[rows] = worst <= evidence.tolerance[rows]
        sides.append(right)
    return sides[0] | sides[1]


def _only_the_longest_are_right(evidence: Evidence) -> Tensor:
    right = evidence.right_prompts()
    shortest_right = torch.where(right, evidence.lengths, 1 << 30).amin(1)
    longest_wrong = torch.where(right, 0, evidence.lengths).amax(1)
    return right.any(1) & ~right.all(1) & (shortest_right >= longest_wrong)


def _some_prompts_are_right(evidence: Evidence) -> Tensor:
    right = evidence.right_prompts()
    return right.any(1) & ~right.all(1)


def _near(evidence: Evidence) -> Tensor:
    return torch.tensor(evidence.gaps.by_layer(evidence.share)) <= NEAR


def _unequal_from_right_inputs(evidence: Evidence) -> Tensor:
    """Equal prompts have unequal states, though the lowest layer of some prompt is right: neither noise nor dropout."""
    return _unequal(evidence) & evidence.right_prompts()[0].any()


def _unequal(evidence: Evidence) -> Tensor:
    return ~_equal_prefixes(evidence, unseen=True)


def _equal_to_the_end(evidence: Evidence) -> Tensor:
    """Equal prefixes have equal states, as they do in any model, and no layer after a wrong one is right."""
    wrong = torch.tensor(evidence.gaps.by_layer(evidence.share)) > evidence.tolerance
    return _equal_prefixes(evidence, unseen=False) & wrong.flip(0).cummin(0).values.flip(0)


def _equal_prefixes(evidence: Evidence, unseen: bool) -> Tensor:
    """Whether the states of prompts' equal prefixes are equal, bool [layer]; `unseen` if no prompts have any."""
    claimed, truth = evidence.claimed, evidence.truth
    pairs = zip(claimed.states, truth.states, strict=True)
    same_shapes = all(theirs.shape[1:] == ours.shape[1:] for theirs, ours in pairs)
    gaps: list[Tensor] = []
    for one, other in combinations(range(len(truth.prompts)), 2):
        count = _shared(truth.prompts[one], truth.prompts[other], truth.script.causal)
        if count > 1 and same_shapes:
            gaps.append(distances(*(claimed.states[row][:, :count] for row in (one, other))))
    if not gaps:
        return torch.full((len(claimed.layers),), unseen)
    return torch.cat(gaps, 1).quantile(evidence.share, 1, interpolation="higher") <= evidence.tolerance


def _shared(one: Tensor, other: Tensor, causal: bool) -> int:
    """Number of leading tokens of two prompts whose states must be equal."""
    if not causal:
        return len(one) if torch.equal(one, other) else 0
    count = min(len(one), len(other))
    same = (one[:count] == other[:count]).long()
    return int(same.cumprod(0).sum())


SIGNS: tuple[tuple[Fault, Callable[[Evidence], Tensor]], ...] = (
    (NOT_FINITE, _not_finite),
    (CONSTANT, _constant),
    (PADDING_INCLUDED, _padding_included),
    (PADDING_ATTENDED, _only_the_longest_are_right),
    (BATCH, _some_prompts_are_right),
    (LESS_PRECISE, _near),
    (BATCH, _unequal_from_right_inputs),
    (NOT_REPRODUCIBLE, _unequal),
    (OTHER_WEIGHTS, _equal_to_the_end),
)
"""In the order in which they are read: the fault, and the layers that show its sign, bool [layer]."""
