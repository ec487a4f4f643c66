"""Tables of scores by language, and of paired differences between two checkpoints, with intervals.

The unit of resampling is the question, in all languages at once: intervals of means over languages and of differences
resample questions. Where several questions are about one paragraph, it is the paragraph with all its questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from repalign.evaluation.clusters import Clusters
from repalign.evaluation.items import Item
from repalign.evaluation.scorers import SCORERS, Measured
from repalign.results.schema import EVALUATION
from repalign.statistics import (
    by_cluster,
    difference_p,
    effective_sentences,
    holm,
    intervals,
    paired_share_interval,
    resamples,
    share_difference,
    wilson,
)

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
        influence: of each question on each score, float64 [row, question].
        asked: whether the row has the question, bool [row, question].
        items: number of items per row, int64 [row].
        binary: whether every item was either fully right or wrong, with one item per question, bool [row].
        clusters: of each question, from 0 without gaps, int64 [question]; None: all questions are independent.
    """

    values: np.ndarray
    influence: np.ndarray
    asked: np.ndarray
    items: np.ndarray
    binary: np.ndarray
    clusters: np.ndarray | None

    @classmethod
    def of(
        cls,
        measured: ByLanguage,
        questions: Mapping[str, np.ndarray],
        count: int,
        clusters: np.ndarray | None,
    ) -> Estimates:
        """From statistics by language.

        Args:
            measured: one scorer's statistics by language.
            questions: index of each item's question by language, int64 [item].
            count: number of distinct questions.
            clusters: see `Estimates`.
        """
        values = np.array([measured[language].value for language in questions])
        influence, asked = np.zeros((len(questions), count)), np.zeros((len(questions), count), dtype=bool)
        for row, (language, indices) in enumerate(questions.items()):
            np.add.at(influence[row], indices, measured[language].influence * count / len(indices))
            asked[row, indices] = True
        items = np.array([len(indices) for indices in questions.values()])
        binary = (items == asked.sum(1)) & np.array(
            [set(measured[language].per_item) <= {0.0, 100.0} for language in questions]
        )
        if len(questions) > 1:
            values, influence = np.append(values, values.mean()), np.vstack([influence, influence.mean(0)])
            asked, items = np.vstack([asked, asked.any(0)]), np.append(items, count)
            binary = np.append(binary, False)
        return cls(values, influence, asked, items, binary, clusters)

    @property
    def units(self) -> np.ndarray:
        """Influence of each unit that is resampled, a question or a cluster of them: float64 [row, unit]."""
        return by_cluster(self.influence, self.clusters)

    def intervals(self, weights: np.ndarray, share: bool) -> tuple[np.ndarray, np.ndarray]:
        """95% intervals, each [row]: Wilson's for binary scores and where few units differ, else a bootstrap.

        NaN for other scores if no unit has an influence.

        Args:
            weights: see `repalign.statistics.resamples`, [draw, unit].
            share: whether the score is a mean of numbers between 0 and 1.
        """
        low, high = _bootstrap(self.values, self.units, weights)
        if share:
            # Numbers between 0 and 1 vary less than zeros and ones of the same mean: Wilson's interval is conservative.
            by_wilson = self.binary | (_distinct(self.units) < MIN_DISTINCT_ITEMS)
            ends = wilson(self.values / 100, self._independent())
            low, high = (
                np.where(by_wilson, 100 * end, sampled)
                for end, sampled in zip(ends, (low, high), strict=True)
            )
        return low.clip(0, 100), high.clip(0, 100)

    def tests(self, weights: np.ndarray, share: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """95% intervals and two-sided p of differences, each [row].

        For shares of right answers the p is exact and the interval Tango's, see `share_difference`; the interval also
        where few questions changed. Else they are Student's t and a bootstrap.

        Args:
            weights, share: see `intervals`.
        """
        low, high = _bootstrap(self.values, self.units, weights)
        with np.errstate(divide="ignore", invalid="ignore"):  # NaN with one unit only
            p = difference_p(self.values, self.units)
        if share:
            few, independent = _distinct(self.units) < MIN_DISTINCT_ITEMS, self._independent()
            for row in np.flatnonzero(self.binary | few):
                asked = self.asked[row]
                # A question's influence is relative to all questions; its own difference is to those of the row.
                changes = (self.values[row] + self.influence[row, asked] * asked.mean()) / 100
                if self.binary[row]:
                    ends = share_difference(changes.round()[None], self._clusters_of(int(row)))
                    low[row], high[row], p[row] = (100 * ends[0][0], 100 * ends[1][0], ends[2][0])
                else:  # differences between -1 and 1 vary less than those of -1, 0 and 1 of the same mean
                    plus, minus = changes.clip(0).mean(), (-changes).clip(0).mean()
                    n = independent[row]
                    low[row], high[row] = (100 * end for end in paired_share_interval(plus * n, minus * n, n))
        return low, high, p

    def _independent(self) -> np.ndarray:
        """Number of items that would be worth as much as those of each row if all were independent: float64 [row]."""
        if self.clusters is None:
            return self.items.astype(float)
        rows = enumerate(zip(self.influence, self.asked, strict=True))
        return np.array([effective_sentences(of[asked], self._clusters_of(row)) for row, (of, asked) in rows])

    def _clusters_of(self, row: int) -> np.ndarray | None:
        """The clusters of the questions of one row, numbered anew."""
        if self.clusters is None:
            return None
        return np.unique(self.clusters[self.asked[row]], return_inverse=True)[1]


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

    With two checkpoints, rows with a `baseline` hold the second minus the first, paired by question, with p
    adjusted by Holm over languages; see `Estimates.tests`.

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
    clusters = together.numbers(list(ids)) if together else None
    weights = resamples(together.count if together else len(ids), draws, seed)
    languages = [*items, None] if len(items) > 1 else list(items)
    names, tables = list(measured), []
    for scorer in measured[names[0]]:
        estimates = {
            name: Estimates.of(measured[name][scorer], indices, len(ids), clusters) for name in names
        }
        for name, estimate in estimates.items():
            low, high = estimate.intervals(weights, SCORERS[scorer].share)
            tables.append(_table(name, None, scorer, languages, estimate, low, high))
        if len(names) == 2:
            change = _change(*estimates.values())
            low, high, p = change.tests(weights, SCORERS[scorer].share)
            tables.append(_table(names[1], names[0], scorer, languages, change, low, high, p))
    return EVALUATION["scores"].frame(pd.concat(tables, ignore_index=True))


def _change(first: Estimates, second: Estimates) -> Estimates:
    return Estimates(
        second.values - first.values,
        second.influence - first.influence,
        second.asked,
        second.items,
        first.binary & second.binary,
        first.clusters,
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
