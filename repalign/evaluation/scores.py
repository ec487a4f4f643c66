"""Tables of scores by language, and of paired differences between two checkpoints, with intervals.

The unit of resampling is the question, in all languages at once: intervals of means over languages and of differences
resample questions. Where several questions are about one paragraph, it is the paragraph with all its questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from repalign.evaluation.clusters import Clusters, independent_items
from repalign.evaluation.items import Item
from repalign.evaluation.scorers import SCORERS, Measured
from repalign.results.schema import EVALUATION
from repalign.statistics import by_cluster, difference_p, holm, intervals, resamples, wilson

if TYPE_CHECKING:
    import pandas as pd

MIN_DISTINCT_ITEMS = 10
"""Units whose influence must differ from the most common one for a bootstrap to estimate the variance."""

ByLanguage = Mapping[str, Measured]
"""Language -> one scorer's statistics."""


@dataclass(frozen=True)
class Estimates:
    """Scores of one checkpoint: one row per language, and last their mean if there are several.

    Attributes:
        values: in percent, float64 [row].
        influence: of each unit, a question or a cluster of questions, on each score, float64 [row, unit].
        items: number of items per row, int64 [row].
        units: number of units among them, int64 [row].
        binary: whether every item was either fully right or wrong, bool [row].
    """

    values: np.ndarray
    influence: np.ndarray
    items: np.ndarray
    units: np.ndarray
    binary: np.ndarray

    @classmethod
    def of(cls, measured: ByLanguage, questions: Mapping[str, np.ndarray], clusters: np.ndarray) -> Estimates:
        """From statistics by language.

        Args:
            measured: one scorer's statistics by language.
            questions: index of each item's question by language, int64 [item].
            clusters: the unit of each question, from 0 without gaps, int64 [question].
        """
        count = len(clusters)
        values = np.array([measured[language].value for language in questions])
        influence = np.zeros((len(questions), count))
        for row, (language, indices) in enumerate(questions.items()):
            np.add.at(influence[row], indices, measured[language].influence * count / len(indices))
        influence = by_cluster(influence, clusters)
        items = np.array([len(indices) for indices in questions.values()])
        units = np.array([len(np.unique(clusters[indices])) for indices in questions.values()])
        binary = np.array([set(measured[language].per_item) <= {0.0, 100.0} for language in questions])
        if len(questions) > 1:
            values, influence = np.append(values, values.mean()), np.vstack([influence, influence.mean(0)])
            items, binary = np.append(items, count), np.append(binary, False)
            units = np.append(units, influence.shape[1])
        return cls(values, influence, items, units, binary)

    def intervals(self, weights: np.ndarray, share: bool) -> tuple[np.ndarray, np.ndarray]:
        """95% intervals, each [row]: Wilson's for binary scores and where few units differ, else a bootstrap.

        NaN for other scores if no unit has an influence.

        Args:
            weights: see `repalign.statistics.resamples`, [draw, unit].
            share: whether the score is a mean of numbers between 0 and 1.
        """
        low, high = _bootstrap(self.values, self.influence, weights)
        if share:
            # Numbers between 0 and 1 vary less than zeros and ones of the same mean: Wilson's interval is conservative.
            few = _distinct(self.influence) < MIN_DISTINCT_ITEMS
            by_wilson = self.binary | few
            items = np.where(few, self.units, self._independent())
            ends = np.array([wilson(value / 100, n) for value, n in zip(self.values, items, strict=True)])
            low = np.where(by_wilson, 100 * ends[:, 0], low)
            high = np.where(by_wilson, 100 * ends[:, 1], high)
        return low.clip(0, 100), high.clip(0, 100)

    def change_intervals(self, weights: np.ndarray, share: bool) -> tuple[np.ndarray, np.ndarray]:
        """Bootstrap intervals of a difference; if nothing changed, as wide as Wilson's interval of the share that might.

        Args:
            weights, share: see `intervals`.
        """
        low, high = _bootstrap(self.values, self.influence, weights)
        if share:
            width = np.array([100 * wilson(0, n)[1] for n in self.units])
            low = np.where(np.isnan(low), self.values - width, low)
            high = np.where(np.isnan(high), self.values + width, high)
        return low, high

    def _independent(self) -> np.ndarray:
        return independent_items(self.values / 100, self.influence / 100, self.items, self.units)


