"""What faulty engines return: functions from right states to faulty ones, and the constants that fit given states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from repalign.verification.comparing import Claimed, distances
from repalign.verification.prompts import pad_prompts
from repalign.verification.truth import Plant, States, Truth

Fit: TypeAlias = "Callable[[Truth, Claimed], Plant | None]"
"""The fault with the constants that fit an engine's states best; None if none can."""


def each(change: Callable[[Tensor], Tensor]) -> Plant:
    """A change of the states [layer, token, dim] of every prompt alike."""
    return lambda truth: [change(states) for states in truth.states]


def take(layers: Sequence[int]) -> Plant:
    """These layers of the right ones, in this order; beyond the last one, the last."""
    return each(lambda states: states[[min(max(layer, 0), len(states) - 1) for layer in layers]])


# Layers ------------------------------------------------------------------------------------------------------------


def norm_last(truth: Truth, states: States) -> States:
    """The states with the last layer after the final norm, as `output_hidden_states` returns them."""
    normed = [truth.script.normed(one[-1]) for one in states]
    return [
        one if last is None or last.shape != one[-1].shape else torch.cat([one[:-1], last[None]])
        for one, last in zip(states, normed, strict=True)
    ]


def drop_embedding(truth: Truth, states: States) -> States:
    """The states without the input of block 1."""
    return [one[1:] for one in states]


def append_normed(truth: Truth, states: States) -> States:
    """The states with one more layer: the last one after the final norm."""
    normed = norm_last(truth, states)
    return [torch.cat([one, last[-1:]]) for one, last in zip(states, normed, strict=True)]


def norm_all(truth: Truth) -> States:
    normed = [truth.script.normed(states) for states in truth.states]
    return [s if n is None or n.shape != s.shape else n for s, n in zip(truth.states, normed, strict=True)]


def shift_layers(by: int) -> Plant:
    return lambda truth: take([layer + by for layer in range(truth.n_layers)])(truth)


def reverse_layers(truth: Truth) -> States:
    return take(range(truth.n_layers)[::-1])(truth)


def repeat_layers(truth: Truth) -> States:
    return take([layer - layer % 2 for layer in range(truth.n_layers)])(truth)


def _mapping(truth: Truth, claimed: Claimed) -> dict[int, int]:
    """The right layer that is nearest to each of an engine's, by the first prompt; {} if that is off by one, or right."""
    ours, theirs = truth.states[0], claimed.states[0]
    if theirs.shape[1:] != ours.shape[1:]:
        return {}
    mapping: dict[int, int] = {}
    for row, layer in zip(theirs, claimed.layers, strict=True):
        gaps = distances(row.expand_as(ours), ours).amax(1)
        nearest = int(gaps.argmin())
        clearly = layer >= len(ours) or gaps[nearest] < gaps[layer] / 2
        mapping[layer] = nearest if clearly else layer
    # At the ends, what is off by one is there twice.
    steps = {right - layer for layer, right in mapping.items() if 0 < layer < truth.n_layers - 1}
    return {} if steps in ({1}, {-1}, {0}) else mapping


def _take_mapped(truth: Truth, mapping: dict[int, int]) -> Plant:
    return take([mapping.get(layer, layer) for layer in range(truth.n_layers)])


def reorder_layers(truth: Truth, claimed: Claimed) -> Plant | None:
    mapping = _mapping(truth, claimed)
    return _take_mapped(truth, mapping) if len(set(mapping.values())) == len(mapping) > 0 else None


def repeat_as_claimed(truth: Truth, claimed: Claimed) -> Plant | None:
    mapping = _mapping(truth, claimed)
    return _take_mapped(truth, mapping) if len(set(mapping.values())) < len(mapping) else None


# Prompts and padding -----------------------------------------------------------------------------------------------


