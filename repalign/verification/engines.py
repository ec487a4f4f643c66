"""The engines that this process can run: each reads the prompts in one padded batch, as it is commonly used."""

from __future__ import annotations

import copy
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor

from repalign.errors import RepalignError
from repalign.models.engine import Engine
from repalign.models.hooks import tensor_of
from repalign.models.load_checks import plain
from repalign.models.tokenization import TokenRows
from repalign.models.vocabulary import padding_id
from repalign.verification.comparing import Claimed
from repalign.verification.faults import CONVENTIONS
from repalign.verification.prompts import ids_of, pad_prompts


@torch.inference_mode()
def read_hooks(engine: Engine, rows: TokenRows) -> Claimed:
    """repalign's own reader, with its batching and padding."""
    inputs, _, real = engine.inputs(rows)
    layers = engine.reader.run(lambda hidden: hidden.float().cpu(), **inputs)
    stacked = torch.stack(layers, dim=1)
    states = [one[:, mask] for one, mask in zip(stacked, real.cpu(), strict=True)]
    return Claimed("hooks", states, engine.layers, engine.dtype)


@torch.inference_mode()
def read_transformers(engine: Engine, rows: TokenRows) -> Claimed:
    """`output_hidden_states=True`, padded on the side that the tokenizer names."""
    batch = pad_prompts(
        ids_of(rows), padding_id(engine.tokenizer, engine.rows), left=engine.tokenizer.padding_side == "left"
    )
    output = engine.reader.body(
        input_ids=batch.ids.to(engine.device),
        attention_mask=batch.mask.to(engine.device),
        output_hidden_states=True,
        **_arguments(engine),
    )
    hidden = [plain(states, *batch.ids.shape) for states in output.hidden_states]
    if len({states.shape for states in hidden}) > 1:
        shapes = ", ".join(str(tuple(states.shape)) for states in hidden)
        raise RepalignError(f"output_hidden_states of this model are of different shapes: {shapes}")
    return Claimed(
        f"transformers:{version('transformers')}",
        batch.cut(torch.stack(hidden, dim=1)),
        range(len(hidden)),
        engine.dtype,
        frozenset(fault.name for fault in CONVENTIONS),
        free=True,
    )


def read_nnsight(engine: Engine, rows: TokenRows) -> Claimed:
    """The input of block 1 and the output of every block, in one trace."""
    import nnsight

    batch = pad_prompts(ids_of(rows), padding_id(engine.tokenizer, engine.rows))
    body = engine.reader.body
    traced: Any = nnsight.NNsight(body)
    names = {module: name for name, module in body.named_modules()}
    blocks = [traced.get(names[block]) for block in engine.reader.blocks]
    given = {"input_ids": batch.ids.to(engine.device), "attention_mask": batch.mask.to(engine.device)}
    with torch.inference_mode(), traced.trace(**given, **_arguments(engine)) as tracer:
        seen = nnsight.save([])
        seen.append(blocks[0].input)
        for block in blocks:
            seen.append(tensor_of(block.output))
        tracer.stop()
    states = torch.stack([plain(hidden, *batch.ids.shape) for hidden in seen], dim=1)
    return Claimed(f"nnsight:{version('nnsight')}", batch.cut(states), range(len(seen)), engine.dtype)


def read_transformer_lens(engine: Engine, rows: TokenRows) -> Claimed:
    """`hook_resid_pre` of block 1 and `hook_resid_post` of every block, from `run_with_cache`."""
    try:
        from transformer_lens.model_bridge import TransformerBridge
    except ImportError as error:
        raise RepalignError(
            "--against transformer-lens needs transformer-lens 3 or newer; run `pip install 'transformer-lens>=3'`"
        ) from error
    if not engine.causal:
        raise RepalignError("--against transformer-lens verifies decoders only; this model is an encoder")
    batch = pad_prompts(ids_of(rows), padding_id(engine.tokenizer, engine.rows))
    # The bridge replaces modules of the model that it is given.
    model = copy.deepcopy(engine.model)
    names = [
        "blocks.0.hook_resid_pre",
        *(f"blocks.{block}.hook_resid_post" for block in range(engine.n_blocks)),
    ]
    try:
        bridge = TransformerBridge.boot_transformers(
            model.config._name_or_path,
            hf_model=model,
            tokenizer=engine.tokenizer,
            device=str(engine.device),
            dtype=model.dtype,
        )
        with torch.inference_mode():
            _, cache = bridge.run_with_cache(
                batch.ids.to(engine.device), attention_mask=batch.mask.to(engine.device), names_filter=names
            )
    except (ValueError, KeyError, AttributeError, TypeError, OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RepalignError(
            f"transformer-lens cannot run this model: {type(error).__name__}: {reason}"
        ) from error
    states: list[Tensor] = [plain(cache[name], *batch.ids.shape) for name in names]
    return Claimed(
        f"transformer-lens:{version('transformer-lens')}",
        batch.cut(torch.stack(states, dim=1)),
        range(len(names)),
        engine.dtype,
    )


ENGINES: dict[str, Callable[[Engine, TokenRows], Claimed]] = {
    "hooks": read_hooks,
    "transformers": read_transformers,
    "nnsight": read_nnsight,
    "transformer-lens": read_transformer_lens,
}
"""By the names that `--against` takes; anything else is a folder, see `repalign.verification.exchange`."""


def _arguments(engine: Engine) -> dict[str, bool]:
    return {"use_cache": False} if engine.causal else {}