def _distinct(influence: np.ndarray) -> np.ndarray:
    """Number of units whose influence differs from the most common one, int64 [row]."""
    return np.array([len(row) - np.unique(row.round(9), return_counts=True)[1].max() for row in influence])


def _bootstrap(
    values: np.ndarray, influence: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    if influence.shape[1] < 2:
        return np.full(len(values), np.nan), np.full(len(values), np.nan)
    varies = np.abs(influence).max(1) > 1e-9
    low, high = intervals(values, influence, weights)
    return np.where(varies, low, np.nan), np.where(varies, high, np.nan)


def measure(
    scorer: str, items: Mapping[str, Sequence[Item]], answers: Mapping[str, Sequence[str]]
) -> ByLanguage:
    """One scorer's statistics of the answers in every language.

    Args:
        scorer: a name in `SCORERS`.
        items: by language.
        answers: by language, in the order of the items.

    Raises:
        RepalignError: an unknown scorer, or one whose package is not installed.
    """
    return {
        language: SCORERS[scorer].measure(questions, answers[language])
        for language, questions in items.items()
    }


def score_table(
    measured: Mapping[str, Mapping[str, ByLanguage]],
    items: Mapping[str, Sequence[Item]],
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """One row per checkpoint, scorer and language, and one for the mean over languages (language NA).

    With two checkpoints, rows with a `baseline` hold the second minus the first, paired by question; p is from
    Student's t, adjusted by Holm over languages. Where questions share paragraphs, both are those of paragraphs.

    Args:
        measured: checkpoint -> scorer -> language -> statistics.
        items: by language.
        draws: of the bootstrap.
        seed: of the bootstrap.
    """
    import pandas as pd

    ids = dict.fromkeys(item.id for questions in items.values() for item in questions)
    index_of = {key: index for index, key in enumerate(ids)}
    indices = {lang: np.array([index_of[item.id] for item in items[lang]]) for lang in items}
    together = Clusters.of(items)
    numbers = together.numbers(list(ids)) if together else None
    clusters = np.arange(len(ids)) if numbers is None else numbers
    weights = resamples(int(clusters.max()) + 1, draws, seed)
    languages = [*items, None] if len(items) > 1 else list(items)
    names, tables = list(measured), []
    for scorer in measured[names[0]]:
        estimates = {name: Estimates.of(measured[name][scorer], indices, clusters) for name in names}
        for name, estimate in estimates.items():
            low, high = estimate.intervals(weights, SCORERS[scorer].share)
            tables.append(_table(name, None, scorer, languages, estimate, low, high))
        if len(names) == 2:
            change = _change(*estimates.values())
            low, high = change.change_intervals(weights, SCORERS[scorer].share)
            with np.errstate(divide="ignore", invalid="ignore"):  # NaN with one unit only
                p = difference_p(change.values, change.influence)
            tables.append(_table(names[1], names[0], scorer, languages, change, low, high, p))
    return EVALUATION["scores"].frame(pd.concat(tables, ignore_index=True))


def _change(first: Estimates, second: Estimates) -> Estimates:
    return Estimates(
        second.values - first.values,
        second.influence - first.influence,
        second.items,
        second.units,
        second.binary,
    )


def _table(
    checkpoint: str,
    baseline: str | None,
    scorer: str,
    languages: Sequence[str | None],
    estimate: Estimates,
    low: np.ndarray,
    high: np.ndarray,
    p: np.ndarray | None = None,
) -> pd.DataFrame:
    import pandas as pd

    p = np.full(len(languages), np.nan) if p is None else p
    single = np.array([language is not None for language in languages])
    adjusted = p.copy()
    adjusted[single] = holm(p[single])
    return pd.DataFrame(
        {
            "checkpoint": checkpoint, "baseline": baseline, "scorer": scorer, "language": languages,
            "value": estimate.values, "low": low, "high": high, "p": p, "p_adjusted": adjusted,
            "items": estimate.items,
        }
    )  # fmt: skip
