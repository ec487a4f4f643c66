"""Edit hidden states during a forward pass, through nnsight, and measure the outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from repalign.models.anatomy import part_of
from repalign.models.engine import Engine
from repalign.models.hooks import tensor_of
from repalign.models.next_token import by_sentence, next_token
from repalign.models.pooling import mean
from repalign.models.tokenization import TokenRows
from repalign.models.unembed import batches
from repalign.progress import Phase


class Edit(NamedTuple):
    """A change of the states at one layer and site.

    Attributes:
        layer: number of the block, from 1.
        site: "resid", the block's output, or "mlp-act", the input of its MLP's last projection.
        change: states [sentence, token, dim] -> states of the same shape.
    """

    layer: int
    site: Literal["resid", "mlp-act"]
    change: Callable[[Tensor], Tensor]


class Outcome(NamedTuple):
    """A model's predictions and states for some sentences.

    Attributes:
        loss: float64 [sentence], nats per content token.
        mass: float64 [sentence, language], predicted probability of each language's tokens, mean over content tokens.
        states: float32 [sentence, dim], mean of the last block's output over content tokens.
    """

    loss: np.ndarray
    mass: np.ndarray
    states: np.ndarray


@dataclass
class EditableModel:
    """A loaded model whose states can be edited.

    Args:
        engine: of the model.
        token_languages: bool [language, token], see `languages_of_tokens`.
        phase: that counts sentences.
    """

    engine: Engine
    token_languages: np.ndarray
    phase: Phase | None = None

    def __post_init__(self) -> None:
        from nnsight import NNsight

        model: Any = self.engine.model
        self.traced: Any = NNsight(model)
        self.names = {module: name for name, module in model.named_modules()}
        self.membership = torch.from_numpy(self.token_languages.T.astype(np.float32)).to(self.engine.device)

    def run(self, rows: TokenRows, edits: Sequence[Edit] = ()) -> Outcome:
        """One pass over the sentences with these edits.

        Raises:
            RepalignError: a block lacks the module that an edit names.
        """
        import nnsight

        targets = [(self._target(edit), edit) for edit in sorted(edits, key=_order_of_execution)]
        last = self.traced.get(self.names[self.engine.reader.blocks[-1]])
        loss = np.empty(len(rows))
        mass = np.empty((len(rows), len(self.token_languages)))
        states = np.empty((len(rows), self.engine.dim), dtype=np.float32)
        for batch, ids, content, real in batches(self.engine, rows, self.token_languages.shape[1]):
            with (
                torch.inference_mode(),
                self.traced.trace(input_ids=ids, attention_mask=real.long(), use_cache=False) as tracer,
            ):
                for target, edit in targets:
                    if edit.site == "mlp-act":
                        target.input = edit.change(target.input)
                    else:
                        target.output = _changed(target.output, edit.change)
                hidden = nnsight.save(tensor_of(last.output))
                logits = nnsight.save(self.traced.output.logits)
                tracer.stop()
            with torch.inference_mode():
                loss[batch], mass[batch] = self._outcomes(logits.to(ids.device).float(), ids, content)
                states[batch] = mean(hidden.to(ids.device).float(), content, real).cpu().numpy()
            if self.phase is not None:
                self.phase.update(len(batch))
        return Outcome(loss, mass, states)

    def _target(self, edit: Edit) -> Any:
        """The traced module that an edit changes."""
        block = self.engine.reader.blocks[edit.layer - 1]
        module = part_of(block, edit.site, edit.layer) if edit.site == "mlp-act" else block
        return self.traced.get(self.names[module])

    def _outcomes(self, logits: Tensor, ids: Tensor, content: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Loss [sentence] and mass [sentence, language] of one batch."""
        predicted, log_probabilities, nats = next_token(logits, ids, content)
        languages = (
            log_probabilities.exp_() @ self.membership
        )  # in place: the vocabulary is the widest of all states
        values = torch.cat([nats[:, None], languages.double()], dim=1)
        means = by_sentence(values, predicted).cpu().numpy()
        return means[:, 0], means[:, 1:]


def _order_of_execution(edit: Edit) -> tuple[int, bool]:
    """Sort key: a block's MLP runs before the block's output."""
    return edit.layer, edit.site == "resid"


def _changed(output: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(output, tuple):
        return (change(output[0]), *output[1:])
    return change(output)


def without_neurons(neurons: np.ndarray) -> Callable[[Tensor], Tensor]:
    """A change that sets neurons to 0, given their indices in the layer, int64 [neuron]."""
    indices = torch.from_numpy(neurons)
    return lambda states: states.index_fill(-1, indices.to(states.device), 0)


def without_directions(directions: np.ndarray, centre: np.ndarray) -> Callable[[Tensor], Tensor]:
    """A change that sets every state's components along some directions to those of `centre`.

    Args:
        directions: orthonormal, float64 [direction, dim].
        centre: float64 [dim].
    """
    basis, middle = torch.from_numpy(directions).float(), torch.from_numpy(centre).float()

    def change(states: Tensor) -> Tensor:
        along, origin = basis.to(states.device), middle.to(states.device)
        component = (states.float() - origin) @ along.T @ along
        return states - component.to(states.dtype)

    return change


def add_vector(step: np.ndarray) -> Callable[[Tensor], Tensor]:
    """A change that adds a vector [dim] to every state."""
    vector = torch.from_numpy(step)
    return lambda states: states + vector.to(states)
