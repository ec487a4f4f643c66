"""Reading every layer of a transformer by forward hooks.

Layer 0 is the input of block 1, layer l the output of block l, before the final norm. What `output_hidden_states`
calls the last state is after the final norm: it is the site `final` here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from repalign.errors import RepalignError

SITES = ("resid", "attn", "mlp", "final")
"""resid: input of block 1 and output of every block; attn, mlp: what the attention or the MLP of a block adds;
final: the last block's output after the final norm."""

BLOCK_COUNTS = ("num_hidden_layers", "num_layers", "n_layer", "n_layers", "num_decoder_layers", "encoder_layers")
ATTENTION = ("self_attn", "self_attention", "attn", "attention", "mixer", "temporal_block", "linear_attn")
MLPS = ("mlp", "feed_forward", "ffn", "block_sparse_moe", "feedforward", "moe")


class Enough(Exception):
    """The last wanted layer is read; the blocks after it need not run."""


def find_blocks(body: nn.Module) -> nn.ModuleList:
    """The list of a model's blocks: the one outermost ModuleList as long as its configuration says.

    Raises:
        RepalignError: none, or several.
    """
    config = getattr(body, "config", None)
    if hasattr(config, "get_text_config"):
        config = config.get_text_config()
    counts = {getattr(config, name, None) for name in BLOCK_COUNTS} - {None}
    lists: dict[str, nn.ModuleList] = {}
    for name, module in body.named_modules():
        inside = any(name.startswith(outer + ".") for outer in lists)
        if isinstance(module, nn.ModuleList) and len(module) in counts and not inside:
            lists[name] = module
    if len(lists) != 1:
        found = ", ".join(lists) or "none"
        raise RepalignError(
            f"cannot tell the blocks of {type(body).__name__}: lists of {sorted(counts)} modules found: {found}; "
            "use another --side, or name the list in repalign/hooks.py"
        )
    return next(iter(lists.values()))


class LayerReader:
    """Reads chosen layers during one forward pass and keeps what `pool` makes of each.

    Attributes:
        layers: layer numbers, ascending.
        states: after `run`, one pooled tensor a layer, in the order of `layers`.
    """

    def __init__(self, body: nn.Module, site: str = "resid", layers: Sequence[int] | None = None) -> None:
        if site not in SITES:
            raise RepalignError(f"no site {site!r}; sites are {', '.join(SITES)}")
        self.body = body
        self.blocks = find_blocks(body)
        self.site = site
        count = len(self.blocks)
        here = (count,) if site == "final" else tuple(range(0 if site == "resid" else 1, count + 1))
        self.layers = here if layers is None else tuple(sorted(set(layers)))
        for layer in self.layers:
            if layer not in here:
                raise RepalignError(f"no layer {layer} at site {site!r}; layers are {here[0]}..{here[-1]}")

    def run(self, pool: Callable[[Tensor], Tensor], **inputs: Any) -> list[Tensor]:
        """One forward pass of the body; `pool` sees each layer's hidden states [sentence, token, dim] at once."""
        states: dict[int, Tensor] = {}
        handles = []

        def keep(layer: int, hidden: Any) -> None:
            states[layer] = pool(_tensor(hidden))
            if len(states) == len(self.layers):
                raise Enough

        try:
            for layer in self.layers:
                handles.append(self._attach(layer, keep))
            if self.site == "final":
                keep(self.layers[0], self.body(**inputs))
            else:
                self.body(**inputs)
        except Enough:
            pass
        finally:
            for handle in handles:
                handle.remove()
        missing = [layer for layer in self.layers if layer not in states]
        if missing:
            raise RepalignError(
                f"layers {missing} of {type(self.body).__name__} were not run in order; repalign cannot read this model"
            )
        return [states[layer] for layer in self.layers]

    def _attach(self, layer: int, keep: Callable[[int, Any], None]) -> Any:
        if self.site == "final":
            return _Nothing()
        if layer == 0:

            def before(module: nn.Module, args: tuple, kwargs: dict) -> None:
                keep(0, args[0] if args else kwargs["hidden_states"])

            return self.blocks[0].register_forward_pre_hook(before, with_kwargs=True)

        def after(module: nn.Module, args: tuple, output: Any) -> None:
            keep(layer, output)

        return self._module(layer).register_forward_hook(after)

    def _module(self, layer: int) -> nn.Module:
        block = self.blocks[layer - 1]
        if self.site == "resid":
            return block
        names = ATTENTION if self.site == "attn" else MLPS
        for name in names:
            if isinstance(module := getattr(block, name, None), nn.Module):
                return module
        raise RepalignError(
            f"block {layer} of {type(self.body).__name__} has no module for site {self.site!r} (looked for {', '.join(names)})"
        )


class _Nothing:
    def remove(self) -> None:
        """The final site needs no hook."""


def _tensor(output: Any) -> Tensor:
    if isinstance(output, Tensor):
        return output
    if hasattr(output, "last_hidden_state"):
        return output.last_hidden_state
    if isinstance(output, (tuple, list)) and isinstance(output[0], Tensor):
        return output[0]
    raise RepalignError(f"a block gave {type(output).__name__}; expected hidden states [sentence, token, dim]")


def body_of(model: nn.Module, side: str = "decoder") -> nn.Module:
    """The part of a model that makes hidden states: without the head, one side of an encoder-decoder, under PEFT."""
    if hasattr(model, "peft_config") and hasattr(model, "get_base_model"):
        model = model.get_base_model()
    if getattr(getattr(model, "config", None), "is_encoder_decoder", False):
        return model.get_encoder() if side == "encoder" else model.get_decoder()
    return getattr(model, "base_model", model)


def check_against_hidden_states(reader: LayerReader, inputs: dict[str, Tensor], tolerance: float) -> None:
    """Refuse a model whose hooks do not show what `output_hidden_states` shows (layers 0..L-1, every token).

    Raises:
        RepalignError: names the first layer that differs.
    """
    everything = LayerReader(reader.body)
    seen = everything.run(lambda hidden: hidden.float(), **inputs)
    output = reader.body(**inputs, output_hidden_states=True)
    reference = output.hidden_states
    if reference is None or len(reference) < len(seen) - 1:
        raise RepalignError(
            f"{type(reader.body).__name__} gives no hidden states to check its layers against; repalign cannot vouch for it"
        )
    real = inputs["attention_mask"].bool() if "attention_mask" in inputs else None
    for layer, (ours, theirs) in enumerate(zip(seen[:-1], reference, strict=False)):
        if ours.shape != theirs.shape:
            raise RepalignError(
                f"layer {layer} of {type(reader.body).__name__} has shape {tuple(ours.shape)}, expected {tuple(theirs.shape)}; "
                "repalign cannot read this model"
            )
        difference, scale = (ours - theirs.float()).abs(), theirs.float().abs()
        if real is not None:
            difference, scale = difference[real], scale[real]
        if difference.max() > tolerance * max(1.0, float(scale.max())):
            raise RepalignError(
                f"layer {layer} of {type(reader.body).__name__} differs from output_hidden_states by {float(difference.max()):.1e}; "
                "repalign cannot read this model"
            )

