"""The engine: one model in memory, read by torch hooks."""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from repalign.errors import RepalignError
from repalign.models.adapters import refuse_prompts
from repalign.models.anatomy import body_of, positions_of
from repalign.models.batching import common_prefix, pad, plan
from repalign.models.devices import pick_budget, pick_device, pick_dtype
from repalign.models.explaining import explained
from repalign.models.hooks import LayerReader
from repalign.models.languages import ModelLanguages, decoder_start
from repalign.models.load_checks import check_causal, check_layers
from repalign.models.loading import load_model, read_config, read_tokenizer
from repalign.models.locating import Weights
from repalign.models.pooling import POOLINGS, Pooling, PoolingFunction
from repalign.models.prefix import MIN_PREFIX, Prefix, continue_from, read_prefix
from repalign.models.stacks import is_causal, pick_stack, stacks_of
from repalign.models.templates import TEMPLATES
from repalign.models.tokenization import TokenRows, Tokens, tokenize
from repalign.models.vocabulary import check_ids, embedding_rows, padding_id, some_rows

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
        languages: of a model that expects that of each sentence.
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
    languages: ModelLanguages | None = None
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
        head: bool = False,
    ) -> Engine:
        """Load a checkpoint and check that its layers can be read.

        Args:
            weights: see `repalign.models.locating.locate`.
            dtype, device: see `repalign.models.devices`.
            stack, site: see `repalign.models.sites`.
            layers: layer numbers, by default all.
            batch_tokens: padded tokens per batch, by default by free memory.
            head: whether the output layer is used, too.

        Raises:
            RepalignError: the weights cannot be loaded or are incomplete, the layers cannot be read, or the adapter
                changes nothing, or is a prompt.
        """
        with explained(f"cannot read {weights.checkpoint.name!r} from {weights.adapter or weights.model}"):
            inputs_on = pick_device(device)
            name = pick_dtype(weights, dtype, inputs_on)
            config = read_config(weights)
            model = load_model(
                weights,
                config,
                getattr(torch, name),
                "all" if device == "all" else inputs_on,
                stack=pick_stack(config, stack),
                head=head,
            )
            refuse_prompts(model, weights.adapter)
            engine = cls.around(
                model,
                read_tokenizer(weights),
                stack=stack,
                site=site,
                layers=layers,
                batch_tokens=batch_tokens or pick_budget(inputs_on),
            )
            engine.check(weights.checkpoint.name)
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
            languages=ModelLanguages.of(model.config, tokenizer),
        )

    @property
    def layers(self) -> tuple[int, ...]:
        return self.reader.layers

    @property
    def bytes(self) -> int:
        """Memory of the weights."""
        return sum(weights.nbytes for weights in self.model.parameters())

    @property
    def n_blocks(self) -> int:
        return len(self.reader.blocks)

    @torch.inference_mode()
    def pool(
        self,
        rows: Sequence[Tokens],
        poolings: Sequence[str | Pooling | PoolingFunction],
        on_tokens: Callable[[int], object] | None = None,
    ) -> np.ndarray:
        """Pooled states of some sentences, float32 [pooling, layer, sentence, dim].

        Batches are formed by length within the token budget; if memory runs out, the budget is halved and the batch repeated.

        Args:
            rows: tokenised sentences.
            poolings: names, `Pooling`s or functions.
            on_tokens: called with the number of tokens of each batch that is read.

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
            if on_tokens is not None:
                on_tokens(sum(len(rows[i].ids) for i in batch))
        if pooled is None:
            raise RepalignError("no sentences to compute states of")
        return pooled

    def inputs(
        self, rows: Sequence[Tokens], prefix: Prefix | None = None
    ) -> tuple[dict[str, Any], Tensor, Tensor]:
        """The arguments of the body, and which tokens are content and real, bool [sentence, token] on the device.

        Raises:
            RepalignError: a token outside the model's embedding, or a model that expects the language of a
                sentence that was tokenised without it.
        """
        skip = prefix.length if prefix else 0
        ids, content, real = self.padded(rows, skip)
        if prefix:
            mask = functional.pad(real, (skip, 0), value=True).long()
            inputs = {"input_ids": ids, "attention_mask": mask}
            return inputs | continue_from(prefix, self.reader.body, len(rows)), content, real
        inputs: dict[str, Any] = self._language(rows, ids)
        if self.encoder is not None:
            # The decoder reads the sentence as if it had generated it: start token, then the sentence, given its encoding.
            mask = real.long()
            encoded = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
            inputs |= {"encoder_hidden_states": encoded, "encoder_attention_mask": mask}
            before = torch.tensor([self._before(row) for row in rows])
            check_ids(before.numpy(), self.rows, self.tokenizer)
            ids = torch.cat([before.to(self.device), ids], dim=1)
            width = (before.shape[1], 0)
            content, real = functional.pad(content, width), functional.pad(real, width, value=True)
        if self.causal or self.encoder is not None:
            inputs["use_cache"] = False  # unused here, and encoders do not accept the argument
        return {"input_ids": ids, "attention_mask": real.long(), **inputs}, content, real

    def padded(self, rows: Sequence[Tokens], skip: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Ids, content and real tokens on the device, see `repalign.models.batching.pad`.

        Raises:
            RepalignError: a token outside the model's embedding.
        """
        ids, content, real = pad(rows, skip, padding_id(self.tokenizer, self.rows))
        check_ids(ids.numpy(), self.rows, self.tokenizer)
        return ids.to(self.device), content.to(self.device), real.to(self.device)

    def probe(self) -> TokenRows:
        """`PROBE`, tokenised; or rows of other tokens, where the tokenizer or the model cannot read it."""
        language = self.languages.first if self.languages else None
        try:
            rows = tokenize(
                PROBE, self.tokenizer, TEMPLATES["raw"], self._probe_length, self.causal, language
            )
            check_ids(rows.ids.flat, self.rows, self.tokenizer)
        except RepalignError:
            return some_rows(self.tokenizer, self.rows, language)
        return rows

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
            if "decoder" not in stacks_of(self.model.config) or self.causal or self.encoder is not None:
                raise RepalignError(
                    f"the hidden states of {name!r} change when a sentence is padded; rerun with --batch-tokens 1"
                )
            # PaliGemma's text part reads both ways, but only what is not padded.
            self.batch_tokens = 1
        if self.causal:
            self.reuse_prefix = self._prefix_is_exact(tolerance)

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
        check_ids(row.ids[:length], self.rows, self.tokenizer)
        ids = torch.as_tensor(row.ids[:length], device=self.device).long()
        return read_prefix(self.reader.body, ids)

    def _prefix_is_exact(self, tolerance: float) -> bool:
        """Whether this model continues from a cached prefix as if it had read everything at once."""
        beside = self.languages is not None and not self.languages.by_token  # the prefix would need it, too
        if beside or not self.tokenizer.is_fast:
            return False
        try:
            framed = tokenize(PROBE, self.tokenizer, TEMPLATES["alpaca"], self._probe_length, True)
            shared = common_prefix(framed)
            if not shared:
                return False
            reused = self._batch(framed, [MEAN], self._read_prefix(framed[0], shared))
        except (TypeError, ValueError, AttributeError, RuntimeError, LookupError, RepalignError):
            return (
                False  # no cache of keys and values, e.g. recurrent models: everything is computed each time
            )
        return close(reused, self._batch(framed, [MEAN]), tolerance / 10)

    @property
    def rows(self) -> int | None:
        """Of the embedding of the stack that is read; None if it has no table."""
        return embedding_rows(self.reader.body)

    @property
    def _probe_length(self) -> int:
        # The decoder of an encoder-decoder reads up to two tokens before those of the sentence.
        positions = positions_of(self.model.config)
        return 512 if positions is None else min(512, positions - 2 * (self.encoder is not None))

    def _language(self, rows: Sequence[Tokens], ids: Tensor) -> dict[str, Any]:
        """The argument that gives a model the language of each sentence (X-MOD) or each token (XLM), if it has one."""
        body: Any = self.reader.body
        by_sentence = "lang_ids" in inspect.signature(body.forward).parameters
        if not by_sentence and not hasattr(body, "lang_embeddings"):
            return {}
        if any(row.language < 0 for row in rows):
            raise RepalignError(
                f"a {body.config.model_type} model expects the language of each sentence, which is not known here"
            )
        languages = torch.tensor([row.language for row in rows], device=self.device)
        return {"lang_ids": languages} if by_sentence else {"langs": languages[:, None].expand_as(ids)}

    def _before(self, row: Tokens) -> list[int]:
        """What the decoder of an encoder-decoder reads before a row, as if it had written the sentence in its language."""
        start = decoder_start(self.model)
        if self.languages is None or row.language < 0:
            # T5's start token is its padding token, and in no setting.
            return [padding_id(self.tokenizer, self.rows) if start is None else start]
        before = self.languages.before_text(start, row.ids.tolist(), row.language, row.language)
        return before[:-1] if row.ids[0] == row.language else before

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
