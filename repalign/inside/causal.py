"""Effects of interventions: ablate a language's neurons or directions, or steer, each against random controls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from repalign.inside.interventions import (
    Edit,
    EditableModel,
    Outcome,
    add_vector,
    without_directions,
    without_neurons,
)
from repalign.inside.neurons import Neurons
from repalign.metrics import METRICS, LayerPair
from repalign.models.tokenization import TokenRows
from repalign.statistics import difference_p, holm, intervals, resamples

N_CONTROLS = 3
"""Random controls per intervention; their outcomes are averaged."""


@dataclass(frozen=True)
class Effects:
    """Effects of interventions on one checkpoint.

    Args:
        model: whose states are edited.
        tokens: language -> tokenised sentences on which outcomes are measured, disjoint from those used to select
            neurons and compute means.
        pivot: one of the languages.
        draws: of the bootstrap.
        seed: of the controls and the bootstrap.
    """

    model: EditableModel
    tokens: Mapping[str, TokenRows]
    pivot: str
    draws: int
    seed: int

    @property
    def languages(self) -> list[str]:
        return list(self.tokens)

    def of_neurons(self, chosen: Neurons, width: int) -> Iterator[dict[str, Any]]:
        """Rows of the table `interventions`: ablate each language's neurons, against as many others of the same layers.

        Args:
            chosen: the language-specific neurons.
            width: number of neurons per layer.
        """
        generator = np.random.default_rng(self.seed)
        for number, of in enumerate(self.languages):
            assigned = chosen.language == number
            if not assigned.any():
                continue
            by_layer = {
                int(layer): chosen.neuron[assigned & (chosen.layer == layer)]
                for layer in np.unique(chosen.layer[assigned])
            }
            random = [
                {layer: _other_neurons(generator, neurons, width) for layer, neurons in by_layer.items()}
                for _ in range(N_CONTROLS)
            ]
            edits, *controls = (
                [Edit(layer, "mlp-act", without_neurons(neurons)) for layer, neurons in selection.items()]
                for selection in (by_layer, *random)
            )
            labels = {"intervention": "neurons", "of": of, "layer": np.nan, "size": int(assigned.sum())}
            yield from self._rows(labels, self.languages, ["loss"], edits, controls)

    def of_subspace(self, layer: int, means: np.ndarray) -> Iterator[dict[str, Any]]:
        """Rows: remove the directions between the languages' means, against as many random directions.

        Args:
            layer: whose output is edited, from 1.
            means: of the layer's output by language, from other sentences, float64 [language, dim].
        """
        centre = means.mean(0)
        generator = np.random.default_rng((self.seed, layer))
        directions = _orthonormal_basis(means - centre)
        random = [_orthonormal_basis(generator.normal(size=directions.shape)) for _ in range(N_CONTROLS)]
        edits, *controls = (
            [Edit(layer, "resid", without_directions(basis, centre))] for basis in (directions, *random)
        )
        labels = {"intervention": "subspace", "of": None, "layer": layer, "size": len(directions)}
        yield from self._rows(labels, self.languages, ["loss", "own", "p_at_1"], edits, controls)

    def of_steering(self, layer: int, means: np.ndarray) -> Iterator[dict[str, Any]]:
        """Rows: replace a language's mean by the pivot's, against random vectors of the same length.

        Args:
            layer: whose output is edited, from 1.
            means: of the layer's output by language, from other sentences, float64 [language, dim].
        """
        generator = np.random.default_rng((self.seed, layer))
        pivot = self.languages.index(self.pivot)
        for number, of in enumerate(self.languages):
            if of == self.pivot:
                continue
            shift = means[pivot] - means[number]
            random = generator.normal(size=(N_CONTROLS, len(shift)))
            random *= np.linalg.norm(shift) / np.linalg.norm(random, axis=1, keepdims=True)
            edits, *controls = ([Edit(layer, "resid", add_vector(vector))] for vector in (shift, *random))
            labels = {"intervention": "steering", "of": of, "layer": layer, "size": 1}
            yield from self._rows(labels, [of], ["own", "pivot"], edits, controls)

    def _rows(
        self,
        labels: Mapping[str, Any],
        languages: Sequence[str],
        outcomes: Sequence[str],
        edits: Sequence[Edit],
        controls: Sequence[Sequence[Edit]],
    ) -> Iterator[dict[str, Any]]:
        edited, *random = (self._outcomes(languages, outcomes, some) for some in (edits, *controls))
        baseline = self._outcomes(languages, outcomes, ())
        for key, before in baseline.items():
            control = np.mean([outcome[key] for outcome in random], axis=0)
            effect, control_effect = (
                _effect(after - before, self._weights) for after in (edited[key], control)
            )
            p = float(difference_p(*_as_score(edited[key] - control))[0])
            yield {
                **labels, "language": key[0], "outcome": key[1], "baseline": float(before.mean()),
                "value": effect[0], "low": effect[1], "high": effect[2],
                "control": control_effect[0], "control_low": control_effect[1], "control_high": control_effect[2],
                "p": p, "sentences": len(before),
            }  # fmt: skip

    def _outcomes(
        self, languages: Sequence[str], outcomes: Sequence[str], edits: Sequence[Edit]
    ) -> dict[tuple[str, str], np.ndarray]:
        """(language, outcome) -> value of each sentence, float64 [sentence]."""
        needed = {*languages, self.pivot} if "p_at_1" in outcomes else languages
        runs = {language: self._run(language, edits) for language in self.languages if language in needed}
        return {
            (language, outcome): self._outcome(outcome, language, runs)
            for outcome in outcomes
            for language in languages
            if not (outcome == "p_at_1" and language == self.pivot)
        }

    def _run(self, language: str, edits: Sequence[Edit]) -> Outcome:
        return self.model.run(self.tokens[language], edits) if edits else self._baseline[language]

    @cached_property
    def _weights(self) -> np.ndarray:
        return resamples(len(self.tokens[self.pivot]), self.draws, self.seed)

    @cached_property
    def _baseline(self) -> dict[str, Outcome]:
        return {language: self.model.run(rows) for language, rows in self.tokens.items()}

    def _outcome(self, outcome: str, language: str, runs: Mapping[str, Outcome]) -> np.ndarray:
        run = runs[language]
        if outcome == "loss":
            return run.loss
        if outcome == "p_at_1":
            pair = LayerPair.of(runs[self.pivot].states, run.states)
            correct = [METRICS["p_at_1"](direction).per_sentence for direction in (pair, pair.reverse)]
            return np.mean([hits.double().numpy() for hits in correct if hits is not None], axis=0)
        return run.mass[:, self.languages.index(self.pivot if outcome == "pivot" else language)]


def adjusted(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Adds `p_adjusted`: Holm over all rows of one intervention and outcome."""
    groups: dict[tuple[str, str], list[int]] = {}
    for number, row in enumerate(rows):
        groups.setdefault((row["intervention"], row["outcome"]), []).append(number)
    p_adjusted = np.empty(len(rows))
    for numbers in groups.values():
        p_adjusted[numbers] = holm([rows[number]["p"] for number in numbers])
    return [{**row, "p_adjusted": float(p)} for row, p in zip(rows, p_adjusted, strict=True)]


def _other_neurons(generator: np.random.Generator, neurons: np.ndarray, width: int) -> np.ndarray:
    """As many other neurons of the layer, or all others if there are fewer."""
    rest = np.setdiff1d(np.arange(width), neurons)
    return generator.choice(rest, min(len(neurons), len(rest)), replace=False)


def _orthonormal_basis(vectors: np.ndarray) -> np.ndarray:
    """An orthonormal basis of the row space, float64 [direction, dim]."""
    _, singular, directions = np.linalg.svd(vectors, full_matrices=False)
    return directions[singular > 1e-6 * singular[0]]


def _as_score(per_sentence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean [1] and the influence of each sentence on it [1, sentence], for `repalign.statistics`."""
    value = per_sentence.mean()
    return np.array([value]), (per_sentence - value)[None]


def _effect(per_sentence: np.ndarray, weights: np.ndarray) -> tuple[float, float, float]:
    """The mean with its 95% interval; `weights` are from `repalign.statistics.resamples`."""
    value, influence = _as_score(per_sentence)
    low, high = intervals(value, influence, weights)
    return float(value[0]), float(low[0]), float(high[0])
