"""Measurements: point estimates of each metric for each pair of languages at one layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from repalign.errors import RepalignError
from repalign.metrics import LayerPair, Metric, Null, Representation, Scores
from repalign.scoring.influence import floor_influence_at_null, influence_of, shuffled
from repalign.scoring.variants import Language, Variant, folds_of, variant
from repalign.states.layer_states import LayerStates


@dataclass(frozen=True)
class Measurement:
    """A score without its interval: a row of the profile, with the influence of each sentence."""

    metric: Metric
    variant: str
    source: str
    target: str
    layer: int
    value: float
    influence: np.ndarray  # float64 [sentence group]
    kind: str  # `Scores.kind`, which decides the method of the interval
    null: Null | None
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
        self.rows = np.unique(states.groups, return_index=True)[1]
        self.rows.sort()
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
        pair = LayerPair(self.side(source, spec), self.side(target, spec))
        select = next((v.select for v in variant(spec) if v.select), None)
        rows = select(self.lengths(source), self.lengths(target)) if select else None
        return Paired(source, target, spec, pair if rows is None else pair.take(rows), rows)

    def _made(self, language: str, chain: Sequence[Variant]) -> Representation:
        import torch

        side = self._read(language)
        for step in chain:
            if step.change is not None:
                folds = torch.as_tensor(folds_of(len(self.rows)), device=self.device)
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


@dataclass(frozen=True)
class Plan:
    """What to measure, the same for every checkpoint."""

    pairs: Sequence[tuple[str, str]]
    metrics: Sequence[Metric]
    variants: Sequence[str]
    permutations: int
    seed: int
    device: str

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
                            pairs[computed] = at.pair(source, target, computed)
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
        for pair, source, target in directions:
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
                kind=scores.kind,
                null=null,
                chance=metric.chance(*pair.x.shape) if metric.chance else null.mean if null else np.nan,
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
        if scores.per_sentence is None:
            influence = floor_influence_at_null(
                influence, null, null.p(scores.value, metric.higher_is_better)
            )
        return null, influence


def _spread(influence: np.ndarray, rows: np.ndarray, groups: int) -> np.ndarray:
    """Influence over all sentence groups of a score over some of them: that of the others is 0."""
    spread = np.zeros(groups)
    spread[rows] = influence * groups / len(rows)
    return spread
