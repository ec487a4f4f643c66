"""Losses by language and their paired differences, with intervals over documents or sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from repalign.models.next_token import Predictions
from repalign.statistics import by_cluster, difference_p, intervals

Row = dict[str, Any]
"""Of a table."""

UNITS = ("nats_per_token", "nats_per_sentence", "nats_per_character", "nats_per_byte")
"""Measures of the loss. The tokens are the same in all versions, so each is a ratio with a fixed denominator."""


@dataclass(frozen=True)
class Amounts:
    """How much text a language has, by what a loss may be divided by: float64 [sentence] each.

    Attributes:
        tokens: predicted ones.
        characters: Unicode code points.
        bytes: of UTF-8.
    """

    tokens: np.ndarray
    characters: np.ndarray
    bytes: np.ndarray

    @classmethod
    def of(cls, sentences: list[str], predictions: Predictions) -> Amounts:
        """Of sentences and their predictions."""
        lengths = [[len(text) for text in sentences], [len(text.encode()) for text in sentences]]
        return cls(predictions.tokens.astype(float), *np.array(lengths, dtype=float))

    def per(self, measure: str) -> np.ndarray:
        """What a measure in `UNITS` is divided by."""
        units = (self.tokens, np.ones(len(self.tokens)), self.characters, self.bytes)
        return units[UNITS.index(measure)]


@dataclass(frozen=True)
class Ratio:
    """A sum over sentences divided by another.

    Attributes:
        value: of the ratio; NaN if the denominator is 0.
        influence: of each sentence, float64 [sentence], of mean 0.
    """

    value: float
    influence: np.ndarray

    @classmethod
    def of(cls, above: np.ndarray, below: np.ndarray) -> Ratio:
        """From what each sentence adds to the two sums, float64 [sentence]."""
        mean = below.mean()
        value = float(above.mean() / mean) if mean else np.nan
        return cls(value, (above - value * below) / mean if mean else np.full(len(above), np.nan))


@dataclass(frozen=True)
class Estimator:
    """Intervals and p-values over documents where they are known.

    Attributes:
        documents: int [sentence], numbered from 0; None: unknown.
        weights: of the bootstrap, see `repalign.statistics.resamples`.
    """

    documents: np.ndarray | None
    weights: np.ndarray

    def units(self, ratio: Ratio) -> np.ndarray:
        """The influence of each document, or sentence: float64 [unit]."""
        return by_cluster(ratio.influence, self.documents)

    def row(self, measure: str, ratio: Ratio, tested: bool = False) -> Row:
        """Measure, value, interval and, if `tested` against 0, p."""
        value, influence = np.array([ratio.value]), self.units(ratio)[None]
        low, high = intervals(value, influence, self.weights)
        p = difference_p(value, influence)[0] if tested else np.nan
        return {"measure": measure, "value": ratio.value, "low": low[0], "high": high[0], "p": p}


def loss_rows(amounts: Amounts, predictions: Predictions, estimator: Estimator) -> list[Row]:
    """The loss of one language in each of `UNITS`."""
    return [estimator.row(unit, Ratio.of(predictions.nats, amounts.per(unit))) for unit in UNITS]


def differences(amounts: Amounts, base: Predictions, other: Predictions) -> dict[str, Ratio]:
    """How much more one language loses in the other version: in each of `UNITS`, and as a share of its loss in the base."""
    more = other.nats - base.nats
    by_unit = {unit: Ratio.of(more, amounts.per(unit)) for unit in UNITS}
    return {**by_unit, "share_of_loss": Ratio.of(more, base.nats)}


def difference_rows(
    amounts: Amounts, changes: Mapping[str, Ratio], other: Predictions, estimator: Estimator
) -> list[Row]:
    """The differences of one language, tested, and how far the predictions are from the base's."""
    apart = {
        "kl": Ratio.of(other.divergence, amounts.tokens),
        "same_top": Ratio.of(other.same_top, amounts.tokens),
    }
    return [
        *(estimator.row(measure, ratio, tested=True) for measure, ratio in changes.items()),
        *(estimator.row(measure, ratio) for measure, ratio in apart.items()),
    ]
