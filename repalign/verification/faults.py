"""The faults: one list, used to recognise what is wrong, to plant it in tests, and to compute what it would do.

A fault is recognised if the states it would give are those that an engine returned. Where these depend on what nobody
knows (which tokens are padding, which other weights), by signs: see `repalign.verification.signs`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from repalign.verification.comparing import Claimed, distances
from repalign.verification.prompts import pad_prompts
from repalign.verification.truth import Plant, States, Truth

Fit: TypeAlias = "Callable[[Truth, Claimed], Plant | None]"
"""The fault with the constants that fit an engine's states best; None if none can."""


@dataclass(frozen=True)
class Fault:
    """One way in which hidden states are wrong.

    Attributes:
        name: as in verdicts.
        explanation: what an engine with this fault does.
        plant: the states that it would return.
        fit: the same with constants read off an engine's states; None if the fault has none.
        dtype: of the rounding that the fault consists of.
        exact: whether `plant` or `fit` gives the very states of an engine; else it is recognised by signs only.
        convention: the same as a change of any states, for what some engines do on purpose.
        ours: of a convention, what repalign does instead.
    """

    name: str
    explanation: str
    plant: Plant
    fit: Fit | None = None
    dtype: str | None = None
    exact: bool = True
    convention: Callable[[Truth, States], States] | None = None
    ours: str = ""


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


def _norm_all(truth: Truth) -> States:
    normed = [truth.script.normed(states) for states in truth.states]
    return [s if n is None or n.shape != s.shape else n for s, n in zip(truth.states, normed, strict=True)]


def _shift(by: int) -> Plant:
    return lambda truth: take([layer + by for layer in range(truth.n_layers)])(truth)


def _reverse_layers(truth: Truth) -> States:
    return take(range(truth.n_layers)[::-1])(truth)


def _repeat_layers(truth: Truth) -> States:
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


def _reorder_layers(truth: Truth, claimed: Claimed) -> Plant | None:
    mapping = _mapping(truth, claimed)
    return _take_mapped(truth, mapping) if len(set(mapping.values())) == len(mapping) > 0 else None


def _repeat_as_claimed(truth: Truth, claimed: Claimed) -> Plant | None:
    mapping = _mapping(truth, claimed)
    return _take_mapped(truth, mapping) if len(set(mapping.values())) < len(mapping) else None


# Prompts and padding -----------------------------------------------------------------------------------------------


def _padded(truth: Truth, left: bool, masked: bool, keep: bool = False) -> States:
    """The prompts in one padded batch. With `keep`, padding stays among the tokens."""

    def read() -> States:
        batch = pad_prompts(truth.prompts, truth.script.pad_id, left)
        states = truth.script.run(batch.ids, mask=batch.mask if masked else None).states
        return list(states) if keep else batch.cut(states)

    return truth.rerun(f"padded, left: {left}, masked: {masked}, kept: {keep}", read)


def _attend_to_padding(truth: Truth) -> States:
    return _padded(truth, left=truth.script.causal, masked=False)


def _packed(truth: Truth) -> States:
    """Each prompt, except the first, behind the one before it, as one sequence."""
    before = [truth.prompts[0][:0], *truth.prompts[:-1]]
    joined = [torch.cat(pair) for pair in zip(before, truth.prompts, strict=True)]

    def read() -> States:
        both = truth.read_alone(joined)
        return [states[:, len(one) :] for states, one in zip(both, before, strict=True)]

    return truth.rerun("packed", read)


def _reverse_prompts(truth: Truth) -> States:
    return truth.states[::-1]


def _reorder_prompts(truth: Truth, claimed: Claimed) -> Plant | None:
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
        [other.states[row] for row in order] if len(other.states) == len(order) else _reverse_prompts(other)
    )


# Tokens and dims ---------------------------------------------------------------------------------------------------


def _roll(by: int) -> Plant:
    return each(lambda states: states.roll(by, dims=1))


