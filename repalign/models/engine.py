"""The local engine: one model on this machine, read by torch hooks."""

from __future__ import annotations

import copy
import gc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from repalign.errors import RepalignError
from repalign.models.anatomy import body_of
from repalign.models.batching import common_prefix, plan
from repalign.models.devices import pick_budget, pick_device, pick_dtype
from repalign.models.hooks import LayerReader
from repalign.models.loading import (
    Weights,
    is_causal,
    load_model,
    pick_side,
    read_config,
    read_tokenizer,
)
from repalign.models.pooling import POOLINGS
from repalign.models.templates import TEMPLATES
from repalign.models.tokenization import TokenRows, Tokens, tokenize
from repalign.models.verification import check_causal, check_layers

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TOLERANCE = {"float32": 1e-4, "bfloat16": 3e-2, "float16": 5e-3}
"""Largest difference, relative to the largest state, that the self-checks at load accept."""

PROBE = (
    "The weather is fine today.",
    "2 + 2 = 4",
    "He did not answer, so she asked again whether he had slept.",
    "Yes!",
)
"""Four short sentences of unequal length for the self-checks."""

PREFIX_WORTH = 8
"""Shortest shared head (in tokens) for which a cache of keys and values pays."""


@dataclass(frozen=True)
class Head:
    """What all rows begin with, read once: the number of its tokens and their keys and values."""

    length: int
    cache: Any


