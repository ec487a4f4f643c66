"""Alignment measured while a model trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch.distributed.tensor import DTensor
from transformers import TrainerCallback

from repalign import LayerStates, ParallelCorpus, RepalignError, profile
from repalign.corpora.language_choice import find_language
from repalign.metrics import METRICS, LayerPair, Metric
from repalign.models.engine import Engine
from repalign.models.templates import RAW
from repalign.models.tokenization import tokenize
from repalign.signature import today

from .alignment_log import packed, record

LONGEST = 512
"""Tokens per sentence at most."""


def alignment(model: Any, tokenizer: Any, corpus: ParallelCorpus, pivot: str) -> dict[str, list[float]]:
    """Strict P@1 of each language with the pivot, mean of both directions, by layer (0 = input of the first block).

    States are means over a sentence's tokens, minus their language's mean over other sentences.
    """
    return _measured(model, tokenizer, corpus, pivot)[0]


def _measured(
    model: Any, tokenizer: Any, corpus: ParallelCorpus, pivot: str
) -> tuple[dict[str, list[float]], dict[str, list[list[str]]]]:
    """The same, and which sentences were found: by language, both directions from the pivot first, by layer, as `packed`."""
    # Not `extract`, which reads all weights for their digest: that would be most of the time for a large model.
    engine = Engine.around(model, tokenizer)
    arrays, token_counts = {}, {}
    for language in corpus.languages:
        expected = engine.languages.match(language) if engine.languages else None
        rows = tokenize(corpus.sentences[language], tokenizer, RAW, LONGEST, engine.causal, expected)
        arrays[language] = engine.pool(rows, ["mean"])[0]
        token_counts[language] = np.array([int(row.content.sum()) for row in rows])
    states = LayerStates.from_arrays(arrays, token_counts=token_counts)
    found: list[np.ndarray] = []
    scores = profile(
        states,
        pivot=pivot,
        metrics=_recording(found),
        variants="centred",
        permutations=0,
        draws=2,
        progress=False,
    ).table
    scores = scores.assign(hits=list(map(packed, found)))  # scored in the order of the rows
    others = [language for language in corpus.languages if language != pivot]
    language = scores["target"].where(scores["source"] == pivot, scores["source"])
    means = scores.groupby([language, "layer"])["value"].mean()
    by_direction = scores.sort_values("layer").groupby(["source", "target"])["hits"].agg(list)
    hits = {one: [by_direction[pivot, one], by_direction[one, pivot]] for one in others}
    return {one: means[one].tolist() for one in others}, hits


def _recording(found: list[np.ndarray]) -> Metric:
    """P@1 that also keeps which sentences were found: bool [sentence] for every score."""
    p_at_1 = METRICS["p_at_1"]

    def record(pair: LayerPair) -> Any:
        scores = p_at_1(pair)
        if scores.per_sentence is not None:  # it never is
            found.append(scores.per_sentence.cpu().numpy() > 0)
        return scores

    return replace(p_at_1, function=record)


class AlignmentCallback(TrainerCallback):
    """Measures alignment by layer every few steps of any transformers Trainer.

    Args:
        corpus: what is measured on, best small: 100 sentences take half a second with a tiny model.
        every: steps between two measurements; the first is before training, the last after the last step.
        pivot: language with which the others are compared.
        log: file to which each measurement adds one JSON line, or None; see `alignment_page`.

    Attributes:
        history: one entry per measurement: step, pivot, P@1 by language and layer, corpus and its size, date, and which
            sentences were found, so that two steps can be compared sentence by sentence.

    Raises:
        RepalignError: the corpus lacks the pivot; at the start of training, if each weight is sharded over processes (FSDP, ZeRO 3): no process
            holds the model that would be measured.
    """

    def __init__(
        self, corpus: ParallelCorpus, every: int, pivot: str = "en", log: Path | None = None
    ) -> None:
        self.corpus, self.every, self.log = corpus, every, log
        self.pivot = find_language(pivot, corpus.languages, f"in corpus {corpus.name!r}; give another pivot")
        self.history: list[Mapping[str, Any]] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if any(
            isinstance(weight, DTensor) or hasattr(weight, "ds_id") for weight in kwargs["model"].parameters()
        ):
            raise RepalignError(
                "alignment cannot be measured while weights are sharded over processes; train without "
                "train.align_steps and measure the finished checkpoint"
            )
        if state.global_step % self.every == 0:  # also where a run resumes: as if it had not been interrupted
            self._measure(state, **kwargs)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % self.every == 0 or state.global_step == state.max_steps:
            self._measure(state, **kwargs)

    def _measure(self, state: Any, model: Any, processing_class: Any, **kwargs: Any) -> None:
        was_training = model.training
        model.eval()
        scores, hits = _measured(model, processing_class, self.corpus, self.pivot)
        model.train(was_training)
        entry = {"step": state.global_step, "pivot": self.pivot, "p_at_1": scores}
        entry |= {"corpus": self.corpus.name, "sentences": len(self.corpus), "date": today(), "hits": hits}
        self.history.append(entry)
        if self.log and state.is_world_process_zero:
            record(self.log, entry)