def _roll_as_claimed(truth: Truth, claimed: Claimed) -> Plant | None:
    longest = max(range(len(truth.prompts)), key=lambda row: len(truth.prompts[row]))
    ours, theirs = truth.states[longest], claimed.states[longest]
    if ours.shape[1:] != theirs.shape[1:]:
        return None
    rows = [row for row, layer in enumerate(claimed.layers) if layer < len(ours)]
    right = ours[[claimed.layers[row] for row in rows]]
    gaps = {by: float(distances(theirs[rows], right.roll(by, 1)).median()) for by in (1, -1, 2, -2)}
    return _roll(min(gaps, key=gaps.__getitem__))


def _drop_tokens(first: int, last: int) -> Plant:
    return each(lambda states: states[:, first : states.shape[1] - last])


def _drop_as_claimed(truth: Truth, claimed: Claimed) -> Plant | None:
    missing = {o.shape[1] - t.shape[1] for o, t in zip(truth.states, claimed.states, strict=True)}
    if len(missing) > 1 or min(missing) <= 0:
        return None
    (count,) = missing
    ends = [_drop_tokens(first, count - first) for first in (count, 0, 1)]
    gaps = [float(torch.tensor(_medians(claimed, plant(truth))).min()) for plant in ends]
    return ends[gaps.index(min(gaps))]


def _medians(claimed: Claimed, states: States) -> list[float]:
    """Median distance of the first prompt's tokens, per layer."""
    theirs, ours = claimed.states[0], states[0]
    rows = [row for row, layer in enumerate(claimed.layers) if layer < len(ours)]
    if theirs.shape[1:] != ours.shape[1:] or not rows:
        return [torch.inf]
    return distances(theirs[rows], ours[[claimed.layers[row] for row in rows]]).median(1).values.tolist()


def _drop_dims(count: int) -> Plant:
    return each(lambda states: states[..., :count])


