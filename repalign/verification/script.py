"""The script that reads a model: one forward pass, and what it shows of every block.

It shares with the rest of repalign how the blocks of a model are found, and nothing of batching, padding or reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from repalign.errors import RepalignError
from repalign.models.anatomy import part_of
from repalign.models.engine import Engine
from repalign.models.hooks import tensor_of
from repalign.models.load_checks import plain
from repalign.models.unembed import find_ending
from repalign.models.vocabulary import padding_id


class Batch(NamedTuple):
    """What one forward pass shows.

    Attributes:
        states: float32 [sentence, layer, token, dim]: the input of block 1, then the output of every block.
        last: float32 [sentence, token, dim], what the body returns: after the final norm, if there is one.
        parts: what blocks add, float32 [sentence, block, token, dim], by name; see `Truth`.
    """

    states: Tensor
    last: Tensor
    parts: dict[str, Tensor]


@dataclass(frozen=True, eq=False, repr=False)
class Script:
    """A model and the few lines that read it.

    Attributes:
        body: the module that computes hidden states.
        blocks: its blocks, in order.
        causal: whether a token's state is independent of the tokens after it.
        table: of token embeddings, float [token id, dim]; None if the model has no such table.
        pad_id: of padding.
        norm: what lies between the last block and the last hidden state; None if it is more than modules in a row.
    """

    body: nn.Module
    blocks: Sequence[nn.Module]
    causal: bool
    table: Tensor | None
    pad_id: int
    norm: tuple[nn.Module, ...] | None

    @classmethod
    @torch.inference_mode()
    def around(cls, engine: Engine, prompt: Tensor) -> Script:
        """The script for a loaded model; `prompt`, int64 [token], is run once to see what follows the last block."""
        body, blocks = engine.reader.body, engine.reader.blocks
        pad_id = padding_id(engine.tokenizer, engine.rows)
        script = cls(body, blocks, engine.causal, _table_of(body), pad_id, None)
        return replace(script, norm=script._ending(prompt[None]))

    @torch.inference_mode()
    def run(
        self,
        ids: Tensor,
        *,
        mask: Tensor | None = None,
        enter: Callable[[Tensor], Tensor] | None = None,
        parts: bool = False,
    ) -> Batch:
        """One forward pass.

        Args:
            ids: int64 [sentence, token].
            mask: attention mask, int64 [sentence, token]; by default the model is given none.
            enter: changes the input of block 1.
            parts: whether to keep what the blocks add, too.

        Raises:
            RepalignError: blocks that do not return hidden states.
        """
        sentences, tokens = ids.shape
        entered: list[Tensor] = []
        left: list[Tensor] = []
        within: list[list[tuple[nn.Module, Tensor]]] = []

        def as_shown(output: Any) -> Tensor:
            hidden = tensor_of(output)
            if hidden.dim() == 2 and len(hidden) == sentences * tokens:
                hidden = hidden.unflatten(0, (sentences, tokens))
            return plain(hidden, sentences, tokens).float().cpu()

        def first(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            hidden = args[0] if args else kwargs["hidden_states"]
            if enter is not None:
                hidden = enter(hidden)
            entered.append(as_shown(hidden))
            return ((hidden, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": hidden})

        def block_done(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            left.append(as_shown(output))

        def block_begins(module: nn.Module, args: tuple[Any, ...]) -> None:
            within.append([])

        def part_done(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            try:
                within[-1].append((module, as_shown(output)))
            except RepalignError:  # heads, router logits and the like: not states
                return

        handles = [self.blocks[0].register_forward_pre_hook(first, with_kwargs=True)]
        handles += [block.register_forward_hook(block_done) for block in self.blocks]
        if parts:
            inner = {part for block in self.blocks for part in block.modules()} - set(self.blocks)
            handles += [block.register_forward_pre_hook(block_begins) for block in self.blocks]
            handles += [part.register_forward_hook(part_done) for part in inner]
        given = {"input_ids": ids.to(self._device), **self._arguments}
        if mask is not None:
            given["attention_mask"] = mask.to(self._device)
        try:
            output = self.body(**given)
        finally:
            for handle in handles:
                handle.remove()
        if len(left) != len(self.blocks):
            raise RepalignError(
                f"{len(left)} of the {len(self.blocks)} blocks of {type(self.body).__name__} ran; expected each once"
            )
        return Batch(
            torch.stack([*entered, *left], dim=1),
            as_shown(output),
            self._named_parts(within, left) if parts else {},
        )

    def normed(self, states: Tensor) -> Tensor | None:
        """States [..., dim] after the final norm; None if it is not known."""
        if self.norm is None:
            return None
        with torch.inference_mode():
            hidden = states.to(self._device, next(self.body.parameters()).dtype)
            for module in self.norm:
                hidden = tensor_of(module(hidden))
        return hidden.float().cpu()

    def embedded(self, ids: Tensor) -> Tensor | None:
        """The table's rows of some tokens, float32 [token, dim]: no positions, scale or norm."""
        return None if self.table is None else self.table[ids.to(self.table.device)].float().cpu()

    @contextmanager
    def altered(self, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
        """Within it, every matrix of weights is changed; afterwards they are as before. Holds them twice."""
        matrices = [p for p in self.body.parameters() if p.dim() > 1]
        before = [matrix.detach().clone() for matrix in matrices]
        with torch.no_grad():
            try:
                for matrix in matrices:
                    matrix.copy_(change(matrix))
                yield
            finally:
                for matrix, kept in zip(matrices, before, strict=True):
                    matrix.copy_(kept)

    @property
    def _device(self) -> torch.device:
        return next(self.body.parameters()).device

    @property
    def _arguments(self) -> dict[str, Any]:
        return {"use_cache": False} if self.causal else {}  # encoders do not accept it

    def _ending(self, ids: Tensor) -> tuple[nn.Module, ...] | None:
        """The modules that make the last hidden state of the last block's output; () if they are the same."""
        ending = find_ending(
            self.body, self.blocks, lambda: self.body(input_ids=ids.to(self._device), **self._arguments)
        )
        hidden, expected = ending.last, tensor_of(ending.output)
        if hidden.shape != expected.shape:
            return None  # several streams become one
        for count in range(len(ending.after) + 1):
            if torch.allclose(hidden, expected, rtol=1e-4, atol=1e-5):
                return ending.after[:count]
            try:
                hidden = tensor_of(ending.after[count](hidden))
            except (IndexError, TypeError, ValueError, RuntimeError, RepalignError):
                return None  # a pooler, say
        return None

    def _named_parts(
        self, within: Sequence[list[tuple[nn.Module, Tensor]]], left: Sequence[Tensor]
    ) -> dict[str, Tensor]:
        named: dict[str, list[Tensor]] = {"branch": [], "attn": [], "mlp": []}
        for number, (block, ran, output) in enumerate(zip(self.blocks, within, left, strict=True), 1):
            for site in ("attn", "mlp"):
                named[site] += _outputs_at(block, site, number, dict(ran))
            # The block's output is that of a module itself where the module adds the residual stream (BERT, BLOOM).
            added = [part for _, part in ran if part.shape == output.shape and not torch.equal(part, output)]
            named["branch"] += added[-1:]
        return {
            name: torch.stack(found, dim=1)
            for name, found in named.items()
            if len(found) == len(left) and len({part.shape for part in found}) == 1
        }


def _table_of(body: Any) -> Tensor | None:
    try:
        return body.get_input_embeddings().weight
    except (AttributeError, NotImplementedError):
        return None


def _outputs_at(block: nn.Module, site: str, number: int, ran: Mapping[nn.Module, Tensor]) -> list[Tensor]:
    """The output of the block's module at a site; none if the block has no such module."""
    try:
        return [ran[part_of(block, site, number)]]
    except (RepalignError, KeyError):
        return []
