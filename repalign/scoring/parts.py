"""Parts of a profile: some pairs of languages at all layers of one checkpoint, scored in one pass and independent of the others.

Each part has a key of everything that decides its rows. So it does not matter who scores it, in which order, or twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.metrics import Metric
from repalign.models.provenance import package_digest, source_digest
from repalign.progress import Phase
from repalign.results.part import ProfilePart
from repalign.results.schema import RESULTS
from repalign.scoring.estimates import Resampling, ends, minus, row, units
from repalign.scoring.measurement import Measurement, Plan
from repalign.scoring.peaks import light, peak_rows
from repalign.signature import digest
from repalign.states.layer_states import LayerStates
from repalign.states.views import store_name

if TYPE_CHECKING:
    from collections.abc import Callable

AT_ONCE = 16
"""Pairs of languages whose scores at all layers are held in memory together, at most."""

HELD = 1 << 30
"""Bytes of influences of sentences beyond which there are fewer; one pair at least."""


@dataclass(frozen=True)
class Request:
    """What decides scores beside the states, checked.

    Attributes:
        how: draws, seed and intervals.
        metrics, variants, permutations, layers, same_document, device: see `profile`.
    """

    metrics: tuple[Metric, ...]
    variants: tuple[str, ...]
    how: Resampling
    permutations: int = 200
    layers: tuple[int, ...] | None = None
    same_document: bool = False
    device: str = "cpu"

    @cached_property
    def sources(self) -> list[str | None]:
        """Of the metrics: see `metric_source`."""
        return [metric_source(metric) for metric in self.metrics]

    @cached_property
    def weights(self) -> Callable[[int], np.ndarray]:
        """Of bootstrap draws by the number of units: see `Resampling.weights`."""
        return lru_cache(maxsize=2)(self.how.weights)

    def parts(
        self, states: LayerStates, baseline: LayerStates | None, pairs: Sequence[tuple[str, str]]
    ) -> Iterator[Part]:
        """Pairs that are scored in one pass over the layers, as they share the pivot; one by one if streamed, to hold two languages.

        Args:
            states: of a checkpoint.
            baseline: that is subtracted, if any.
            pairs: of languages.
        """
        layers = states.layers if self.layers is None else self.layers
        scores = 2 * len(layers) * len(self.metrics) * len(self.variants)  # of each pair, at most
        fit = HELD // (8 * states.n_sentences * scores)
        size = 1 if states.streamed else max(1, min(AT_ONCE, fit))
        for start in range(0, len(pairs), size):
            yield Part(states, baseline, tuple(pairs[start : start + size]), layers, self)


@dataclass(frozen=True)
class Part:
    """Some pairs of languages of one checkpoint, or of its difference from another.

    Attributes:
        states: of the checkpoint.
        baseline: that is subtracted, if any.
        pairs: of languages.
        layers: all that are scored, as the best layer is chosen among them.
        request: what is scored, and how.
    """

    states: LayerStates
    baseline: LayerStates | None
    pairs: tuple[tuple[str, str], ...]
    layers: tuple[int, ...]
    request: Request

    @property
    def languages(self) -> list[str]:
        """The languages that it needs."""
        return list(dict.fromkeys(language for pair in self.pairs for language in pair))

    @cached_property
    def key(self) -> str | None:
        """SHA-256 over everything that decides the rows, as hex; None for states or metrics that cannot be identified.

        The names of the stores stand for weights, tokenizer, text and way of reading; to them come how sentences belong together,
        the request, and the code.
        """
        request, both = self.request, [one for one in (self.states, self.baseline) if one is not None]
        names = [store_name(one.arrays[language]) for one in both for language in self.languages]
        if not all(names) or None in request.sources:
            return None
        decided = [
            [one.checkpoint for one in both], names, self.pairs, self.layers, [metric.name for metric in request.metrics],
            request.sources,
            request.variants, _values(request.how), request.permutations, request.same_document, request.device,
        ]  # fmt: skip
        together = [
            np.asarray(numbers, dtype=np.int64).tobytes()
            for one in both
            for numbers in (one.groups, () if one.documents is None else one.documents)
        ]
        return digest([json.dumps(decided), *together, package_digest()])

    def scored(self, phase: Phase | None = None) -> ProfilePart:
        """The scores.

        Args:
            phase: that counts layers.

        Raises:
            RepalignError: states that cannot be scored, or too few sentences.
        """
        request, one, baseline = self.request, self.states, self.baseline
        plan = Plan(
            pairs=self.pairs,
            metrics=request.metrics,
            variants=request.variants,
            permutations=request.permutations if baseline is None else 0,  # a difference has no chance level
            seed=request.how.seed,
            device=request.device,
            same_document=request.same_document,
        )
        rows: list[dict[str, Any]] = []
        measured: list[Measurement] = []
        for layer in self.layers:
            at_layer = list(plan.measured(one, layer))
            if baseline is not None:
                at_layer = list(map(minus, at_layer, plan.measured(baseline, layer)))
            measured += map(light, at_layer)
            weights = request.weights(units(at_layer[0]))
            low, high = ends(at_layer, weights, request.how, paired=baseline is not None)
            rows += [row(one, baseline, m, low[k], high[k]) for k, m in enumerate(at_layer)]
            if phase is not None:
                phase.update()
        peaks = peak_rows(one, baseline, measured, request.weights(units(measured[0])), request.how)
        return ProfilePart(RESULTS["profile"].frame(rows), RESULTS["peaks"].frame(peaks))


def metric_source(metric: Metric) -> str | None:
    """The digest of a custom metric: its code, that of its chance level, and what it declares.

    Empty for built-in metrics, whose files are part of every key; None if its code cannot be identified.
    """
    if metric.is_built_in:
        return ""
    code = [source_digest(function) for function in (metric.function, metric.chance) if function is not None]
    declared = [sorted(metric.invariances), *_values(metric, "function", "chance", "invariances")]
    return None if None in code else digest([*map(str, code), repr(declared)])


def _values(spec: Any, *but: str) -> list[Any]:
    return [getattr(spec, one.name) for one in fields(spec) if one.name not in but]