def _drop_dims_by_a_quarter(truth: Truth) -> States:
    return _drop_dims(truth.states[0].shape[-1] * 3 // 4)(truth)


def _drop_dims_as_claimed(truth: Truth, claimed: Claimed) -> Plant | None:
    dims = claimed.states[0].shape[-1]
    return _drop_dims(dims) if dims < truth.states[0].shape[-1] else None


# Values ------------------------------------------------------------------------------------------------------------


def _only(part: str) -> Plant:
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


def _without_branch(truth: Truth) -> States:
    if "branch" not in truth.parts:
        return truth.states
    pairs = zip(truth.states, truth.parts["branch"], strict=True)
    return [
        torch.cat([states[:1], states[1:] - added]) if added.shape == states[1:].shape else states
        for states, added in pairs
    ]


def _times(factors: Tensor) -> Plant:
    """Each layer times a factor: float32 [layer]; the last factor also for layers beyond."""

    def change(states: Tensor) -> Tensor:
        rows = torch.arange(len(states)).clamp_max(len(factors) - 1)
        return states * factors[rows, None, None]

    return each(change)


def _times_as_claimed(truth: Truth, claimed: Claimed) -> Plant | None:
    ours, theirs = truth.states[0], claimed.states[0]
    if ours.shape[1:] != theirs.shape[1:]:
        return None
    factors = torch.ones(len(ours))
    for row, layer in enumerate(claimed.layers):
        if layer < len(ours):
            factors[layer] = (ours[layer] * theirs[row]).sum() / ours[layer].square().sum().clamp_min(1e-12)
    # A layer of zeros is a fault of its own.
    return _times(factors.where(factors.abs() > 1e-6, 1.0)) if factors.isfinite().all() else None


def _unscaled_embedding(truth: Truth) -> States:
    factors = torch.ones(truth.n_layers)
    factors[0] = truth.states[0].shape[-1] ** -0.5
    return _times(factors)(truth)


def _run_unscaled(truth: Truth) -> States:
    return truth.rerun(
        "unscaled", lambda: truth.read_alone(enter=lambda hidden: hidden * hidden.shape[-1] ** -0.5)
    )


def _word_embeddings(truth: Truth) -> States:
    rows = [truth.script.embedded(ids) for ids in truth.prompts]
    return [
        torch.cat([row[None], states[1:]]) if row.shape == states[0].shape else states
        for row, states in zip(rows, truth.states, strict=True)
    ]


def _infinite_somewhere(states: Tensor) -> Tensor:
    broken = states.clone()
    broken[len(states) // 2, -1, 0] = torch.nan
    return broken


def _rounded(dtype: torch.dtype) -> Fit:
    """Rounding, if every number that the engine returned is one of that dtype."""

    def fit(truth: Truth, claimed: Claimed) -> Plant | None:
        exact = claimed.dtype == "float32" and all(
            torch.equal(s, s.to(dtype).float()) for s in claimed.states
        )
        return each(lambda states: states.to(dtype).float()) if exact else None

    return fit


def _shuffled(matrix: Tensor) -> Tensor:
    order = torch.randperm(matrix.numel(), generator=torch.Generator().manual_seed(0))
    return matrix.flatten()[order.to(matrix.device)].view_as(matrix)


def _quantised(matrix: Tensor) -> Tensor:
    step = matrix.abs().amax(dim=-1, keepdim=True).clamp_min(1e-12) / 127
    return (matrix / step).round() * step


def _dropped_out(truth: Truth) -> States:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return [torch.nn.functional.dropout(states, 0.1) for states in truth.states]


def _other_weights(truth: Truth) -> States:
    with truth.script.altered(_shuffled):
        return truth.rerun("other weights", truth.read_alone)


def _less_precise(truth: Truth) -> States:
    with truth.script.altered(_quantised):
        return truth.rerun("less precise", truth.read_alone)


NO_EMBEDDING = Fault(
    "embedding missing",
    "index 0 is the output of block 1: the input of block 1 is left out, and every later index is one too low",
    lambda truth: drop_embedding(truth, truth.states),
    convention=drop_embedding,
    ours="repalign reads the input of block 1 as layer 0",
)
NORMED_LAST = Fault(
    "last layer after the final norm",
    "the last state is the output of the last block after the final norm, as in transformers' output_hidden_states",
    lambda truth: norm_last(truth, truth.states),
    convention=norm_last,
    ours="repalign reads the last block's output before the norm; --site final is after it",
)
PADDING_ATTENDED = Fault(
    "padding leak",
    "padding is attended to: the states of a prompt depend on how far it is padded",
    _attend_to_padding,
)
PADDING_SHIFTS = Fault(
    "left padding shifts positions",
    "prompts are padded on the left, and positions count the padding",
    lambda truth: _padded(truth, left=True, masked=True),
)
PADDING_INCLUDED = Fault(
    "padding included",
    "the states of padding stand among those of the tokens",
    lambda truth: _padded(truth, left=False, masked=True, keep=True),
    exact=False,
)
BATCH = Fault(
    "depends on the batch",
    "prompts are not separated: a prompt's states depend on those beside it",
    _packed,
)
NOT_REPRODUCIBLE = Fault(
    "not reproducible",
    "equal prompts have unequal states, at every layer: dropout is on, or the states are noise",
    _dropped_out,
    exact=False,
)
NOT_FINITE = Fault("not finite", "some numbers are NaN or infinite", each(_infinite_somewhere), exact=False)
CONSTANT = Fault(
    "constant",
    "all tokens of a prompt have the same state",
    each(lambda states: states.mean(1, keepdim=True).expand_as(states)),
)
LESS_PRECISE = Fault(
    "less precise",
    "close to the right states, but farther than the claimed dtype explains: quantised weights, coarser arithmetic or "
    "tables, or a checkpoint that was trained a little further",
    _less_precise,
    exact=False,
)
OTHER_WEIGHTS = Fault(
    "other weights",
    "equal prefixes have equal states, but not those of this checkpoint: another checkpoint, untrained weights, a "
    "missing adapter, or an unknown transformation",
    _other_weights,
    exact=False,
)

FAULTS: tuple[Fault, ...] = (
    Fault("last layer missing", "the output of the last block is left out", each(lambda states: states[:-1])),
    Fault(
        "layers in the wrong order",
        "the states are right, at other indices",
        _reverse_layers,
        _reorder_layers,
    ),
    Fault("layers repeated", "some layers are copies of others", _repeat_layers, _repeat_as_claimed),
    Fault("off by one: the layer above", "index l is the output of block l + 1", _shift(1)),
    Fault("off by one: the layer below", "index l is the input of block l, not its output", _shift(-1)),
    Fault("final norm at every layer", "every state is after the final norm", _norm_all),
    Fault("zeros", "every number is zero", each(torch.zeros_like)),
    CONSTANT,
    NOT_FINITE,
    Fault(
        "embedding scale missing",
        "layer 0 is not multiplied by the square root of the number of dims (Gemma), only where it is read",
        _unscaled_embedding,
    ),
    Fault("word embeddings alone", "layer 0 lacks positions, scale or norm", _word_embeddings),
    Fault(
        "residual missing",
        "what the last part of a block adds, without the residual stream: the first half of vLLM's (hidden, residual)",
        _only("branch"),
    ),
    Fault(
        "last addition missing",
        "the residual stream without what the last part of the block adds: the second half of vLLM's (hidden, residual)",
        _without_branch,
    ),
    Fault(
        "attention output only", "the output of a block's attention in place of the block's", _only("attn")
    ),
    Fault("MLP output only", "the output of a block's MLP in place of the block's", _only("mlp")),
    Fault(
        "scaled",
        "the states are multiplied by a constant",
        each(lambda states: states * 0.5),
        _times_as_claimed,
    ),
    Fault(
        "mean over dims removed",
        "the mean over dims is subtracted, as by folded layer norms",
        each(lambda states: states - states.mean(-1, keepdim=True)),
    ),
    Fault(
        "prompts in the wrong order",
        "the states are right, of other prompts",
        _reverse_prompts,
        _reorder_prompts,
    ),
    Fault("tokens shifted", "the states are right, of the tokens beside", _roll(1), _roll_as_claimed),
    Fault("tokens reversed", "the last token comes first", each(lambda states: states.flip(1))),
    Fault(
        "tokens missing", "tokens at the start or the end are left out", _drop_tokens(1, 0), _drop_as_claimed
    ),
    Fault("dims missing", "only the first dims are there", _drop_dims_by_a_quarter, _drop_dims_as_claimed),
    Fault(
        "rounded to bfloat16",
        "computed in or rounded to bfloat16, though float32 is claimed",
        each(lambda states: states.bfloat16().float()),
        _rounded(torch.bfloat16),
        dtype="bfloat16",
    ),
    Fault(
        "rounded to float16",
        "computed in or rounded to float16, though float32 is claimed",
        each(lambda states: states.half().float()),
        _rounded(torch.float16),
        dtype="float16",
    ),
    Fault(
        "embedding scale missing in the model",
        "the whole model runs on embeddings that are not multiplied by the square root of the number of dims (Gemma)",
        _run_unscaled,
    ),
    PADDING_ATTENDED,
    PADDING_SHIFTS,
    PADDING_INCLUDED,
    BATCH,
    NOT_REPRODUCIBLE,
    LESS_PRECISE,
    OTHER_WEIGHTS,
)
"""In the order in which they are tried; the first that explains the states is named."""

CONVENTIONS = (NORMED_LAST, NO_EMBEDDING)
"""Faults, unless the engine declares them."""
