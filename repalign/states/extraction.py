"""extract(): checkpoint x corpus -> states, through the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np

from repalign.checkpoints import Checkpoint
from repalign.corpora import ParallelCorpus
from repalign.corpora.checks import check, duplicate_groups
from repalign.errors import RepalignError
from repalign.models.devices import pick_device, pick_dtype
from repalign.models.engine import LocalEngine
from repalign.models.loading import Weights, is_causal, locate, pick_side, read_config, read_tokenizer
from repalign.models.pooling import POOLINGS
from repalign.models.templates import TEMPLATES
from repalign.models.tokenization import TokenRows, tokenize, without_shared
from repalign.signature import Signature
from repalign.states.language import LanguageReading
from repalign.states.layer_states import LayerArray, LayerStates
from repalign.states.store import Shape, StreamedArray

LONGEST = 2048
"""Tokens a sentence may have by default, or fewer where the model reads fewer."""

MOST_TRUNCATED = 0.01
"""Share of sentences that may be too long before it is an error."""


def extract(
    checkpoint: Checkpoint, corpus: ParallelCorpus, *, pooling: str = "mean", **options: Any
) -> LayerStates:
    """The pooled hidden states of every layer, computed or read from the store.

    Args:
        checkpoint: which model.
        corpus: which sentences.
        pooling: a name in `repalign.models.pooling.POOLINGS`.
        **options: see `Extraction`.

    Raises:
        RepalignError: weights that cannot be loaded or read; too many sentences over the length limit; states that
            are not finite; a store that cannot be written.
    """
    return extract_poolings(checkpoint, corpus, (pooling,), **options)[pooling]


def extract_poolings(
    checkpoint: Checkpoint, corpus: ParallelCorpus, poolings: Sequence[str], **options: Any
) -> dict[str, LayerStates]:
    """Several poolings in one pass over the model; see `extract`."""
    for pooling in poolings:
        POOLINGS[pooling]  # the near miss is better told before a model is loaded
    return Extraction(checkpoint, corpus, **options).run(tuple(poolings))


@dataclass
class Extraction:
    """One checkpoint read on one corpus.

    Attributes:
        template: frame around each sentence, by default none; only the sentence's own tokens are pooled.
        site: see `repalign.models.hooks.SITES`.
        layers: which, by default all.
        dtype: float32, bfloat16, float16, or auto: the fastest here whose retrieval scores agree within .005.
        device: auto, cpu, cuda, ..., or all (spread over the GPUs at hand).
        side: of an encoder-decoder: encoder or decoder; auto is the encoder.
        batch_tokens: padded tokens a batch, by default by free memory.
        max_length: tokens a sentence may have; longer ones are dropped from every language.
        unshared: pool only tokens that occur in none of a sentence's translations: a control for names and digits.
        store: whether states are kept on disk; without it they are held in memory.
        stream: neither: a language is computed when it is scored and forgotten for the one after the next, so that
            200 languages need the memory of two (and those scored with several others are computed again).
        progress: show a bar on a terminal.
    """

    checkpoint: Checkpoint
    corpus: ParallelCorpus
    template: str = "raw"
    site: str = "resid"
    layers: Sequence[int] | None = None
    dtype: str = "auto"
    device: str = "auto"
    side: str = "auto"
    batch_tokens: int | None = None
    max_length: int | None = None
    unshared: bool = False
    store: bool = True
    stream: bool = False
    progress: bool = True

    @cached_property
    def weights(self) -> Weights:
        return locate(self.checkpoint)

    @cached_property
    def engine(self) -> LocalEngine:
        """The model, loaded when the first state is missing."""
        return LocalEngine.open(
            self.weights,
            dtype=self.dtype,
            device=self.device,
            side=self.side,
            site=self.site,
            layers=self.layers,
            budget=self.batch_tokens,
        )

    def run(self, poolings: tuple[str, ...]) -> dict[str, LayerStates]:
        """States by pooling."""
        everything = self._tokenize()
        kept = self._short_enough(everything)
        corpus, tokens = self.corpus, everything
        if len(kept) < len(corpus):
            texts = {lang: [rows[i] for i in kept] for lang, rows in corpus.sentences.items()}
            corpus = ParallelCorpus(corpus.name, texts)
            tokens = {lang: TokenRows.of(rows[i] for i in kept) for lang, rows in tokens.items()}
        tokens = without_shared(tokens) if self.unshared else tokens
        jobs = {
            lang: LanguageReading(self, lang, rows, tokens[lang]) for lang, rows in corpus.sentences.items()
        }
        shape, arrays = self._read(jobs, poolings)
        about = {
            **check(corpus),
            "truncated": len(self.corpus) - len(kept),
            "tokens": fertility(self.corpus, everything),
        }
        return {
            pooling: LayerStates(
                signature=Signature(
                    checkpoint=self.checkpoint.name,
                    weights=self.weights.digest,
                    corpus=corpus.name,
                    text=corpus.digest,
                    **self.reading(pooling),
                ),
                arrays={language: found[pooling] for language, found in arrays.items()},
                layers=shape.layers,
                blocks=shape.blocks,
                texts=corpus.sentences,
                tokens={lang: rows.counts for lang, rows in tokens.items()},
                groups=duplicate_groups(corpus.sentences),
                token_ids={lang: rows.own_ids for lang, rows in tokens.items()},
                about=about,
                streamed=self.stream,
            )
            for pooling in poolings
        }

    def _read(
        self, jobs: Mapping[str, LanguageReading], poolings: tuple[str, ...]
    ) -> tuple[Shape, dict[str, dict[str, LayerArray]]]:
        """Arrays by language and pooling, from wherever they are kept."""
        if not self.stream:
            found = {
                lang: job.in_store(poolings) if self.store else job.in_memory(poolings)
                for lang, job in jobs.items()
            }
            return next(iter(found.values()))[0], {lang: arrays for lang, (_, arrays) in found.items()}
        two = lru_cache(maxsize=2)(lambda language: jobs[language].in_memory(poolings)[1])
        shapes = {lang: job.shape() for lang, job in jobs.items()}
        size = len(next(iter(jobs.values())).rows)
        return next(iter(shapes.values())), {
            lang: {
                pooling: StreamedArray((len(shape.layers), size, shape.dim), partial(two, lang), pooling)
                for pooling in poolings
            }
            for lang, shape in shapes.items()
        }

    def tokens(self) -> dict[str, dict[str, float]]:
        """What the tokenizer makes of the corpus, before any weights are loaded: see `fertility`."""
        return fertility(self.corpus, self._tokenize())

    def reading(self, pooling: str) -> dict[str, str]:
        """How states are read: part of the signature and of the key in the store."""
        dtype = pick_dtype(self.weights, self.dtype, pick_device(self.device))
        pooling += "-unshared" * self.unshared
        second = self._config.is_encoder_decoder and self._side == "decoder"
        return {
            "template": self.template,
            "pooling": pooling,
            "site": "decoder-" * second + self.site,
            "dtype": dtype,
        }

    @cached_property
    def _config(self) -> Any:
        return read_config(self.weights)

    @cached_property
    def _side(self) -> str:
        return pick_side(self._config, self.side)

    @cached_property
    def _max_length(self) -> int:
        text = self._config.get_text_config()
        positions = getattr(text, "max_position_embeddings", None) or LONGEST
        positions = positions if positions > 0 else LONGEST  # XLNet: -1, any number
        # These start their positions behind the padding index, which their configuration counts as positions.
        behind = ("roberta", "camembert", "data2vec", "xmod", "mpnet", "longformer")
        offset = (text.pad_token_id or 0) + 1 if any(name in text.model_type for name in behind) else 0
        starts = int(self._config.is_encoder_decoder and self._side == "decoder")
        return min(self.max_length or LONGEST, positions - offset - starts)

    def _tokenize(self) -> dict[str, TokenRows]:
        tokenizer, template = read_tokenizer(self.weights), TEMPLATES[self.template]
        return {
            lang: tokenize(
                rows, tokenizer, template, self._max_length, causal=is_causal(self._config, self._side)
            )
            for lang, rows in self.corpus.sentences.items()
        }

    def _short_enough(self, tokens: Mapping[str, TokenRows]) -> list[int]:
        """Rows that are whole in every language.

        Raises:
            RepalignError: more than 1% of the rows lost tokens in some language.
        """
        long = {lang: int(rows.truncated.sum()) for lang, rows in tokens.items()}
        kept = np.flatnonzero(~np.any([rows.truncated for rows in tokens.values()], axis=0)).tolist()
        lost = len(self.corpus) - len(kept)
        if lost > MOST_TRUNCATED * len(self.corpus):
            counts = ", ".join(f"{lang}: {count}" for lang, count in long.items() if count)
            raise RepalignError(
                f"{lost} of {len(self.corpus)} sentences are longer than {self._max_length} tokens ({counts}), more than "
                f"{MOST_TRUNCATED:.0%}; raise --max-length, or leave out the languages this tokenizer cuts into pieces"
            )
        return kept


def fertility(corpus: ParallelCorpus, tokens: Mapping[str, TokenRows]) -> dict[str, dict[str, float]]:
    """By language, tokens "per_sentence" and "per_character" (unequal fertility is unequal length), and how many
    sentences are "truncated"."""
    out = {}
    for lang, rows in tokens.items():
        count = int(rows.content.flat.sum())
        characters = sum(len(sentence) for sentence in corpus.sentences[lang])
        out[lang] = {
            "per_sentence": count / len(rows),
            "per_character": count / characters,
            "truncated": int(rows.truncated.sum()),
        }
    return out