@dataclass
class LocalEngine:
    """A loaded model that turns tokens into pooled states.

    Attributes:
        model: in evaluation mode, without gradients.
        tokenizer: of the checkpoint.
        causal: whether a token's state is independent of the tokens after it.
        encoder: of an encoder-decoder whose decoder is read: it reads the same sentence first.
        reader: reads the wanted layers of one site.
        dtype: name of the dtype the model runs in.
        device: of the inputs.
        budget: padded tokens a batch; halved when memory runs out.
        reuse_prefix: whether a head shared by all sentences is computed once; found out at load.
        dim: of the states; found out at load.
    """

    model: PreTrainedModel | PeftModel
    tokenizer: PreTrainedTokenizerBase
    causal: bool
    reader: LayerReader
    dtype: str
    device: torch.device
    budget: int
    encoder: torch.nn.Module | None = None
    reuse_prefix: bool = False
    dim: int = 0

    @classmethod
    def open(
        cls,
        weights: Weights,
        *,
        dtype: str = "auto",
        device: str = "auto",
        side: str = "auto",
        site: str = "resid",
        layers: Sequence[int] | None = None,
        budget: int | None = None,
    ) -> LocalEngine:
        """Load a checkpoint and check that its layers can be read.

        Raises:
            RepalignError: the weights cannot be loaded, the layers cannot be read, or the adapter changes nothing.
        """
        place = pick_device(device)
        name = pick_dtype(weights, dtype, place)
        config = read_config(weights)
        model = load_model(weights, config, getattr(torch, name), "all" if device == "all" else place)
        engine = cls.around(
            model,
            read_tokenizer(weights),
            side=side,
            site=site,
            layers=layers,
            budget=budget or pick_budget(place),
        )
        engine._check(weights)
        return engine

    @classmethod
    def around(
        cls,
        model: PreTrainedModel | PeftModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        side: str = "auto",
        site: str = "resid",
        layers: Sequence[int] | None = None,
        budget: int = 4096,
    ) -> LocalEngine:
        """An engine around a model in memory, in evaluation mode; `check` it before trusting its states."""
        side = pick_side(model.config, side)
        both = model.config.is_encoder_decoder and side == "decoder"
        return cls(
            model=model,
            tokenizer=tokenizer,
            causal=is_causal(model.config, side),
            reader=LayerReader(body_of(model, side), site, layers),
            dtype=str(model.dtype).removeprefix("torch."),
            device=next(model.parameters()).device,
            budget=budget,
            encoder=body_of(model, "encoder") if both else None,
        )

    @property
    def layers(self) -> tuple[int, ...]:
        return self.reader.layers

    @property
    def blocks(self) -> int:
        return len(self.reader.blocks)

    @torch.inference_mode()
    def pool(self, rows: Sequence[Tokens], poolings: Sequence[str]) -> np.ndarray:
        """Pooled states of some sentences, float32 [pooling, layer, sentence, dim].

        Batches by length within the token budget; when memory runs out the budget is halved and the batch repeated.
        """
        prefix = common_prefix(rows) if self.reuse_prefix and self._heedless(poolings) else 0
        prefix = prefix if prefix >= PREFIX_WORTH else 0
        head = self._read_head(rows[0], prefix) if prefix else None
        lengths = [len(row.ids) - prefix for row in rows]
        out: np.ndarray | None = None
        pending = list(plan(lengths, self.budget))[::-1]
        while pending:
            batch = pending.pop()
            try:
                states = self._batch([rows[i] for i in batch], poolings, head).cpu().numpy()
            except torch.OutOfMemoryError as error:
                self._halve(len(batch), error)
                pending += [
                    batch[half] for half in (slice(len(batch) // 2, None), slice(None, len(batch) // 2))
                ]
                continue
            if out is None:
                out = np.empty((*states.shape[:2], len(rows), states.shape[3]), dtype=np.float32)
            out[:, :, batch] = states
        if out is None:
            raise RepalignError("no sentences to compute states of")
        return out

    def _batch(self, rows: Sequence[Tokens], poolings: Sequence[str], head: Head | None = None) -> Tensor:
        """One forward pass: float32 [pooling, layer, sentence, dim] on the device."""
        inputs, content, real = self._inputs(rows, head)
        functions = [POOLINGS[name] for name in poolings]

        def pool(hidden: Tensor) -> Tensor:
            hidden = hidden.float()
            masks = content.to(hidden.device), real.to(hidden.device)
            return torch.stack([function(hidden, *masks) for function in functions]).to(self.device)

        return torch.stack(self.reader.run(pool, **inputs), dim=1)

    def _inputs(self, rows: Sequence[Tokens], head: Head | None) -> tuple[dict[str, Any], Tensor, Tensor]:
        """What the body is given, and which tokens are content and real [sentence, token]."""
        skip = head.length if head else 0
        ids, content, real = (t.to(self.device) for t in pad(rows, skip, self._pad_id))
        if head:
            mask = functional.pad(real, (skip, 0), value=True).long()
            cache = copy.deepcopy(head.cache)
            cache.batch_repeat_interleave(len(rows))
            inputs = {"input_ids": ids, "attention_mask": mask, "past_key_values": cache, "use_cache": True}
            return inputs, content, real
        inputs: dict[str, Any] = {}
        if self.encoder is not None:
            # The decoder reads the sentence as if it wrote it: start token, then the sentence, over its encoding.
            mask = real.long()
            encoded = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
            inputs = {"encoder_hidden_states": encoded, "encoder_attention_mask": mask}
            ids = functional.pad(ids, (1, 0), value=self._start_id)
            content, real = functional.pad(content, (1, 0)), functional.pad(real, (1, 0), value=True)
        if self.causal or self.encoder is not None:
            inputs["use_cache"] = False  # nobody reads it; encoders do not know the word
        return {"input_ids": ids, "attention_mask": real.long(), **inputs}, content, real

    def _read_head(self, row: Tokens, length: int) -> Head:
        """The keys and values of the first tokens, which all rows share."""
        ids = torch.as_tensor(row.ids[:length], device=self.device).long().unsqueeze(0)
        return Head(length, self.reader.body(input_ids=ids, use_cache=True).past_key_values)

    @property
    def _start_id(self) -> int:
        # Where T5's decoder starts stands in the generation settings, or nowhere: then it is the padding.
        start = getattr(self.model.config, "decoder_start_token_id", None)
        if start is None:
            start = getattr(self.model.generation_config, "decoder_start_token_id", None)
        return self._pad_id if start is None else start

    @property
    def _pad_id(self) -> int:
        # Any id will do: padding is masked and to the right. Not every tokenizer has a padding token.
        pad = self.tokenizer.pad_token_id
        return pad if isinstance(pad, int) else 0

    def _heedless(self, poolings: Sequence[str]) -> bool:
        """Whether no pooling looks at the template's own tokens."""
        return not {"mean-all", "weighted"} & set(poolings)

    def _halve(self, rows: int, error: Exception) -> None:
        if rows == 1:
            raise RepalignError(
                f"out of memory on a single sentence ({self.device}); use --device cpu, --dtype bfloat16 or a smaller --max-length"
            ) from error
        self.budget = max(1, self.budget // 2)
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    @torch.inference_mode()
    def check(self, name: str) -> None:
        """Refuse a model that cannot be read; find out `dim` and `reuse_prefix`.

        Args:
            name: of the checkpoint, for the messages.

        Raises:
            RepalignError: hooks that do not show the hidden states, a decoder that looks ahead, states that are
                not finite, or that depend on padding.
        """
        raw = self._probe()
        inputs, _, _ = self._inputs(raw, None)
        tolerance = TOLERANCE[self.dtype]
        check_layers(self.reader.body, inputs, tolerance)
        if self.causal:
            check_causal(self.reader.body, inputs, tolerance)
        together = self._batch(raw, ["mean"])
        self.dim = together.shape[-1]
        if not together.isfinite().all():
            raise RepalignError(
                f"the states of {name!r} are not finite in {self.dtype} on a plain sentence; "
                "use --dtype float32, or check the weights"
            )
        alone = torch.cat([self._batch([row], ["mean"]) for row in raw], dim=2)
        if self.budget > 1 and not close(together, alone, tolerance):
            raise RepalignError(
                f"{name!r} gives a sentence other states beside longer ones than alone; "
                "its padding cannot be trusted: run with --batch-tokens 1"
            )
        if self.causal:
            self.reuse_prefix = self._prefix_is_exact(tolerance)

    @torch.inference_mode()
    def _check(self, weights: Weights) -> None:
        """`check`, and whether the adapter does anything."""
        self.check(weights.checkpoint.name)
        if weights.adapter is not None:
            raw = self._probe()
            adapted: Any = self.model
            with adapted.disable_adapter():
                without = self._batch(raw, ["mean"])
            if torch.equal(self._batch(raw, ["mean"]), without):
                raise RepalignError(
                    f"adapter {weights.adapter} changes nothing: its weights do not match the modules of its base, or were never trained"
                )

    def _probe(self) -> TokenRows:
        return tokenize(PROBE, self.tokenizer, TEMPLATES["raw"], 512, self.causal)

    def _prefix_is_exact(self, tolerance: float) -> bool:
        """Whether this model continues from a cached head as if it had read everything at once."""
        framed = (
            tokenize(PROBE, self.tokenizer, TEMPLATES["alpaca"], 512, True) if self.tokenizer.is_fast else []
        )
        prefix = common_prefix(framed) if framed else 0
        if not prefix:
            return False
        try:
            reused = self._batch(framed, ["mean"], self._read_head(framed[0], prefix))
        except (TypeError, ValueError, AttributeError, RuntimeError, IndexError, RepalignError):
            return (
                False  # no cache of keys and values, e.g. recurrent models: everything is computed each time
            )
        return close(reused, self._batch(framed, ["mean"]), tolerance / 10)


def close(a: Tensor, b: Tensor, tolerance: float) -> bool:
    """Equal within a tolerance relative to the largest state of each layer; [pooling, layer, sentence, dim]."""
    scale = b.abs().amax(dim=(0, 2, 3), keepdim=True).clamp_min(1.0)
    return bool(((a - b).abs() <= tolerance * scale).all())


def pad(rows: Sequence[Tokens], skip: int, pad_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """Right-padded ids, content mask and real mask [sentence, token], without the first `skip` tokens.

    To the right, because padding on the left moves the positions of some families.
    """
    width = max(len(row.ids) for row in rows) - skip
    ids = torch.full((len(rows), width), pad_id, dtype=torch.long)
    content = torch.zeros(len(rows), width, dtype=torch.bool)
    real = torch.zeros(len(rows), width, dtype=torch.bool)
    for index, row in enumerate(rows):
        length = len(row.ids) - skip
        ids[index, :length] = torch.from_numpy(row.ids[skip:])
        content[index, :length] = torch.from_numpy(row.content[skip:])
        real[index, :length] = True
    return ids, content, real
