"""The engine: one model in memory, read by torch hooks."""

from __future__ import annotations

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
from repalign.models.batching import common_prefix, pad, plan
from repalign.models.devices import pick_budget, pick_device, pick_dtype
from repalign.models.hooks import LayerReader
from repalign.models.load_checks import check_causal, check_layers
from repalign.models.loading import (
    Weights,
    is_causal,
    load_model,
    pick_stack,
    read_config,
    read_tokenizer,
)
from repalign.models.pooling import POOLINGS, Pooling, PoolingFunction
from repalign.models.prefix import MIN_PREFIX, Prefix, continue_from, read_prefix
from repalign.models.templates import TEMPLATES
from repalign.models.tokenization import TokenRows, Tokens, tokenize

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TOLERANCE = {"float32": 1e-4, "bfloat16": 3e-2, "float16": 5e-3}
"""Largest difference, relative to the largest state, that the checks at load accept."""

PROBE = (
    "The weather is fine today.",
    "2 + 2 = 4",
    "He did not answer, so she asked again whether he had slept.",
    "Yes!",
)
"""Four short sentences of different lengths for the checks at load."""

MEAN = POOLINGS["mean"]


@dataclass
class Engine:
    """A loaded model that turns tokens into pooled states.

    Attributes:
        model: in evaluation mode, without gradients.
        tokenizer: of the checkpoint.
        causal: whether a token's state is independent of the tokens after it.
        reader: reads the requested layers of one site.
        dtype: name of the dtype the model runs in.
        device: of the inputs.
        batch_tokens: padded tokens per batch; halved when memory runs out.
        encoder: of an encoder-decoder whose decoder is read: it reads the same sentence first.
        reuse_prefix: whether a prefix shared by all sentences is computed once; set by `check`.
        dim: of the states; set by `check`.
    """

    model: PreTrainedModel | PeftModel
    tokenizer: PreTrainedTokenizerBase
    causal: bool
    reader: LayerReader
    dtype: str
    device: torch.device
    batch_tokens: int
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
        stack: str = "auto",
        site: str = "resid",
        layers: Sequence[int] | None = None,
        batch_tokens: int | None = None,
    ) -> Engine:
        """Load a checkpoint and check that its layers can be read.

        Args:
            weights: see `repalign.models.loading.locate`.
            dtype, device: see `repalign.models.devices`.
            stack, site: see `repalign.models.sites`.
            layers: layer numbers, by default all.
            batch_tokens: padded tokens per batch, by default by free memory.

        Raises:
            RepalignError: the weights cannot be loaded, the layers cannot be read, or the adapter changes nothing.
        """
        inputs_on = pick_device(device)
        name = pick_dtype(weights, dtype, inputs_on)
        config = read_config(weights)
        model = load_model(weights, config, getattr(torch, name), "all" if device == "all" else inputs_on)
        engine = cls.around(
            model,
            read_tokenizer(weights),
            stack=stack,
            site=site,
            layers=layers,
            batch_tokens=batch_tokens or pick_budget(inputs_on),
        )
        engine.check(weights.checkpoint.name)
        if weights.adapter is not None:
            engine.check_adapter(str(weights.adapter))
        return engine

    @classmethod
    def around(
        cls,
        model: PreTrainedModel | PeftModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        stack: str = "auto",
        site: str = "resid",
        layers: Sequence[int] | None = None,
        batch_tokens: int = 4096,
    ) -> Engine:
        """An engine around a model in memory, in evaluation mode; `check` it before trusting its states."""
        stack = pick_stack(model.config, stack)
        both = model.config.is_encoder_decoder and stack == "decoder"
        return cls(
            model=model,
            tokenizer=tokenizer,
            causal=is_causal(model.config, stack),
            reader=LayerReader(body_of(model, stack), site, layers),
            dtype=str(model.dtype).removeprefix("torch."),
            device=next(model.parameters()).device,
            batch_tokens=batch_tokens,
            encoder=body_of(model, "encoder") if both else None,
        )

    @property
    def layers(self) -> tuple[int, ...]:
        return self.reader.layers

    @property
    def n_blocks(self) -> int:
        return len(self.reader.blocks)

    @torch.inference_mode()
    def pool(self, rows: Sequence[Tokens], poolings: Sequence[str | Pooling | PoolingFunction]) -> np.ndarray:
        """Pooled states of some sentences, float32 [pooling, layer, sentence, dim].

        Batches are formed by length within the token budget; if memory runs out, the budget is halved and the batch repeated.

        Raises:
            RepalignError: no sentences, a pooling that returns another shape, or too little memory for one sentence.
        """
        resolved = [POOLINGS.resolve(pooling) for pooling in poolings]
        shared = 0 if any(pooling.sees_prompt for pooling in resolved) else self._shared_prefix(rows)
        prefix = self._read_prefix(rows[0], shared) if shared else None
        pooled: np.ndarray | None = None
        pending = list(plan([len(row.ids) - shared for row in rows], self.batch_tokens))[::-1]
        while pending:
            batch = pending.pop()
            try:
                states = self._batch([rows[i] for i in batch], resolved, prefix).cpu().numpy()
            except torch.OutOfMemoryError as error:
                self._halve(len(batch), error)
                pending += [
                    batch[half] for half in (slice(len(batch) // 2, None), slice(None, len(batch) // 2))
                ]
                continue
            if pooled is None:
                pooled = np.empty((*states.shape[:2], len(rows), states.shape[3]), dtype=np.float32)
            pooled[:, :, batch] = states
        if pooled is None:
            raise RepalignError("no sentences to compute states of")
        return pooled

    def inputs(
        self, rows: Sequence[Tokens], prefix: Prefix | None = None
    ) -> tuple[dict[str, Any], Tensor, Tensor]:
        """The arguments of the body, and which tokens are content and real, bool [sentence, token] on the device."""
        skip = prefix.length if prefix else 0
        ids, content, real = (t.to(self.device) for t in pad(rows, skip, self._pad_id))
        if prefix:
            mask = functional.pad(real, (skip, 0), value=True).long()
            inputs = {"input_ids": ids, "attention_mask": mask}
            return inputs | continue_from(prefix, self.reader.body, len(rows)), content, real
        inputs: dict[str, Any] = {}
        if self.encoder is not None:
            # The decoder reads the sentence as if it had generated it: start token, then the sentence, given its encoding.
            mask = real.long()
            encoded = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
            inputs = {"encoder_hidden_states": encoded, "encoder_attention_mask": mask}
            ids = functional.pad(ids, (1, 0), value=self._start_id)
            content, real = functional.pad(content, (1, 0)), functional.pad(real, (1, 0), value=True)
        if self.causal or self.encoder is not None:
            inputs["use_cache"] = False  # unused here, and encoders do not accept the argument
        return {"input_ids": ids, "attention_mask": real.long(), **inputs}, content, real

    def probe(self) -> TokenRows:
        """`PROBE`, tokenised."""
        return tokenize(PROBE, self.tokenizer, TEMPLATES["raw"], 512, self.causal)

    @torch.inference_mode()
    def check(self, name: str) -> None:
        """Refuse a model whose layers cannot be read; set `dim` and `reuse_prefix`.

        Args:
            name: of the checkpoint, for the messages.

        Raises:
            RepalignError: hooks that do not return the hidden states, a decoder that attends to later tokens, or states
                that are not finite or depend on padding.
        """
        rows = self.probe()
        inputs, _, _ = self.inputs(rows)
        tolerance = TOLERANCE[self.dtype]
        check_layers(self.reader.body, inputs, tolerance)
        if self.causal:
            check_causal(self.reader.body, inputs, tolerance)
        together = self._batch(rows, [MEAN])
        self.dim = together.shape[-1]
        if not together.isfinite().all():
            raise RepalignError(
                f"the states of {name!r} are not finite in {self.dtype} on a plain sentence; "
                "use --dtype float32, or check the weights"
            )
        alone = torch.cat([self._batch([row], [MEAN]) for row in rows], dim=2)
        if self.batch_tokens > 1 and not close(together, alone, tolerance):
            raise RepalignError(
                f"the hidden states of {name!r} change when a sentence is padded; rerun with --batch-tokens 1"
            )
        if self.causal:
            self.reuse_prefix = self._prefix_is_exact(tolerance)

    @torch.inference_mode()
    def check_adapter(self, adapter: str) -> None:
        """Refuse a PEFT adapter that changes no state.

        Raises:
            RepalignError: it changes nothing.
        """
        rows = self.probe()
        adapted: Any = self.model
        with adapted.disable_adapter():
            without = self._batch(rows, [MEAN])
        if torch.equal(self._batch(rows, [MEAN]), without):
            raise RepalignError(
                f"adapter {adapter} changes nothing: its weights do not match the modules of its base, or were never trained"
            )

    def _batch(
        self, rows: Sequence[Tokens], poolings: Sequence[Pooling], prefix: Prefix | None = None
    ) -> Tensor:
        """One forward pass: float32 [pooling, layer, sentence, dim] on the device."""
        inputs, content, real = self.inputs(rows, prefix)

        def pool(hidden: Tensor) -> Tensor:
            hidden = hidden.float()
            masks = content.to(hidden.device), real.to(hidden.device)
            return torch.stack([pooling(hidden, *masks) for pooling in poolings]).to(self.device)

        return torch.stack(self.reader.run(pool, **inputs), dim=1)

    def _shared_prefix(self, rows: Sequence[Tokens]) -> int:
        """Number of leading tokens of all rows that are computed once; 0 if that saves no time."""
        shared = common_prefix(rows) if self.reuse_prefix else 0
        return shared if shared >= MIN_PREFIX else 0

    def _read_prefix(self, row: Tokens, length: int) -> Prefix:
        ids = torch.as_tensor(row.ids[:length], device=self.device).long()
        return read_prefix(self.reader.body, ids)

    def _prefix_is_exact(self, tolerance: float) -> bool:
        """Whether this model continues from a cached prefix as if it had read everything at once."""
        if not self.tokenizer.is_fast:
            return False
        framed = tokenize(PROBE, self.tokenizer, TEMPLATES["alpaca"], 512, True)
        shared = common_prefix(framed)
        if not shared:
            return False
        try:
            reused = self._batch(framed, [MEAN], self._read_prefix(framed[0], shared))
        except (TypeError, ValueError, AttributeError, RuntimeError, LookupError, RepalignError):
            return (
                False  # no cache of keys and values, e.g. recurrent models: everything is computed each time
            )
        return close(reused, self._batch(framed, [MEAN]), tolerance / 10)

    @property
    def _start_id(self) -> int:
        # T5's decoder start token is in the generation settings, or nowhere: then it is the padding token.
        start = getattr(self.model.config, "decoder_start_token_id", None)
        if start is None:
            start = getattr(self.model.generation_config, "decoder_start_token_id", None)
        return self._pad_id if start is None else start

    @property
    def _pad_id(self) -> int:
        # Any id will do: padding is masked and to the right. Not every tokenizer has a padding token.
        pad_id = self.tokenizer.pad_token_id
        return pad_id if isinstance(pad_id, int) else 0

    def _halve(self, rows: int, error: Exception) -> None:
        if rows == 1:
            raise RepalignError(
                f"out of memory on a single sentence ({self.device}); use --device cpu, --dtype bfloat16 or a smaller --max-length"
            ) from error
        self.batch_tokens = max(1, self.batch_tokens // 2)
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


def close(a: Tensor, b: Tensor, tolerance: float) -> bool:
    """Equal within a tolerance relative to the largest state of each layer; [pooling, layer, sentence, dim]."""
    scale = b.abs().amax(dim=(0, 2, 3), keepdim=True).clamp_min(1.0)
    return bool(((a - b).abs() <= tolerance * scale).all())
