"""extract(): checkpoint x corpus -> states, through the store."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np

from repalign.checkpoints import CheckpointLike
from repalign.corpora import CorpusLike, ParallelCorpus, as_corpus
from repalign.corpora.checks import check, duplicate_groups
from repalign.corpora.language_choice import match_language
from repalign.errors import RepalignError, explained_keywords
from repalign.memory import check_fits, of_machine, size
from repalign.models.languages import fixed_language
from repalign.models.pooling import Pooling, PoolingFunction
from repalign.models.sites import Site, Stack
from repalign.models.templates import TEMPLATES
from repalign.models.tokenization import TokenRows, tokenize, without_shared
from repalign.progress import Phase
from repalign.signature import Signature
from repalign.states.language import LanguageStates
from repalign.states.layer_states import LayerArray, LayerStates, numbered
from repalign.states.space import cache_limit, make_room
from repalign.states.spec import Dtype, Machine, ReadingSpec, StoreDtype
from repalign.states.storage import Storage, own_storage, storage_at
from repalign.states.store import Shape
from repalign.states.subject import Subject, open_subject
from repalign.states.views import StreamedArray

logger = logging.getLogger(__name__)

MAX_TRUNCATED = 0.01
"""Largest share of sentences that may exceed the length limit."""


@explained_keywords(side="stack", unshared="exclude_shared_tokens")
def extract(
    checkpoint: CheckpointLike,
    corpus: CorpusLike,
    *,
    pooling: str | Pooling | PoolingFunction = "mean",
    template: str = "raw",
    site: Site = "resid",
    layers: int | Sequence[int] | None = None,
    stack: Stack = "auto",
    max_length: int | None = None,
    exclude_shared_tokens: bool = False,
    dtype: Dtype = "auto",
    device: str = "auto",
    batch_tokens: int | None = None,
    store: bool | str = True,
    store_dtype: StoreDtype = "auto",
    stream: bool = False,
    progress: bool = True,
) -> LayerStates:
    """The pooled hidden states of every layer, computed or read from the store.

    Args:
        checkpoint: a name, folder or hub id (one with a recipe is trained on first use, unless it is shipped), a `Checkpoint`, or
            (model, tokenizer) in memory.
        corpus: an embedded name, a folder, file or hub data set, a mapping of language to sentences, or a
            `ParallelCorpus`.
        pooling: how a sentence's tokens become one vector: "mean" (of its own tokens), "mean-all", "last", "weighted",
            "max", a `Pooling`, or a function of (hidden, content, real).
        template: the prompt around each sentence: "raw" (none), "alpaca", "brief", ...
        site: where in a block: "resid" (its output), "embed", "attn", "mlp", "mlp-act" or "final".
        layers: layer numbers, or one; default all.
        stack: of an encoder-decoder, "encoder" or "decoder"; "auto" is the encoder.
        max_length: maximum tokens per sentence; longer ones are dropped from every language. Default 2,048, or the
            model's limit if that is lower.
        exclude_shared_tokens: pool only tokens that occur in none of a sentence's translations.
        dtype: "float32", "bfloat16" or "float16"; "auto" picks by model size and device.
        device: "cpu", "cuda", "cuda:1", "mps", or "all" GPUs together; "auto" picks.
        batch_tokens: padded tokens per batch; by default by free memory.
        progress: whether to show signs of life: see `repalign.progress`.
        store: where states are stored: True for `$REPALIGN_STORE`, by default `$REPALIGN_HOME/states`; a folder, or a URL such
            as "s3://bucket/prefix"; or False, and they stay in memory, as do those of a model in memory.
        store_dtype: in which states are stored, and rounded to: "float32", or "float16" in half the bytes (docs/store.md);
            "auto" is `$REPALIGN_STORE_DTYPE`, by default float32.
        stream: keep at most two languages in memory and recompute on demand, so that 200 languages need the memory
            of two (a language scored with several others is recomputed). Nothing is stored.

    Raises:
        RepalignError: an invalid argument; weights that cannot be loaded or read; too many sentences over the length
            limit; states that are not finite; a store that cannot be written, or has too little room.
    """
    spec = ReadingSpec(
        pooling=pooling,  # type: ignore[arg-type]
        template=template,
        site=site,
        layers=layers,  # type: ignore[arg-type]
        stack=stack,
        max_length=max_length,
        exclude_shared_tokens=exclude_shared_tokens,
    )
    machine = Machine(dtype, device, batch_tokens, progress, store_dtype)
    return read_states(checkpoint, corpus, [spec], machine, store=store, stream=stream)[0]


def read_states(
    checkpoint: CheckpointLike,
    corpus: CorpusLike,
    specs: Sequence[ReadingSpec],
    machine: Machine | None = None,
    *,
    store: bool | str = True,
    stream: bool = False,
) -> list[LayerStates]:
    """States by several specs that differ in their pooling only, in as few passes over the model as possible.

    Args:
        checkpoint, corpus, store, stream: as for `extract`.
        specs: one for each pooling.

    Returns:
        One for each spec.

    Raises:
        RepalignError: as for `extract`.
    """
    machine = machine or Machine()
    subject = open_subject(checkpoint, specs[0], machine)
    return read_subject(subject, as_corpus(corpus), specs, machine.progress, store=store, stream=stream)


def read_subject(
    subject: Subject,
    corpus: ParallelCorpus,
    specs: Sequence[ReadingSpec],
    progress: bool = True,
    *,
    store: bool | str = True,
    stream: bool = False,
) -> list[LayerStates]:
    """Likewise, of a model that has been opened, and is read further; the first spec is that of the subject."""
    if any(spec.with_pooling("mean") != specs[0].with_pooling("mean") for spec in specs):
        raise RepalignError("several specs in one pass may differ in their pooling only")
    # Without an identity nothing is stored: another model or function would be given these states.
    has_identity = subject.on_disk and all(spec.pooling.source is not None for spec in specs)
    if isinstance(store, str) and (stream or not has_identity):
        why = (
            "streamed states are" if stream else "those of a model or pooling without an identity on disk are"
        )
        raise RepalignError(
            f"nothing would be stored in the store that is named: {why} held in memory; leave it out"
        )
    storage = storage_at(store if has_identity and not stream else False)
    if storage is None and subject.store_dtype != "float32":
        logger.warning("states of %s are not stored, so not rounded to %s", subject.name, subject.store_dtype)
    if storage is not None:
        storage.check()
        cache_limit()  # refused now, rather than after the model is loaded
    by_number: dict[int, LayerStates] = {}
    for one in passes(subject, corpus, specs, progress, storage):
        by_number |= zip(one.numbers, _read_pass(one, progress, stream), strict=True)
    return [by_number[number] for number in range(len(specs))]


def _refuse_fixed_language(subject: Subject, corpus: ParallelCorpus) -> None:
    """
    Raises:
        RepalignError: every language would be read as one, because the tokenizer was saved without its class.
    """
    token = fixed_language(subject.tokenizer) if subject.languages is None else None
    others = [lang for lang in corpus.languages if token and not match_language(lang, [token.strip("_")])]
    if others:
        raise RepalignError(
            f"the tokenizer of {subject.name!r} adds {token!r} to the sentences of every language, also to those of "
            f"{', '.join(others[:10])}, and knows no other; save it with its own class, such as NllbTokenizer"
        )


@dataclass(frozen=True)
class Pass:
    """One pass over the text: what is read by all specs that need the same tokens.

    Attributes:
        subject: the model.
        corpus: without the sentences that are too long in some language.
        rows: numbers of its sentences in the corpus as it was given.
        cut: whether the tokens after a sentence are left out.
        tokens: by language.
        specs: that are read.
        numbers: of these among all specs.
        metadata: what the states say about their text.
        storage: where they are stored; None if they are not.
    """

    subject: Subject
    corpus: ParallelCorpus
    rows: Sequence[int]
    cut: bool
    tokens: Mapping[str, TokenRows]
    specs: Sequence[ReadingSpec]
    numbers: Sequence[int]
    metadata: dict[str, Any]
    storage: Storage | None

    def languages(self) -> dict[str, LanguageStates]:
        """The languages to read, by code."""
        storage = self.storage or own_storage()
        return {
            language: LanguageStates(self.subject, language, text, self.tokens[language], storage)
            for language, text in self.corpus.sentences.items()
        }

    def signature(self, spec: ReadingSpec) -> Signature:
        """What decides the states by one of the specs."""
        subject, corpus = self.subject, self.corpus
        is_rounded = self.storage is not None and subject.store_dtype != "float32"
        codes = {language: one.code for language in corpus.languages if (one := subject.in_model(language))}
        return Signature(
            checkpoint=subject.name,
            weights=subject.weights,
            corpus=corpus.name,
            text=corpus.digest,
            quantization=subject.quantization,
            languages=",".join(f"{language}={code}" for language, code in codes.items()),
            stored=subject.store_dtype if is_rounded else "",
            **subject.reading(spec),
        )

    def layer_states(
        self, spec: ReadingSpec, shape: Shape, arrays: Mapping[str, LayerArray], streamed: bool = False
    ) -> LayerStates:
        """The states by one of the specs.

        Args:
            spec: by which they are read.
            shape: of those of any language.
            arrays: by language.
            streamed: whether they are computed on demand.
        """
        corpus = self.corpus
        return LayerStates(
            signature=self.signature(spec),
            arrays=arrays,
            layers=shape.layers,
            n_blocks=shape.blocks,
            texts=corpus.sentences,
            token_counts={language: rows.counts for language, rows in self.tokens.items()},
            groups=duplicate_groups(corpus.sentences),
            token_ids={language: rows.own_ids for language, rows in self.tokens.items()},
            metadata=self.metadata,
            documents=None if corpus.documents is None else numbered(corpus.documents),
            streamed=streamed,
        )


def passes(
    subject: Subject,
    corpus: ParallelCorpus,
    specs: Sequence[ReadingSpec],
    progress: bool = True,
    storage: Storage | None = None,
) -> list[Pass]:
    """The passes that read a corpus by several specs; weights are not loaded.

    A causal model need not read what follows the sentence, unless a pooling uses it.

    Raises:
        RepalignError: too many sentences over the length limit, one without tokens, or a tokenizer that reads every language
            as one.
    """
    _refuse_fixed_language(subject, corpus)
    by_cut: dict[bool, list[int]] = {}
    for number, spec in enumerate(specs):
        by_cut.setdefault(subject.causal and not spec.pooling.sees_prompt, []).append(number)
    tokens = {cut: _tokenize(subject, corpus, cut, progress) for cut in by_cut}
    if len(tokens) == 2 and all(tokens[True][lang].same_as(tokens[False][lang]) for lang in corpus.languages):
        first = next(iter(by_cut))  # nothing follows the sentences
        by_cut = {first: list(range(len(specs)))}
    return [
        _pass(subject, corpus, tokens[cut], cut, [specs[number] for number in numbers], numbers, storage)
        for cut, numbers in by_cut.items()
    ]


def _pass(
    subject: Subject,
    corpus: ParallelCorpus,
    tokens: dict[str, TokenRows],
    cut: bool,
    specs: Sequence[ReadingSpec],
    numbers: Sequence[int],
    storage: Storage | None,
) -> Pass:
    rows = short_enough(corpus, tokens, subject.max_length, subject.positions)
    manifest = {**check(corpus), "truncated": len(corpus) - len(rows), "tokens": fertility(corpus, tokens)}
    if len(rows) < len(corpus):
        corpus = corpus.take(rows)
        tokens = {language: TokenRows.of(of[row] for row in rows) for language, of in tokens.items()}
    if subject.spec.exclude_shared_tokens:
        tokens = without_shared(tokens)
    return Pass(subject, corpus, rows, cut, tokens, specs, numbers, manifest, storage)


def language_states(
    subject: Subject, corpus: ParallelCorpus, language: str, cut: bool, storage: Storage
) -> LanguageStates:
    """One language of a pass, tokenised by itself: what a worker reads.

    Args:
        subject: the model.
        corpus: that of the pass.
        language: its code.
        cut: whether the tokens after a sentence are left out.
        storage: where its states are stored.
    """
    if subject.spec.exclude_shared_tokens:
        tokens = without_shared(_tokenize(subject, corpus, cut, progress=False))[language]
    else:
        tokens = _tokenize_language(subject, corpus, language, cut)
    return LanguageStates(subject, language, corpus.sentences[language], tokens, storage)


def _tokenize(
    subject: Subject, corpus: ParallelCorpus, cut: bool, progress: bool = True
) -> dict[str, TokenRows]:
    for language in corpus.languages:
        subject.in_model(language)  # refused before any is tokenised
    tokens: dict[str, TokenRows] = {}
    with Phase(f"{subject.name}: tokenizing", len(corpus.languages), "languages", shown=progress) as phase:
        for language in corpus.languages:
            tokens[language] = _tokenize_language(subject, corpus, language, cut)
            phase.update()
    return tokens


def _tokenize_language(subject: Subject, corpus: ParallelCorpus, language: str, cut: bool) -> TokenRows:
    return tokenize(
        corpus.sentences[language],
        subject.tokenizer,
        TEMPLATES[subject.spec.template],
        subject.max_length,
        cut,
        subject.in_model(language),
    )


def _read_pass(one: Pass, progress: bool, stream: bool) -> list[LayerStates]:
    """States by the specs of a pass."""
    languages = one.languages()
    shape, arrays = (
        _streamed(languages, one.specs) if stream else _read(languages, one.specs, one.storage, progress)
    )
    return [
        one.layer_states(
            spec, shape, {language: of_language[number] for language, of_language in arrays.items()}, stream
        )
        for number, spec in enumerate(one.specs)
    ]


def _read(
    languages: Mapping[str, LanguageStates],
    specs: Sequence[ReadingSpec],
    storage: Storage | None,
    progress: bool,
) -> tuple[Shape, dict[str, Sequence[LayerArray]]]:
    """Arrays by language, one for each spec.

    Raises:
        RepalignError: there is too little room to store them, or to hold them.
    """
    subject, unwritten = next(iter(languages.values())).subject, 0
    if storage is not None:
        stores = [one for states in languages.values() for one in states.stores(specs)]
        unwritten = sum(one.uncomputed_bytes for one in stores)
        absent = sum(one.absent_bytes for one in stores)
        make_room(absent, {one.folder for one in stores}, subject.name, storage)
    else:
        _check_memory(
            languages.values(),
            len(specs),
            "use fewer --layers or --sentences, --stream, or leave out --no-store",
        )
    total = sum(states.count for states in languages.values())
    about = "" if storage is not None and not unwritten else _about(languages, unwritten)
    with Phase(f"{subject.name}: reading", total, "tokens", about, progress) as phase:
        read = {
            language: states.load_or_compute(specs, phase) if storage else states.compute(specs, phase)
            for language, states in languages.items()
        }
    return next(iter(read.values()))[0], {language: arrays for language, (_, arrays) in read.items()}


def _about(languages: Mapping[str, LanguageStates], unwritten: int) -> str:
    """How much work it is to read some languages, and what it takes. Loads the model.

    Args:
        languages: by code.
        unwritten: bytes that will be stored.
    """
    states = next(iter(languages.values()))
    engine, sentences = states.subject.engine, sum(len(one.first) for one in languages.values())
    parts = [
        f"{sentences:,} sentences in {len(languages)} languages, {len(engine.layers)} layers on {engine.device.type}",
        f"a model of {size(engine.bytes)} in memory",
        f"{size(unwritten)} in the cache" if unwritten else "",
    ]
    return ", ".join(filter(None, parts))


def _streamed(
    languages: Mapping[str, LanguageStates], specs: Sequence[ReadingSpec]
) -> tuple[Shape, dict[str, Sequence[LayerArray]]]:
    """Likewise, computed when a layer is read; the latest two languages stay in memory."""
    two = lru_cache(maxsize=2)(lambda language: languages[language].compute(specs)[1])
    shapes = {language: states.shape() for language, states in languages.items()}
    largest = sorted(languages.values(), key=lambda states: len(states.first))[-2:]
    _check_memory(largest, len(specs), "use fewer --layers or --sentences")
    return next(iter(shapes.values())), {
        language: [
            StreamedArray((len(shape.layers), len(states.rows), shape.dim), partial(two, language), number)
            for number in range(len(specs))
        ]
        for (language, states), shape in zip(languages.items(), shapes.values(), strict=True)
    }


def _check_memory(languages: Collection[LanguageStates], specs: int, remedy: str) -> None:
    """
    Raises:
        RepalignError: the states of some languages, which are held at once, are larger than this machine's memory.
    """
    shapes = [states.shape() for states in languages]
    need = sum(4 * len(shape.layers) * shape.rows * shape.dim for shape in shapes) * specs
    check_fits(need, of_machine(), f"the states of {len(languages)} languages", remedy)


def short_enough(
    corpus: ParallelCorpus, tokens: Mapping[str, TokenRows], max_length: int, positions: int | None = None
) -> list[int]:
    """Rows that are not truncated in any language.

    Args:
        max_length: tokens after which they were truncated.
        positions: tokens that the model can read, or None for any number.

    Raises:
        RepalignError: more than 1% of the rows are truncated in some language.
    """
    truncated = {language: int(rows.truncated.sum()) for language, rows in tokens.items()}
    complete = np.flatnonzero(~np.any([rows.truncated for rows in tokens.values()], axis=0)).tolist()
    lost = len(corpus) - len(complete)
    if lost > MAX_TRUNCATED * len(corpus):
        counts = ", ".join(f"{language}: {count}" for language, count in truncated.items() if count)
        remedy = (
            f"the model reads at most {max_length} tokens: shorten the sentences"
            if max_length == positions
            else "raise --max-length"
        )
        raise RepalignError(
            f"{lost} of {len(corpus)} sentences are longer than {max_length} tokens ({counts}), more than "
            f"{MAX_TRUNCATED:.0%}; {remedy}, or leave out the languages this tokenizer cuts into pieces"
        )
    return complete


def fertility(corpus: ParallelCorpus, tokens: Mapping[str, TokenRows]) -> dict[str, dict[str, float]]:
    """By language, tokens "per_sentence" and "per_character" (unequal fertility is unequal length), and how many
    sentences are "truncated"."""
    counts = {}
    for language, rows in tokens.items():
        count = int(rows.content.flat.sum())
        characters = sum(len(sentence) for sentence in corpus.sentences[language])
        counts[language] = {
            "per_sentence": count / len(rows),
            "per_character": count / characters,
            "truncated": int(rows.truncated.sum()),
        }
    return counts


def count_tokens(checkpoint: CheckpointLike, corpus: CorpusLike) -> dict[str, dict[str, float]]:
    """Token counts of a corpus with a checkpoint's tokenizer, without loading any weights: see `fertility`.

    Raises:
        RepalignError: no checkpoint of that name, or a tokenizer that cannot be read.
    """
    corpus = as_corpus(corpus)
    subject = open_subject(checkpoint, ReadingSpec(), Machine())
    return fertility(corpus, _tokenize(subject, corpus, cut=subject.causal))
