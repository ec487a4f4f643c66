"""Effects of interventions: ablate a language's neurons or directions, or steer, each against random controls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

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
from repalign.statistics import against_controls, by_cluster, intervals, resamples, step_down_p

N_CONTROLS = 20
"""Random controls per intervention: the fewest with which an adjusted p can be below .05 (it is at least 1/21)."""

Row = dict[str, Any]
"""Of the table `interventions`."""


class Measured(NamedTuple):
    """One intervention in all its outcomes.

    Attributes:
        rows: of the table `interventions`, one per outcome, without adjusted p.
        changes: mean change over sentences by the intervention, then by each control: float64 [1 + control, outcome].
    """

    rows: list[Row]
    changes: np.ndarray


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
        controls: number of random controls per intervention, at least 2.
        documents: of the sentences, int [sentence], numbered from 0 without gaps; None: unknown.
    """

    model: EditableModel
    tokens: Mapping[str, TokenRows]
    pivot: str
    draws: int
    seed: int
    controls: int = N_CONTROLS
    documents: np.ndarray | None = None

    @property
    def languages(self) -> list[str]:
        return list(self.tokens)

    def passes(self, ablated: int, layers: int) -> int:
        """How often the model reads the sentences of one language in all: nearly all of the time.

        Args:
            ablated: languages whose neurons are ablated.
            layers: at which directions are removed and states are steered.
        """
        languages = len(self.languages)
        edited = ablated * languages + layers * (languages + languages - 1)
        return languages + (1 + self.controls) * edited

    def of_neurons(self, chosen: Neurons, width: int) -> Iterator[Measured]:
        """Ablate each language's neurons, against as many random neurons of the same layers.

        The random ones are drawn from all neurons of a layer, also those of the language: only then is a language's set
        one of those that could have been drawn, if it is not special.

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
                {
                    layer: generator.choice(width, len(neurons), replace=False)
                    for layer, neurons in by_layer.items()
                }
                for _ in range(self.controls)
            ]
            edits, *controls = (
                [Edit(layer, "mlp-act", without_neurons(neurons)) for layer, neurons in selection.items()]
                for selection in (by_layer, *random)
            )
            labels = {"intervention": "neurons", "of": of, "layer": np.nan, "size": int(assigned.sum())}
            yield self._measured(labels, self.languages, ["loss"], edits, controls)

    def of_subspace(self, layer: int, means: np.ndarray) -> Measured:
        """Remove the directions between the languages' means, against as many random directions.

        Args:
            layer: whose output is edited, from 1.
            means: of the layer's output by language, from other sentences, float64 [language, dim].
        """
        centre = means.mean(0)
        generator = np.random.default_rng((self.seed, layer))
        directions = _orthonormal_basis(means - centre)
        random = [_orthonormal_basis(generator.normal(size=directions.shape)) for _ in range(self.controls)]
        edits, *controls = (
            [Edit(layer, "resid", without_directions(basis, centre))] for basis in (directions, *random)
        )
        labels = {"intervention": "subspace", "of": None, "layer": layer, "size": len(directions)}
        return self._measured(labels, self.languages, ["loss", "own", "p_at_1"], edits, controls)

    def of_steering(self, layer: int, means: np.ndarray) -> Iterator[Measured]:
        """Replace a language's mean by the pivot's, against random vectors of the same length.

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
            random = generator.normal(size=(self.controls, len(shift)))
            random *= np.linalg.norm(shift) / np.linalg.norm(random, axis=1, keepdims=True)
            edits, *controls = ([Edit(layer, "resid", add_vector(vector))] for vector in (shift, *random))
            labels = {"intervention": "steering", "of": of, "layer": layer, "size": 1}
            yield self._measured(labels, [of], ["own", "pivot"], edits, controls)

    def _measured(
        self,
        labels: Mapping[str, Any],
        languages: Sequence[str],
        outcomes: Sequence[str],
        edits: Sequence[Edit],
        controls: Sequence[Sequence[Edit]],
    ) -> Measured:
        """Outcomes of an intervention and its controls as changes of the unedited model's."""
        before = self._outcomes(languages, outcomes, ())
        baseline = np.array(list(before.values()))
        changes = np.array(
            [list(self._outcomes(languages, outcomes, some).values()) for some in (edits, *controls)]
        )
        changes -= baseline
        effect, random = changes[0], against_controls(changes[0], changes[1:], self.documents)
        value = effect.mean(1)
        low, high = intervals(value, by_cluster(effect - value[:, None], self.documents), self._weights)
        rows = [
            {
                **labels, "language": language, "outcome": outcome, "baseline": baseline[row].mean(),
                "value": value[row], "low": low[row], "high": high[row],
                "control": random.control[row], "control_low": random.low[row], "control_high": random.high[row],
                "p": random.p[row], "sentences": effect.shape[1], "controls": len(controls),
            }
            for row, (language, outcome) in enumerate(before)
        ]  # fmt: skip
        return Measured(rows, changes.mean(-1))

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
        documents = self.documents
        units = len(self.tokens[self.pivot]) if documents is None else int(documents.max()) + 1
        return resamples(units, self.draws, self.seed)

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


def adjusted(measured: Sequence[Measured]) -> list[Row]:
    """The rows of all interventions with `p_adjusted`, over all rows of one intervention and outcome.

    Ablations in the language itself, which the question is about, and in others are adjusted separately. Adjusted by the step-down maximum over as many wholly random studies, see `step_down_p`; never below p itself.
    """
    rows = [row for one in measured for row in one.rows]
    changes = np.concatenate([one.changes for one in measured], axis=1)
    groups: dict[tuple[str, str, bool], list[int]] = {}
    for number, row in enumerate(rows):
        key = (row["intervention"], row["outcome"], row["of"] == row["language"])
        groups.setdefault(key, []).append(number)
    p_adjusted = np.empty(len(rows))
    for numbers in groups.values():
        p_adjusted[numbers] = step_down_p(changes[:, numbers])
    return [{**row, "p_adjusted": max(row["p"], p)} for row, p in zip(rows, p_adjusted, strict=True)]


def _orthonormal_basis(vectors: np.ndarray) -> np.ndarray:
    """An orthonormal basis of the row space, float64 [direction, dim]."""
    _, singular, directions = np.linalg.svd(vectors, full_matrices=False)
    return directions[singular > 1e-6 * singular[0]]