def padded(truth: Truth, left: bool, masked: bool, keep: bool = False) -> States:
    """The prompts in one padded batch. With `keep`, padding stays among the tokens."""

    def read() -> States:
        batch = pad_prompts(truth.prompts, truth.script.pad_id, left)
        states = truth.script.run(batch.ids, mask=batch.mask if masked else None).states
        return list(states) if keep else batch.cut(states)

    return truth.rerun(f"padded, left: {left}, masked: {masked}, kept: {keep}", read)


def attend_to_padding(truth: Truth) -> States:
    return padded(truth, left=truth.script.causal, masked=False)


def packed(truth: Truth) -> States:
    """Each prompt, except the first, behind the one before it, as one sequence."""
    before = [truth.prompts[0][:0], *truth.prompts[:-1]]
    joined = [torch.cat(pair) for pair in zip(before, truth.prompts, strict=True)]

    def read() -> States:
        both = truth.read_alone(joined)
        return [states[:, len(one) :] for states, one in zip(both, before, strict=True)]

    return truth.rerun("packed", read)


def reverse_prompts(truth: Truth) -> States:
    return truth.states[::-1]


def reorder_prompts(truth: Truth, claimed: Claimed) -> Plant | None:
    order: list[int] = []
    middle = len(claimed.layers) // 2
    layer = claimed.layers[middle]
    for own, theirs in enumerate(claimed.states):
        gaps = [
            float(distances(theirs[middle], ours[layer]).max())
            if ours.shape[1:] == theirs.shape[1:] and layer < len(ours)
            else torch.inf
            for ours in truth.states
        ]
        order.append(own if gaps[own] <= min(gaps) else gaps.index(min(gaps)))
    if order == sorted(order):
        return None
    return lambda other: (
        [other.states[row] for row in order] if len(other.states) == len(order) else reverse_prompts(other)
    )


# Tokens and dims ---------------------------------------------------------------------------------------------------


def roll(by: int) -> Plant:
    return each(lambda states: states.roll(by, dims=1))


def roll_as_claimed(truth: Truth, claimed: Claimed) -> Plant | None:
    longest = max(range(len(truth.prompts)), key=lambda row: len(truth.prompts[row]))
    ours, theirs = truth.states[longest], claimed.states[longest]
    if ours.shape[1:] != theirs.shape[1:]:
        return None
    rows = [row for row, layer in enumerate(claimed.layers) if layer < len(ours)]
    right = ours[[claimed.layers[row] for row in rows]]
    gaps = {by: float(distances(theirs[rows], right.roll(by, 1)).median()) for by in (1, -1, 2, -2)}
    return roll(min(gaps, key=gaps.__getitem__))


def drop_tokens(first: int, last: int) -> Plant:
    return each(lambda states: states[:, first : states.shape[1] - last])


def drop_as_claimed(truth: Truth, claimed: Claimed) -> Plant | None:
    missing = {o.shape[1] - t.shape[1] for o, t in zip(truth.states, claimed.states, strict=True)}
    if len(missing) > 1 or min(missing) <= 0:
        return None
    (count,) = missing
    ends = [drop_tokens(first, count - first) for first in (count, 0, 1)]
    gaps = [float(torch.tensor(_medians(claimed, plant(truth))).min()) for plant in ends]
    return ends[gaps.index(min(gaps))]


def _medians(claimed: Claimed, states: States) -> list[float]:
    """Median distance of the first prompt's tokens, per layer."""
    theirs, ours = claimed.states[0], states[0]
    rows = [row for row, layer in enumerate(claimed.layers) if layer < len(ours)]
    if theirs.shape[1:] != ours.shape[1:] or not rows:
        return [torch.inf]
    return distances(theirs[rows], ours[[claimed.layers[row] for row in rows]]).median(1).values.tolist()


def drop_dims(count: int) -> Plant:
    return each(lambda states: states[..., :count])


