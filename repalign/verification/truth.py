"""The truth: hidden states of prompts read one at a time, without padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from torch import Tensor

from repalign.progress import Phase
from repalign.verification.script import Script

States: TypeAlias = "list[Tensor]"
"""Hidden states of some prompts: per prompt float32 [layer, token, dim], on the CPU."""

Plant: TypeAlias = "Callable[[Truth], States]"
"""From right states to those that an engine with a certain fault would return for the same prompts."""


@dataclass(frozen=True, eq=False, repr=False)
class Truth:
    """The right states of some prompts, and what else is needed to say what is wrong with others.

    Attributes:
        script: reads the model.
        prompts: token ids, int64 [token] each.
        states: layer 0 is the input of block 1, layer l the output of block l, before the final norm.
        last: after the final norm, float32 [token, dim] each.
        parts: what blocks compute besides their output, [block, token, dim] per prompt: "attn" and "mlp", the outputs of
            those modules, and "branch", what is added to the residual stream last. Absent where a family has no such module.
        shown: what an engine returns for right states by its convention, e.g. the last layer after the final norm.
        reruns: states of the same prompts read in other ways, as they are computed.
    """

    script: Script
    prompts: Sequence[Tensor]
    states: States
    last: Sequence[Tensor]
    parts: dict[str, States]
    shown: Callable[[Truth, States], States] | None = None
    reruns: dict[str, States] = field(default_factory=dict)

    @property
    def n_layers(self) -> int:
        """Number of layers, the input of block 1 included."""
        return len(self.script.blocks) + 1

    def rerun(self, how: str, read: Callable[[], States]) -> States:
        """The states that `read` returns, computed once under the name `how`, in the convention of the engine."""
        if how not in self.reruns:
            self.reruns[how] = read()
        states = self.reruns[how]
        return states if self.shown is None else self.shown(self, states)

    def read_alone(self, prompts: Sequence[Tensor] | None = None, **how: Any) -> States:
        """The states of each prompt alone, read in another way: see `Script.run`."""
        return [self.script.run(ids[None], **how).states[0] for ids in prompts or self.prompts]

    def with_convention(self, shown: Callable[[Truth, States], States]) -> Truth:
        """The same truth as an engine of that convention returns it."""
        return replace(self, states=shown(self, self.states), shown=shown)


def read_truth(script: Script, prompts: Sequence[Tensor], phase: Phase | None = None) -> Truth:
    """The states of each prompt alone: a batch of one, no padding, no mask.

    Args:
        script: of a model in float32.
        prompts: token ids, int64 [token] each.
        phase: that counts prompts.

    Raises:
        RepalignError: a model whose blocks do not return hidden states.
    """
    read = []
    for ids in prompts:
        read.append(script.run(ids[None], parts=True))
        if phase is not None:
            phase.update()
    names = set.intersection(*(set(one.parts) for one in read))
    return Truth(
        script=script,
        prompts=list(prompts),
        states=[one.states[0] for one in read],
        last=[one.last[0] for one in read],
        parts={name: [one.parts[name][0] for one in read] for name in sorted(names)},
    )
