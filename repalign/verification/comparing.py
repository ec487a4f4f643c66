"""How far an engine's states are from those of a hypothesis: relative to the length of each token's state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from repalign.verification.truth import States

SHARE = {"float32": 1.0, "bfloat16": 0.9, "float16": 0.9}
"""Share of tokens that must be within the tolerance: in half precision rounding alone may route a few to other experts."""

SHORT = 0.1
"""States shorter than this share of the layer's median are compared as if they had that length."""


@dataclass(frozen=True, eq=False, repr=False)
class Claimed:
    """States as an engine returned them.

    Attributes:
        engine: its name, with the version.
        states: in the order of the prompts, float32 [layer, token, dim]; numbers of tokens and dims may be wrong.
        layers: the layer that each row claims to be.
        dtype: in which they claim to be computed.
        conventions: names of departures that the engine declares, see `Fault.convention`.
        free: whether the engine may keep to its conventions or not, depending on the model.
        counted: whether the engine claims to return all layers, so that a missing one is a fault.
    """

    engine: str
    states: States
    layers: Sequence[int]
    dtype: str = "float32"
    conventions: frozenset[str] = frozenset()
    free: bool = False
    counted: bool = True


@dataclass(frozen=True, eq=False, repr=False)
class Gaps:
    """Distances of claimed states from those of a hypothesis.

    Attributes:
        tokens: float32 [layer, token], tokens of all prompts; infinite where there is nothing to compare.
        prompt: int64 [token], the prompt that a token belongs to.
        complete: whether the hypothesis returns as many layers as the engine.
    """

    tokens: Tensor
    prompt: Tensor
    complete: bool

    def by_layer(self, share: float = 1.0) -> list[float]:
        """The distance that this share of the tokens does not exceed, per layer."""
        return self.tokens.quantile(share, dim=1, interpolation="higher").tolist()


def compare(claimed: Claimed, states: States) -> Gaps:
    """Distances of claimed states from `states`, which have all layers, or those that a hypothesis leaves."""
    pairs = list(zip(claimed.states, states, strict=True))
    prompt = torch.cat([torch.full((ours.shape[1],), number) for number, (_, ours) in enumerate(pairs)])
    gaps = torch.full((len(claimed.layers), len(prompt)), torch.inf)
    rows = [row for row, layer in enumerate(claimed.layers) if layer < len(states[0])]
    fitting = [number for number, (theirs, ours) in enumerate(pairs) if theirs.shape[1:] == ours.shape[1:]]
    if rows and fitting:
        layers = [claimed.layers[row] for row in rows]
        theirs, ours = (torch.cat([pairs[number][side] for number in fitting], dim=1) for side in (0, 1))
        columns = torch.isin(prompt, torch.tensor(fitting))
        gaps[torch.tensor(rows)[:, None], columns.nonzero().T] = distances(theirs[rows], ours[layers])
    complete = not claimed.counted or all(len(ours) == len(theirs) for theirs, ours in pairs)
    return Gaps(gaps, prompt, complete)


def distances(theirs: Tensor, ours: Tensor) -> Tensor:
    """Distance of each token's state, relative to the length of ours: float32 [..., token] of [..., token, dim].

    Where both are not numbers they agree; where one is not, the distance is infinite.
    """
    invalid = ~theirs.isfinite(), ~ours.isfinite()
    gap = (theirs - ours).masked_fill(invalid[0] & invalid[1], 0.0).norm(dim=-1)
    length = ours.nan_to_num(0.0, 0.0, 0.0).norm(dim=-1)
    floor = SHORT * length.median(dim=-1, keepdim=True).values
    return (gap / length.maximum(floor).clamp_min(1e-12)).nan_to_num(torch.inf, torch.inf, torch.inf)
