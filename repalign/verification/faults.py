"""The faults: one list, used to recognise what is wrong, to plant it in tests, and to compute what it would do.

A fault is recognised if the states it would give are those that an engine returned. Where these depend on what nobody
knows (which tokens are padding, which other weights), by signs: see `repalign.verification.signs`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from repalign.verification import planting
from repalign.verification.planting import Fit, each
from repalign.verification.truth import Plant, States, Truth


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


NO_EMBEDDING = Fault(
    "embedding missing",
    "index 0 is the output of block 1: the input of block 1 is left out, and every later index is one too low",
    lambda truth: planting.drop_embedding(truth, truth.states),
    convention=planting.drop_embedding,
    ours="repalign reads the input of block 1 as layer 0",
)
NORMED_LAST = Fault(
    "last layer after the final norm",
    "the last state is the output of the last block after the final norm, as in transformers' output_hidden_states",
    lambda truth: planting.norm_last(truth, truth.states),
    convention=planting.norm_last,
    ours="repalign reads the last block's output before the norm; --site final is after it",
)
APPENDED = Fault(
    "final state appended",
    "the last block's output after the final norm follows as one more layer, as in transformers' recurrent models",
    lambda truth: planting.append_normed(truth, truth.states),
    convention=planting.append_normed,
    ours="repalign has no such layer; --site final reads it",
)
PADDING_ATTENDED = Fault(
    "padding leak",
    "padding is attended to: the states of a prompt depend on how far it is padded",
    planting.attend_to_padding,
)
PADDING_SHIFTS = Fault(
    "left padding shifts positions",
    "prompts are padded on the left, and positions count the padding",
    lambda truth: planting.padded(truth, left=True, masked=True),
)
PADDING_INCLUDED = Fault(
    "padding included",
    "the states of padding stand among those of the tokens",
    lambda truth: planting.padded(truth, left=False, masked=True, keep=True),
    exact=False,
)
BATCH = Fault(
    "depends on the batch",
    "prompts are not separated: a prompt's states depend on those beside it",
    planting.packed,
)
NOT_REPRODUCIBLE = Fault(
    "not reproducible",
    "equal prompts have unequal states, at every layer: dropout is on, or the states are noise",
    planting.dropped_out,
    exact=False,
)
NOT_FINITE = Fault(
    "not finite", "some numbers are NaN or infinite", each(planting.infinite_somewhere), exact=False
)
CONSTANT = Fault(
    "constant",
    "all tokens of a prompt have the same state",
    each(lambda states: states.mean(1, keepdim=True).expand_as(states)),
)
LESS_PRECISE = Fault(
    "less precise",
    "close to the right states, but farther than the claimed dtype explains: quantised weights, coarser arithmetic or "
    "tables, or a checkpoint that was trained a little further",
    planting.less_precise,
    exact=False,
)
OTHER_WEIGHTS = Fault(
    "other weights",
    "equal prefixes have equal states, but not those of this checkpoint: another checkpoint, untrained weights, a "
    "missing adapter, or an unknown transformation",
    planting.other_weights,
    exact=False,
)

FAULTS: tuple[Fault, ...] = (
    Fault("last layer missing", "the output of the last block is left out", each(lambda states: states[:-1])),
    Fault(
        "layers in the wrong order",
        "the states are right, at other indices",
        planting.reverse_layers,
        planting.reorder_layers,
    ),
    Fault(
        "layers repeated",
        "some layers are copies of others",
        planting.repeat_layers,
        planting.repeat_as_claimed,
    ),
    Fault("off by one: the layer above", "index l is the output of block l + 1", planting.shift_layers(1)),
    Fault(
        "off by one: the layer below",
        "index l is the input of block l, not its output",
        planting.shift_layers(-1),
    ),
    Fault("final norm at every layer", "every state is after the final norm", planting.norm_all),
    Fault("zeros", "every number is zero", each(torch.zeros_like)),
    CONSTANT,
    NOT_FINITE,
    Fault(
        "embedding scale missing",
        "layer 0 is not multiplied by the square root of the number of dims (Gemma), only where it is read",
        planting.unscaled_embedding,
    ),
    Fault("word embeddings alone", "layer 0 lacks positions, scale or norm", planting.word_embeddings),
    Fault(
        "residual missing",
        "what the last part of a block adds, without the residual stream: the first half of vLLM's (hidden, residual)",
        planting.only_part("branch"),
    ),
    Fault(
        "last addition missing",
        "the residual stream without what the last part of the block adds: the second half of vLLM's (hidden, residual)",
        planting.without_branch,
    ),
    Fault(
        "attention output only",
        "the output of a block's attention in place of the block's",
        planting.only_part("attn"),
    ),
    Fault(
        "MLP output only", "the output of a block's MLP in place of the block's", planting.only_part("mlp")
    ),
    Fault(
        "scaled",
        "the states are multiplied by a constant",
        each(lambda states: states * 0.5),
        planting.times_as_claimed,
    ),
    Fault(
        "mean over dims removed",
        "the mean over dims is subtracted, as by folded layer norms",
        each(lambda states: states - states.mean(-1, keepdim=True)),
    ),
    Fault(
        "prompts in the wrong order",
        "the states are right, of other prompts",
        planting.reverse_prompts,
        planting.reorder_prompts,
    ),
    Fault(
        "tokens shifted",
        "the states are right, of the tokens beside",
        planting.roll(1),
        planting.roll_as_claimed,
    ),
    Fault("tokens reversed", "the last token comes first", each(lambda states: states.flip(1))),
    Fault(
        "tokens missing",
        "tokens at the start or the end are left out",
        planting.drop_tokens(1, 0),
        planting.drop_as_claimed,
    ),
    Fault(
        "dims missing",
        "only the first dims are there",
        planting.drop_dims_by_a_quarter,
        planting.drop_dims_as_claimed,
    ),
    Fault(
        "rounded to bfloat16",
        "computed in or rounded to bfloat16, though float32 is claimed",
        each(lambda states: states.bfloat16().float()),
        planting.rounded(torch.bfloat16),
        dtype="bfloat16",
    ),
    Fault(
        "rounded to float16",
        "computed in or rounded to float16, though float32 is claimed",
        each(lambda states: states.half().float()),
        planting.rounded(torch.float16),
        dtype="float16",
    ),
    Fault(
        "embedding scale missing in the model",
        "the whole model runs on embeddings that are not multiplied by the square root of the number of dims (Gemma)",
        planting.run_unscaled,
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

CONVENTIONS = (NORMED_LAST, APPENDED, NO_EMBEDDING)
"""Faults, unless the engine declares them."""
