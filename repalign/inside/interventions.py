"""Changing states inside a forward pass, through nnsight, and what the model then says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from repalign.inside.lens import by_sentence, said_next
from repalign.models.anatomy import part_of
from repalign.models.engine import Engine
from repalign.models.hooks import tensor_of
from repalign.models.pooling import mean
from repalign.models.tokenization import TokenRows
from repalign.models.unembed import batches


class Edit(NamedTuple):
    """A change at one place of the model.

    Attributes:
        layer: from 1, the block.
        site: "resid", its output, or "mlp-act", what its MLP's last projection is given.
        change: states [sentence, token, dim] -> the same shape.
    """

    layer: int
    site: str
    change: Callable[[Tensor], Tensor]


class Said(NamedTuple):
    """What a model makes of sentences.

    Attributes:
        loss: float64 [sentence], nats a content token.
        mass: float64 [sentence, language], probability of each language's tokens at the content tokens.
        states: float32 [sentence, dim], mean of the last block's output over content tokens.
    """

    loss: np.ndarray
    mass: np.ndarray
    states: np.ndarray


@dataclass
class Intervened:
    """A loaded model whose states can be changed.

    Args:
        engine: with its layers.
        own: bool [language, token], see `languages_of_tokens`.
    """

    engine: Engine
    own: np.ndarray

    def __post_init__(self) -> None:
        from nnsight import NNsight

        model: Any = self.engine.model
        self.traced: Any = NNsight(model)
        self.names = {module: name for name, module in model.named_modules()}
        self.of = torch.from_numpy(self.own.T.astype(np.float32)).to(self.engine.device)

    def said(self, rows: TokenRows, edits: Sequence[Edit] = ()) -> Said:
        """One pass over the sentences with these changes.

        Raises:
            RepalignError: a block without the module that an edit names.
        """
        import nnsight

        places = [(self._at(edit), edit) for edit in sorted(edits, key=_in_order)]
        last = self.traced.get(self.names[self.engine.reader.blocks[-1]])
        loss = np.empty(len(rows))
        mass = np.empty((len(rows), len(self.own)))
        states = np.empty((len(rows), self.engine.dim), dtype=np.float32)
        for batch, ids, content, real in batches(self.engine, rows, self.own.shape[1]):
            with (
                torch.inference_mode(),
                self.traced.trace(input_ids=ids, attention_mask=real.long(), use_cache=False) as tracer,
            ):
                for place, edit in places:
                    if edit.site == "mlp-act":
                        place.input = edit.change(place.input)
                    else:
                        place.output = _changed(place.output, edit.change)
                hidden = nnsight.save(tensor_of(last.output))
                logits = nnsight.save(self.traced.output.logits)
                tracer.stop()
            with torch.inference_mode():
                loss[batch], mass[batch] = self._outcomes(logits.to(ids.device).float(), ids, content)
                states[batch] = mean(hidden.to(ids.device).float(), content, real).cpu().numpy()
        return Said(loss, mass, states)

    def _at(self, edit: Edit) -> Any:
        block = self.engine.reader.blocks[edit.layer - 1]
        module = part_of(block, edit.site, edit.layer) if edit.site == "mlp-act" else block
        return self.traced.get(self.names[module])

    def _outcomes(self, logits: Tensor, ids: Tensor, content: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Loss [sentence] and mass [sentence, language] of one batch."""
        learnt = content[:, 1:]
        told = logits[:, :-1][learnt]
        nats = torch.nn.functional.cross_entropy(told, ids[:, 1:][learnt], reduction="none").double()
        values = torch.cat([nats.unsqueeze(1), said_next(told, self.of)[:, :-1]], dim=1)
        means = by_sentence(values, learnt).cpu().numpy()
        return means[:, 0], means[:, 1:]


def _in_order(edit: Edit) -> tuple[int, bool]:
    """As the forward pass comes by: a block's MLP before its output."""
    return edit.layer, edit.site == "resid"


def _changed(output: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(output, tuple):
        return (change(output[0]), *output[1:])
    return change(output)


def without_neurons(chosen: np.ndarray) -> Callable[[Tensor], Tensor]:
    """Sets these neurons of a layer to 0; int64 [neuron]."""
    places = torch.from_numpy(chosen)
    return lambda states: states.index_fill(-1, places.to(states.device), 0)


def without_directions(directions: np.ndarray, centre: np.ndarray) -> Callable[[Tensor], Tensor]:
    """Moves every state to where it and `centre` are the same along some directions.

    Args:
        directions: [direction, dim], orthonormal.
        centre: [dim].
    """
    basis, middle = torch.from_numpy(directions).float(), torch.from_numpy(centre).float()

    def change(states: Tensor) -> Tensor:
        along, origin = basis.to(states.device), middle.to(states.device)
        moved = (states.float() - origin) @ along.T @ along
        return states - moved.to(states.dtype)

    return change


def moved_by(step: np.ndarray) -> Callable[[Tensor], Tensor]:
    """Adds a vector to every state; [dim]."""
    vector = torch.from_numpy(step)
    return lambda states: states + vector.to(states)
