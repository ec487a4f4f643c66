"""Measurements: point estimates of each metric for each pair of languages at one layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from repalign.errors import RepalignError
from repalign.metrics import LayerPair, Metric, Null, Representation, Scores
from repalign.metrics.documents import Documents, Shuffles
from repalign.scoring.influence import floor_influence_at_null, influence_of, shuffled
from repalign.scoring.variants import Language, Variant, folds_of, variant
from repalign.states.layer_states import LayerStates

SHUFFLES = 64
"""Shuffles that are the same at every layer."""


@dataclass(frozen=True)
class Measurement:
    """A score without its interval: a row of the profile, with the influence of each sentence.

    Attributes:
        influence: float64 [sentence group].
        clusters: the document of each group, int [sentence group]; None: groups are independent.
        rows: the groups that were scored, int [row]; None for all.
        kind: `Scores.kind`, which decides the method of the interval.
        shuffles: values under shuffles that are the same at every layer, float64 [shuffle]; None: not shuffled.
    """

    metric: Metric
    variant: str
    source: str
    target: str
    layer: int
    value: float
    influence: np.ndarray
    clusters: np.ndarray | None
    rows: np.ndarray | None
    kind: str
    null: Null | None
    shuffles: np.ndarray | None
    chance: float
    p: float
    sentences: int


class Paired(NamedTuple):
    """Two languages at one layer in one variant; `rows` are the sentence groups that the variant selects, None for all."""

    source: str
    target: str
    variant: str
    pair: LayerPair
    rows: np.ndarray | None


class Layer:
    """One layer of a checkpoint: its languages in each variant, one row per sentence group, computed once and cached.

    Duplicates form one group and count once; the first sentence represents its group.
    """

    def __init__(self, states: LayerStates, layer: int, device: str) -> None:
        self.states, self.number, self.device = states, layer, device
        self.rows = states.distinct
        self.clusters = states.clusters(self.rows)
        self.documents = None if self.clusters is None else Documents(self.clusters)
        self._sides: dict[tuple[str, str], Representation] = {}

    def side(self, language: str, spec: str) -> Representation:
        """One language in one variant."""
        if (language, spec) not in self._sides:
            self._sides[language, spec] = self._made(language, variant(spec))
        return self._sides[language, spec]

    def forget(self, language: str) -> None:
        """Free the memory of a language that is no longer needed."""
        for key in [key for key in self._sides if key[0] == language]:
            del self._sides[key]

    def lengths(self, language: str) -> np.ndarray:
        """Tokens pooled per sentence group."""
        return np.asarray(self.states.token_counts[language])[self.rows]

    def pair(self, source: str, target: str, spec: str) -> Paired:
        """A pair in one variant."""
        pair = LayerPair(self.side(source, spec), self.side(target, spec), self.documents)
        select = next((v.select for v in variant(spec) if v.select), None)
        rows = select(self.lengths(source), self.lengths(target)) if select else None
        return Paired(source, target, spec, pair if rows is None else pair.take(rows), rows)

    @cached_property
    def _folds(self) -> np.ndarray:
        return folds_of(len(self.rows), self.clusters)

    def _made(self, language: str, chain: Sequence[Variant]) -> Representation:
        import torch

        side = self._read(language)
        for step in chain:
            if step.change is not None:
                folds = torch.as_tensor(self._folds, device=self.device)
                lengths = torch.as_tensor(self.lengths(language), device=self.device)
                side = Representation(step.change(Language(side.states, folds, lengths)))
        return side

    def _read(self, language: str) -> Representation:
        where = f"{self.states.checkpoint}, layer {self.number}, language {language!r}"
        try:
            side = Representation.of(self.states.layer(language, self.number), self.device)
        except RepalignError as error:
            raise RepalignError(f"{where}: {error}") from error
        empty = (side.states == 0).all(1).nonzero().flatten()
        if len(empty):
            raise RepalignError(
                f"{where}: {len(empty)} sentences have a zero vector, which has no direction to compare; "
                f"the first is row {int(empty[0])}; extract again"
            )
        return side if len(self.rows) == len(side.states) else side.take(self.rows)


def with_another_of_its_document(paired: Paired) -> Paired:
    """Every sentence paired with another one of its document, at random: what topic alone gives.

    Sentences that are alone in their document are left out.

    Raises:
        RepalignError: documents are unknown, or every sentence is alone in its own.
    """
    documents = paired.pair.documents
    if documents is None:
        raise RepalignError(
            "no other sentence of the same document: documents are unknown; give them by --clusters, or a corpus with "
            "document ids"
        )
    counts = np.bincount(documents.number)
    kept = np.flatnonzero(counts[documents.number] > 1)
    if len(kept) == 0:
        raise RepalignError("no other sentence of the same document: every document has one sentence")
    generator = np.random.default_rng(0)
    order = np.empty(len(kept), dtype=np.int64)
    number = documents.number[kept]
    for document in np.unique(number):
        rows = generator.permutation(np.flatnonzero(number == document))
        order[rows] = np.roll(rows, 1)  # one cycle: no sentence stays with its translation
    rows = kept if paired.rows is None else paired.rows[kept]
    return paired._replace(pair=paired.pair.take(kept).shuffled(order), rows=rows)


@dataclass(frozen=True)
class Plan:
    """What to measure, the same for every checkpoint."""

    pairs: Sequence[tuple[str, str]]
    metrics: Sequence[Metric]
    variants: Sequence[str]
    permutations: int
    seed: int
    device: str
    same_document: bool = False
    _shuffles: dict[bytes, Shuffles] = field(default_factory=dict)

    def measured(self, states: LayerStates, layer: int) -> Iterator[Measurement]:
        """All scores of one layer."""
        at = Layer(states, layer, self.device)
        last = {language: index for index, pair in enumerate(self.pairs) for language in pair}
        for index, (source, target) in enumerate(self.pairs):
            pairs: dict[str, Paired] = {}
            known: dict[tuple[str, str], list[Measurement]] = {}
            for spec in self.variants:
                for metric in self.metrics:
                    # Centred states need no second computation if the metric is invariant to shifts.
                    invariant = "shift" in metric.invariances and all(v.shift for v in variant(spec))
                    computed = "raw" if invariant else spec
                    if (metric.name, computed) not in known:
                        if computed not in pairs:
                            paired = at.pair(source, target, computed)
                            pairs[computed] = (
                                with_another_of_its_document(paired) if self.same_document else paired
                            )
                        known[metric.name, computed] = list(self._scored(at, metric, pairs[computed]))
                    for measurement in known[metric.name, computed]:
                        yield replace(measurement, variant=spec)
            for language in (source, target):
                if last[language] == index:
                    at.forget(language)

    def _scored(self, at: Layer, metric: Metric, paired: Paired) -> Iterator[Measurement]:
        directions = [(paired.pair, paired.source, paired.target)]
        if not metric.symmetric:
            directions.append((paired.pair.reverse, paired.target, paired.source))
        for number, (pair, source, target) in enumerate(directions):
            scores = metric(pair)
            null, influence = self._null_and_influence(metric, pair, scores)
            yield Measurement(
                metric=metric,
                variant=paired.variant,
                source=source,
                target=target,
                layer=at.number,
                value=scores.value,
                influence=influence if paired.rows is None else _spread(influence, paired.rows, len(at.rows)),
                clusters=at.clusters,
                rows=paired.rows,
                kind=scores.kind,
                null=null and replace(null, sample=None),  # which holds matrices
                shuffles=self._shuffled_values(metric, pair, null, reverse=number == 1),
                chance=self._chance(metric, pair, null),
                p=null.p(scores.value, metric.higher_is_better) if null else np.nan,
                sentences=pair.sentences,
            )

    def _null_and_influence(
        self, metric: Metric, pair: LayerPair, scores: Scores
    ) -> tuple[Null | None, np.ndarray]:
        """The distribution under shuffling, if there is one, and the influence of each sentence."""
        influence = influence_of(metric, pair, scores, self.seed)
        if scores.null is not None or not self.permutations or np.isnan(scores.value):
            return scores.null, influence
        null = shuffled(metric, pair, self.permutations, self.seed)
        if scores.per_sentence is None and pair.documents is None:
            influence = floor_influence_at_null(
                influence, null, null.p(scores.value, metric.higher_is_better)
            )
        return null, influence

    def _chance(self, metric: Metric, pair: LayerPair, null: Null | None) -> float:
        """The expected score of unrelated languages: of all sentences shuffled, also where documents are known."""
        expected = metric.expected(*pair.x.shape)
        if expected is not None:
            return expected
        if null is None:
            return np.nan
        if pair.strata is None:
            return null.mean
        free = LayerPair(pair.source, pair.target)
        null = metric(free).null or shuffled(metric, free, self.permutations, self.seed)
        return null.mean

    def _shuffled_values(
        self, metric: Metric, pair: LayerPair, null: Null | None, reverse: bool
    ) -> np.ndarray | None:
        """Values under shuffles of sentences that are the same at every layer, and for both directions."""
        if null is None or null.sample is None or not self.permutations:
            return None
        strata = pair.strata
        key = repr(pair.sentences).encode() if strata is None else strata.index.numpy().tobytes()
        if key not in self._shuffles:
            self._shuffles[key] = Shuffles.of(pair.sentences, strata, SHUFFLES, self.seed)
        shuffles = self._shuffles[key]
        values = null.sample(shuffles.inverse if reverse else shuffles)
        is_error = null.hits is not None and not metric.higher_is_better
        return 1 - values if is_error else values


def _spread(influence: np.ndarray, rows: np.ndarray, groups: int) -> np.ndarray:
    """Influence over all sentence groups of a score over some of them: that of the others is 0."""
    spread = np.zeros(groups)
    spread[rows] = influence * groups / len(rows)
    return spread