def drop_dims_by_a_quarter(truth: Truth) -> States:
    return drop_dims(truth.states[0].shape[-1] * 3 // 4)(truth)


def drop_dims_as_claimed(truth: Truth, claimed: Claimed) -> Plant | None:
    dims = claimed.states[0].shape[-1]
    return drop_dims(dims) if dims < truth.states[0].shape[-1] else None


# Values ------------------------------------------------------------------------------------------------------------


def only_part(part: str) -> Plant:
    """Layers 1 to L replaced by a part of what their block computes."""

    def plant(truth: Truth) -> States:
        if part not in truth.parts:
            return truth.states
        pairs = zip(truth.states, truth.parts[part], strict=True)
        return [
            torch.cat([states[:1], added]) if added.shape == states[1:].shape else states
            for states, added in pairs
        ]

    return plant


def without_branch(truth: Truth) -> States:
    if "branch" not in truth.parts:
        return truth.states
    pairs = zip(truth.states, truth.parts["branch"], strict=True)
    return [
        torch.cat([states[:1], states[1:] - added]) if added.shape == states[1:].shape else states
        for states, added in pairs
    ]


def times(factors: Tensor) -> Plant:
    """Each layer times a factor: float32 [layer]; the last factor also for layers beyond."""

    def change(states: Tensor) -> Tensor:
        rows = torch.arange(len(states)).clamp_max(len(factors) - 1)
        return states * factors[rows, None, None]

    return each(change)


def times_as_claimed(truth: Truth, claimed: Claimed) -> Plant | None:
    ours, theirs = truth.states[0], claimed.states[0]
    if ours.shape[1:] != theirs.shape[1:]:
        return None
    factors = torch.ones(len(ours))
    for row, layer in enumerate(claimed.layers):
        if layer < len(ours):
            factors[layer] = (ours[layer] * theirs[row]).sum() / ours[layer].square().sum().clamp_min(1e-12)
    # A layer of zeros is a fault of its own.
    return times(factors.where(factors.abs() > 1e-6, 1.0)) if factors.isfinite().all() else None


def unscaled_embedding(truth: Truth) -> States:
    factors = torch.ones(truth.n_layers)
    factors[0] = truth.states[0].shape[-1] ** -0.5
    return times(factors)(truth)


def run_unscaled(truth: Truth) -> States:
    return truth.rerun(
        "unscaled", lambda: truth.read_alone(enter=lambda hidden: hidden * hidden.shape[-1] ** -0.5)
    )


def word_embeddings(truth: Truth) -> States:
    rows = [truth.script.embedded(ids) for ids in truth.prompts]
    return [
        states if row is None or row.shape != states[0].shape else torch.cat([row[None], states[1:]])
        for row, states in zip(rows, truth.states, strict=True)
    ]


def infinite_somewhere(states: Tensor) -> Tensor:
    broken = states.clone()
    broken[len(states) // 2, -1, 0] = torch.nan
    return broken


def rounded(dtype: torch.dtype) -> Fit:
    """Rounding, if every number that the engine returned is one of that dtype."""

    def fit(truth: Truth, claimed: Claimed) -> Plant | None:
        exact = claimed.dtype == "float32" and all(
            torch.equal(s, s.to(dtype).float()) for s in claimed.states
        )
        return each(lambda states: states.to(dtype).float()) if exact else None

    return fit


def shuffled(matrix: Tensor) -> Tensor:
    order = torch.randperm(matrix.numel(), generator=torch.Generator().manual_seed(0))
    return matrix.flatten()[order.to(matrix.device)].view_as(matrix)


def quantised(matrix: Tensor) -> Tensor:
    step = matrix.abs().amax(dim=-1, keepdim=True).clamp_min(1e-12) / 127
    return (matrix / step).round() * step


def dropped_out(truth: Truth) -> States:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return [torch.nn.functional.dropout(states, 0.1) for states in truth.states]


def other_weights(truth: Truth) -> States:
    with truth.script.altered(shuffled):
        return truth.rerun("other weights", truth.read_alone)


def less_precise(truth: Truth) -> States:
    with truth.script.altered(quantised):
        return truth.rerun("less precise", truth.read_alone)
