"""Tables of scores by language, and of paired differences of two checkpoints, with intervals.

A question is one unit in whatever language it is asked: the intervals of a mean over languages and of every
difference resample questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from repalign.evaluation.items import Item
from repalign.evaluation.scorers import SCORERS, Measured
from repalign.results.schema import EVALUATION
from repalign.statistics import difference_p, holm, intervals, resamples, wilson

if TYPE_CHECKING:
    import pandas as pd

ENOUGH = 10
"""Items that must fare unlike the others for a bootstrap to see how they vary."""

Found = Mapping[str, Measured]
"""What one scorer found, by language."""


@dataclass(frozen=True)
class Estimates:
    """Scores of one checkpoint, a row a language, and the mean over them last where there are several.

    Attributes:
        values: in percent [row].
        influence: how far each question moves them [row, question].
        items: how many each is made of [row].
        binary: whether an item was either right or wrong [row].
    """

    values: np.ndarray
    influence: np.ndarray
    items: np.ndarray
    binary: np.ndarray

    @classmethod
    def of(cls, found: Found, questions: Mapping[str, np.ndarray], count: int) -> Estimates:
        """From what was found by language, and the number of each item's question."""
        values = np.array([found[language].value for language in questions])
        influence = np.zeros((len(questions), count))
        for row, (language, own) in enumerate(questions.items()):
            np.add.at(influence[row], own, found[language].influence * count / len(own))
        items = np.array([len(own) for own in questions.values()])
        binary = np.array([set(found[language].per_item) <= {0.0, 100.0} for language in questions])
        if len(questions) > 1:
            values, influence = np.append(values, values.mean()), np.vstack([influence, influence.mean(0)])
            items, binary = np.append(items, count), np.append(binary, False)
        return cls(values, influence, items, binary)

    def intervals(self, weights: np.ndarray, share: bool) -> tuple[np.ndarray, np.ndarray]:
        """Wilson's for shares of right answers, and where few items fare unlike the others; else by a bootstrap.

        None for other scores where all items fare alike.
        """
        low, high = _bootstrap(self.values, self.influence, weights)
        if share:
            # what is between 0 and 1 varies less than what is either, so Wilson's is wide enough for all
            by_wilson = self.binary | (_unlike(self.influence) < ENOUGH)
            ends = np.array(
                [wilson(value / 100, n) for value, n in zip(self.values, self.items, strict=True)]
            )
            low = np.where(by_wilson, 100 * ends[:, 0], low).clip(0, 100)
            high = np.where(by_wilson, 100 * ends[:, 1], high).clip(0, 100)
        return low, high

    def change_intervals(self, weights: np.ndarray, share: bool) -> tuple[np.ndarray, np.ndarray]:
        """By a bootstrap; where no item changed, as wide as Wilson's interval of how many others might."""
        low, high = _bootstrap(self.values, self.influence, weights)
        if share:
            width = np.array([100 * wilson(0, n)[1] for n in self.items])
            low = np.where(np.isnan(low), self.values - width, low)
            high = np.where(np.isnan(high), self.values + width, high)
        return low, high


def _unlike(influence: np.ndarray) -> np.ndarray:
    """How many questions fare otherwise than most, by row."""
    return np.array([len(row) - np.unique(row.round(9), return_counts=True)[1].max() for row in influence])


def _bootstrap(
    values: np.ndarray, influence: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    if influence.shape[1] < 2:
        return np.full(len(values), np.nan), np.full(len(values), np.nan)
    moved = np.abs(influence).max(1) > 1e-9
    low, high = intervals(values, influence, weights)
    return np.where(moved, low, np.nan), np.where(moved, high, np.nan)


def measure(scorer: str, items: Mapping[str, Sequence[Item]], answers: Mapping[str, Sequence[str]]) -> Found:
    """Score the answers of every language."""
    return {language: SCORERS[scorer].measure(own, answers[language]) for language, own in items.items()}


def score_table(
    found: Mapping[str, Mapping[str, Found]],
    items: Mapping[str, Sequence[Item]],
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """One row a checkpoint, scorer and language, and one for the mean over languages (language NA).

    With two checkpoints, rows with a `baseline` hold the second minus the first, question by question; p by
    Student's t, adjusted by Holm over languages.

    Args:
        found: checkpoint -> scorer -> language -> what was found.
        items: of each language.
        draws: of the bootstrap.
    """
    import pandas as pd

    numbers = {key: row for row, key in enumerate(dict.fromkeys(i.id for own in items.values() for i in own))}
    questions = {language: np.array([numbers[item.id] for item in own]) for language, own in items.items()}
    weights = resamples(len(numbers), draws, seed)
    languages = [*items, None] if len(items) > 1 else list(items)
    names, tables = list(found), []
    for scorer in found[names[0]]:
        each = {name: Estimates.of(found[name][scorer], questions, len(numbers)) for name in names}
        for name, own in each.items():
            low, high = own.intervals(weights, SCORERS[scorer].share)
            tables.append(_table(name, None, scorer, languages, own, low, high))
        if len(names) == 2:
            change = _change(*each.values())
            low, high = change.change_intervals(weights, SCORERS[scorer].share)
            p = difference_p(change.values, change.influence)
            tables.append(_table(names[1], names[0], scorer, languages, change, low, high, p))
    return EVALUATION["scores"].frame(pd.concat(tables, ignore_index=True))


def _change(first: Estimates, second: Estimates) -> Estimates:
    return Estimates(
        second.values - first.values, second.influence - first.influence, second.items, second.binary
    )


def _table(
    checkpoint: str,
    baseline: str | None,
    scorer: str,
    languages: Sequence[str | None],
    own: Estimates,
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
            "value": own.values, "low": low, "high": high, "p": p, "p_adjusted": adjusted, "items": own.items,
        }
    )  # fmt: skip
