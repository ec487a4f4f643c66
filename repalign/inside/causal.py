"""Taking a language out of a model, and what that costs, against taking as much of anything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from repalign.inside.interventions import (
    Edit,
    Intervened,
    Said,
    moved_by,
    without_directions,
    without_neurons,
)
from repalign.inside.neurons import Neurons
from repalign.metrics import METRICS, LayerPair
from repalign.models.tokenization import TokenRows
from repalign.statistics import difference_p, holm, intervals, resamples

RANDOM = 3
"""Random controls of an intervention; what they do is averaged."""


@dataclass(frozen=True)
class Effects:
    """What interventions do to one checkpoint.

    Args:
        model: whose states are changed.
        tokens: language -> sentences on which outcomes are measured; none on which anything was chosen.
        pivot: one of the languages.
        draws: of the bootstrap.
        seed: of random controls and draws.
    """

    model: Intervened
    tokens: Mapping[str, TokenRows]
    pivot: str
    draws: int
    seed: int

    @property
    def languages(self) -> list[str]:
        return list(self.tokens)

    def of_neurons(self, chosen: Neurons, width: int) -> Iterator[dict[str, Any]]:
        """Rows of the table `interventions`: each language's neurons set to 0, against as many others of the same layers.

        Args:
            width: neurons a layer has.
        """
        generator = np.random.default_rng(self.seed)
        for number, of in enumerate(self.languages):
            own = chosen.language == number
            if not own.any():
                continue
            layers = {
                int(layer): chosen.neuron[own & (chosen.layer == layer)]
                for layer in np.unique(chosen.layer[own])
            }
            others = [
                {layer: _others(generator, neurons, width) for layer, neurons in layers.items()}
                for _ in range(RANDOM)
            ]
            edits, *controls = (
                [Edit(layer, "mlp-act", without_neurons(neurons)) for layer, neurons in each.items()]
                for each in (layers, *others)
            )
            about = {"intervention": "neurons", "of": of, "layer": np.nan, "size": int(own.sum())}
            yield from self._rows(about, self.languages, ["loss"], edits, controls)

    def of_subspace(self, layer: int, means: np.ndarray) -> Iterator[dict[str, Any]]:
        """Rows: all that tells languages apart by their means taken out of a layer, against as many random directions.

        Args:
            means: float64 [language, dim], of the layer's output, from other sentences.
        """
        centre = means.mean(0)
        generator = np.random.default_rng((self.seed, layer))
        directions = _spanning(means - centre)
        random = [_spanning(generator.normal(size=directions.shape)) for _ in range(RANDOM)]
        edits, *controls = (
            [Edit(layer, "resid", without_directions(each, centre))] for each in (directions, *random)
        )
        about = {"intervention": "subspace", "of": None, "layer": layer, "size": len(directions)}
        yield from self._rows(about, self.languages, ["loss", "own", "p_at_1"], edits, controls)

    def of_steering(self, layer: int, means: np.ndarray) -> Iterator[dict[str, Any]]:
        """Rows: a language's mean exchanged for the pivot's, against steps of the same length in random directions."""
        generator = np.random.default_rng((self.seed, layer))
        goal = self.languages.index(self.pivot)
        for number, of in enumerate(self.languages):
            if of == self.pivot:
                continue
            step = means[goal] - means[number]
            random = generator.normal(size=(RANDOM, len(step)))
            random *= np.linalg.norm(step) / np.linalg.norm(random, axis=1, keepdims=True)
            edits, *controls = ([Edit(layer, "resid", moved_by(each))] for each in (step, *random))
            about = {"intervention": "steering", "of": of, "layer": layer, "size": 1}
            yield from self._rows(about, [of], ["own", "pivot"], edits, controls)

    def _rows(
        self,
        about: Mapping[str, Any],
        languages: Sequence[str],
        outcomes: Sequence[str],
        edits: Sequence[Edit],
        controls: Sequence[Sequence[Edit]],
    ) -> Iterator[dict[str, Any]]:
        edited, *random = (self._outcomes(languages, outcomes, each) for each in (edits, *controls))
        plain = self._outcomes(languages, outcomes, ())
        for key, before in plain.items():
            control = np.mean([each[key] for each in random], axis=0)
            effect, beside = (_effect(after - before, self._weights) for after in (edited[key], control))
            p = float(difference_p(*_as_score(edited[key] - control))[0])
            yield {
                **about, "language": key[0], "outcome": key[1], "baseline": float(before.mean()),
                "value": effect[0], "low": effect[1], "high": effect[2],
                "control": beside[0], "control_low": beside[1], "control_high": beside[2],
                "p": p, "sentences": len(before),
            }  # fmt: skip

    def _outcomes(
        self, languages: Sequence[str], outcomes: Sequence[str], edits: Sequence[Edit]
    ) -> dict[tuple[str, str], np.ndarray]:
        """Per sentence, by language and outcome."""
        wanted = {*languages, self.pivot} if "p_at_1" in outcomes else languages
        said = {language: self._said(language, edits) for language in self.languages if language in wanted}
        return {
            (language, outcome): self._outcome(outcome, language, said)
            for outcome in outcomes
            for language in languages
            if not (outcome == "p_at_1" and language == self.pivot)
        }

    def _said(self, language: str, edits: Sequence[Edit]) -> Said:
        return self.model.said(self.tokens[language], edits) if edits else self._untouched[language]

    @cached_property
    def _weights(self) -> np.ndarray:
        return resamples(len(self.tokens[self.pivot]), self.draws, self.seed)

    @cached_property
    def _untouched(self) -> dict[str, Said]:
        return {language: self.model.said(rows) for language, rows in self.tokens.items()}

    def _outcome(self, outcome: str, language: str, said: Mapping[str, Said]) -> np.ndarray:
        one = said[language]
        if outcome == "loss":
            return one.loss
        if outcome == "p_at_1":
            pair = LayerPair.of(said[self.pivot].states, one.states)
            both = [METRICS["p_at_1"](each).per_sentence for each in (pair, pair.reverse)]
            return np.mean([each.double().numpy() for each in both if each is not None], axis=0)
        return one.mass[:, self.languages.index(self.pivot if outcome == "pivot" else language)]


def corrected(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With `p_adjusted`: Holm over all rows of one intervention and outcome."""
    for kind in {(row["intervention"], row["outcome"]) for row in rows}:
        family = [row for row in rows if (row["intervention"], row["outcome"]) == kind]
        for row, p in zip(family, holm([row["p"] for row in family]), strict=True):
            row["p_adjusted"] = float(p)
    return rows


def _others(generator: np.random.Generator, neurons: np.ndarray, width: int) -> np.ndarray:
    """As many other neurons of the layer, or all others."""
    rest = np.setdiff1d(np.arange(width), neurons)
    return generator.choice(rest, min(len(neurons), len(rest)), replace=False)


def _spanning(vectors: np.ndarray) -> np.ndarray:
    """An orthonormal basis [direction, dim] of what the rows span."""
    _, sizes, directions = np.linalg.svd(vectors, full_matrices=False)
    return directions[sizes > 1e-6 * sizes[0]]


def _as_score(per_sentence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A mean and its influence, as `repalign.statistics` takes scores."""
    value = per_sentence.mean()
    return np.array([value]), (per_sentence - value)[None]


def _effect(per_sentence: np.ndarray, weights: np.ndarray) -> tuple[float, float, float]:
    """A mean with its 95% interval; `weights` from `repalign.statistics.resamples`."""
    value, influence = _as_score(per_sentence)
    low, high = intervals(value, influence, weights)
    return float(value[0]), float(low[0]), float(high[0])
