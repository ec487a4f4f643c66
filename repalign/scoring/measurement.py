"""Measurements: what every metric says of every pair of languages at one layer, before any interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from repalign import statistics
from repalign.errors import RepalignError
from repalign.metrics import LayerPair, Metric, Null, Scores, Side
from repalign.scoring.variants import Language, Variant, folds_of, variant
from repalign.states import LayerStates


@dataclass(frozen=True)
class Measurement:
    """One score before its interval: a row of the profile, with the influence of each sentence."""

    metric: Metric
    variant: str
    source: str
    target: str
    layer: int
    value: float
    influence: np.ndarray  # float64 [sentence group]
    kind: str  # of scores: it decides the interval
    null: Null | None
    chance: float
    p: float
    sentences: int


class Layer:
    """One layer of a checkpoint: the sides of its languages, one row a sentence group, each made once.

    Identical texts are one group and count once; the first sentence stands for its group.
    """

    def __init__(self, states: LayerStates, layer: int, device: str) -> None:
        self.states, self.number, self.device = states, layer, device
        self.rows = np.unique(states.groups, return_index=True)[1]
        self.rows.sort()
        self._sides: dict[tuple[str, str], Side] = {}

    def side(self, language: str, spec: str) -> Side:
        """One language in one variant."""
        if (language, spec) not in self._sides:
            self._sides[language, spec] = self._made(language, variant(spec))
        return self._sides[language, spec]

    def forget(self, language: str) -> None:
        """Free the memory of a language that is not needed again."""
        for key in [key for key in self._sides if key[0] == language]:
            del self._sides[key]

    def lengths(self, language: str) -> np.ndarray:
        """Tokens pooled per sentence group."""
        return np.asarray(self.states.tokens[language])[self.rows]

    def pair(self, source: str, target: str, spec: str) -> tuple[LayerPair, np.ndarray | None]:
        """A pair in one variant, and the rows it was narrowed to, if any."""
        pair = LayerPair(self.side(source, spec), self.side(target, spec))
        select = next((v.select for v in variant(spec) if v.select), None)
        if select is None:
            return pair, None
        rows = select(self.lengths(source), self.lengths(target))
        return pair.take(rows), rows

    def _made(self, language: str, chain: Sequence[Variant]) -> Side:
        import torch

        side = self._read(language)
        for step in chain:
            if step.change is not None:
                folds = torch.as_tensor(folds_of(len(self.rows)), device=self.device)
                lengths = torch.as_tensor(self.lengths(language), device=self.device)
                side = Side(step.change(Language(side.states, folds, lengths)))
        return side

    def _read(self, language: str) -> Side:
        array = self.states.layer(language, self.number)
        if len(self.rows) < len(array):
            array = array[self.rows]
        where = f"{self.states.checkpoint}, layer {self.number}, language {language!r}"
        try:
            side = Side.of(array, self.device)
        except RepalignError as error:
            raise RepalignError(f"{where}: {error}") from error
        empty = (side.states == 0).all(1).nonzero().flatten()
        if len(empty):
            raise RepalignError(
                f"{where}: {len(empty)} sentences have a zero vector, the first is row "
                f"{int(self.rows[empty[0]])}; no direction can be compared with it; extract again"
            )
        return side


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
            pairs: dict[str, tuple[LayerPair, np.ndarray | None]] = {}
            known: dict[tuple[str, str], list[Measurement]] = {}
            for spec in self.variants:
                for metric in self.metrics:
                    # a metric that ignores a shift need not be computed again on centred states
                    blind = "shift" in metric.invariances and all(v.shift for v in variant(spec))
                    key = (metric.name, "raw" if blind else spec)
                    if key not in known:
                        if key[1] not in pairs:
                            pairs[key[1]] = at.pair(source, target, key[1])
                        known[key] = list(self._scored(at, metric, key[1], source, target, *pairs[key[1]]))
                    for found in known[key]:
                        yield replace(found, variant=spec)
            for language in (source, target):
                if last[language] == index:
                    at.forget(language)

    def _scored(
        self,
        at: Layer,
        metric: Metric,
        spec: str,
        source: str,
        target: str,
        pair: LayerPair,
        rows: np.ndarray | None,
    ) -> Iterator[Measurement]:
        directions = [(pair, source, target)]
        if not metric.symmetric:
            directions.append((pair.reverse, target, source))
        for one_way, near, far in directions:
            scores = metric(one_way)
            null, influence = self._judged(metric, one_way, scores)
            yield Measurement(
                metric=metric,
                variant=spec,
                source=near,
                target=far,
                layer=at.number,
                value=scores.value,
                influence=influence if rows is None else _spread(influence, rows, len(at.rows)),
                kind=scores.kind,
                null=null,
                chance=metric.chance(*one_way.x.shape) if metric.chance else null.mean if null else np.nan,
                p=null.p(scores.value, metric.closer) if null else np.nan,
                sentences=one_way.sentences,
            )

    def _judged(self, metric: Metric, pair: LayerPair, scores: Scores) -> tuple[Null | None, np.ndarray]:
        """The distribution under shuffling, where there is one, and the influence of each sentence."""
        influence = statistics.influence_of(metric, pair, scores, self.seed)
        if scores.null is not None or not self.permutations or np.isnan(scores.value):
            return scores.null, influence
        null = statistics.shuffled(metric, pair, self.permutations, self.seed)
        if scores.per_sentence is None:
            influence = statistics.told_from_chance(influence, null, null.p(scores.value, metric.closer))
        return null, influence


def _spread(influence: np.ndarray, rows: np.ndarray, groups: int) -> np.ndarray:
    """Influence over all sentence groups of a score of some of them: the others move nothing."""
    spread = np.zeros(groups)
    spread[rows] = influence * groups / len(rows)
    return spread
