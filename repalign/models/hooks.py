"""Reading every layer of a transformer by forward hooks.

Layer 0 is the input of block 1, layer l the output of block l, before the final norm. What
`output_hidden_states` calls the last state is after the final norm: it is the site `final` here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from repalign.errors import RepalignError, unknown
from repalign.models.anatomy import PARTS, entry_of, find_blocks, part_of
from repalign.models.sites import SITES


class StopForward(Exception):
    """Raised to stop the forward pass after the last requested layer."""


class LayerReader:
    """Reads chosen layers during one forward pass and keeps the pooled states of each.

    Attributes:
        body: the module to run, see `anatomy.body_of`.
        blocks: its blocks.
        site: see `repalign.models.sites`.
        layers: layer numbers, ascending.
        axes: which axes of the site are sentence and token; determined in the first run.
    """

    def __init__(self, body: nn.Module, site: str = "resid", layers: Sequence[int] | None = None) -> None:
        if site not in SITES:
            raise unknown("site", site, SITES)
        self.body = body
        self.blocks = find_blocks(body)
        self.site = site
        self.axes: tuple[int, int] | None = None
        count = len(self.blocks)
        here = {"resid": range(count + 1), "embed": (0,), "final": (count,)}.get(site, range(1, count + 1))
        self.layers = tuple(here) if layers is None else tuple(sorted(set(layers)))
        if not self.layers:
            raise RepalignError(f"no layer to read; layers at site {site!r} are {here[0]}..{here[-1]}")
        for layer in self.layers:
            if layer not in here:
                raise RepalignError(f"no layer {layer} at site {site!r}; layers are {here[0]}..{here[-1]}")
        self._parts: dict[int, nn.Module] = {}
        if site in PARTS:
            self._parts = {layer: part_of(self.blocks[layer - 1], site, layer) for layer in self.layers}

    def run(self, pool: Callable[[Tensor], Tensor], **inputs: Any) -> list[Tensor]:
        """One forward pass of the body, up to the last requested layer.

        Args:
            pool: receives the hidden states of each layer, [sentence, token, dim], as soon as they are computed.

        Raises:
            RepalignError: layers that do not run in order, or do not return hidden states.
        """
        return self.read(pool, inputs)[0]

    def read(
        self, pool: Callable[[Tensor], Tensor], inputs: dict[str, Any], to_the_end: bool = False
    ) -> tuple[list[Tensor], Any]:
        """The pooled states of each layer, and the output of the body (None if the pass was stopped early)."""
        states: dict[int, Tensor] = {}
        sentences, tokens = inputs["input_ids"].shape

        def keep(layer: int, hidden: Any) -> None:
            if layer in states or any(later > layer for later in states):
                raise RepalignError(
                    f"layer {layer} of {type(self.body).__name__} is computed several times or out of order; "
                    "repalign cannot read this model"
                )
            states[layer] = pool(self._plain(tensor_of(hidden), sentences, tokens))
            if len(states) == len(self.layers) and not to_the_end:
                raise StopForward

        output = None
        handles = [self._attach(layer, keep) for layer in self.layers if self.site != "final"]
        try:
            output = self.body(**inputs)
            if self.site == "final":
                keep(self.layers[0], output)
        except StopForward:
            pass
        finally:
            for handle in handles:
                handle.remove()
        missing = [layer for layer in self.layers if layer not in states]
        if missing:
            raise RepalignError(
                f"layers {missing} of {type(self.body).__name__} do not run; repalign cannot read this model"
            )
        return [states[layer] for layer in self.layers], output

    def _attach(self, layer: int, keep: Callable[[int, Any], None]) -> RemovableHandle:
        module = self._parts.get(layer) or (
            self.blocks[layer - 1] if layer else entry_of(self.body, self.blocks)
        )
        if layer == 0 or self.site == "mlp-act":

            def before(module: nn.Module, args: tuple, kwargs: dict) -> None:
                keep(layer, args[0] if args else kwargs["hidden_states"])

            return module.register_forward_pre_hook(before, with_kwargs=True)

        def after(module: nn.Module, args: tuple, output: Any) -> None:
            keep(layer, output)

        return module.register_forward_hook(after)

    def _plain(self, hidden: Tensor, sentences: int, tokens: int) -> Tensor:
        """[sentence, token, dim], whatever the model's order of axes; several residual streams are concatenated."""
        if hidden.dim() == 2 and len(hidden) == sentences * tokens:
            hidden = hidden.unflatten(0, (sentences, tokens))
        if self.axes is None:
            self.axes = find_axes(hidden, sentences, tokens)
        return hidden.movedim(self.axes, (0, 1)).flatten(2)


def find_axes(hidden: Tensor, sentences: int, tokens: int) -> tuple[int, int]:
    """Which axes are sentence and token: most often 0 and 1; XLNet swaps them, Gemma 3n has streams before.

    Raises:
        RepalignError: no two neighbouring axes of these lengths.
    """
    pairs = list(zip(hidden.shape[:-2], hidden.shape[1:-1], strict=True))
    if (sentences, tokens) in pairs:
        first = pairs.index((sentences, tokens))
        return first, first + 1
    if (tokens, sentences) in pairs:
        first = pairs.index((tokens, sentences))
        return first + 1, first
    raise RepalignError(
        f"a layer has shape {tuple(hidden.shape)} for {sentences} sentences of {tokens} tokens; "
        "repalign cannot read this model"
    )


def tensor_of(output: Any) -> Tensor:
    """The hidden states in the output of a module.

    Raises:
        RepalignError: the output contains none.
    """
    if isinstance(output, Tensor):
        return output
    if hasattr(output, "last_hidden_state"):
        return output.last_hidden_state
    if isinstance(output, (tuple, list)) and isinstance(output[0], Tensor):
        return output[0]
    raise RepalignError(f"a block returned {type(output).__name__}; expected states [sentence, token, dim]")
