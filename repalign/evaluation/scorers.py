"""Scorer: from answers to one row of statistics per item, and from their sums to a score.

Because a score depends on its items only through sums, intervals and paired differences never score an answer twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from repalign.errors import RepalignError
from repalign.evaluation import squad
from repalign.evaluation.items import Item
from repalign.registry import Registry


@dataclass(frozen=True)
class Measured:
    """One scorer's statistics of the answers of one language.

    Attributes:
        statistics: float64 [item, statistic].
        score: sums of statistics [statistic] -> score, 0 to 100, higher is better.
        signature: everything the score depends on besides items and answers.
        chance: score of answers at random, 0 to 100, if it is known.
    """

    statistics: np.ndarray
    score: Callable[[np.ndarray], float]
    signature: str
    chance: float | None = None

    @property
    def value(self) -> float:
        """The score of all items, 0 to 100."""
        return self.score(self.statistics.sum(0))

    @property
    def per_item(self) -> np.ndarray:
        """Each item scored alone: float64 [item]."""
        return np.array([self.score(row) for row in self.statistics])

    @property
    def influence(self) -> np.ndarray:
        """Influence of each item on the score, by leaving it out: float64 [item], mean zero."""
        total, n = self.statistics.sum(0), len(self.statistics)
        without = np.array([self.score(total - row) for row in self.statistics])
        influence = (n - 1) * (self.value - without)
        return influence - influence.mean()


@dataclass(frozen=True)
class Scorer:
    """A way to score answers against references.

    Attributes:
        name: as given to `--scorers`.
        label: as displayed.
        measure: items of one language and their answers -> statistics.
        share: whether the score is a mean of numbers between 0 and 1, in percent.
    """

    name: str
    label: str
    measure: Callable[[Sequence[Item], Sequence[str]], Measured]
    share: bool = False


SCORERS: Registry[Scorer] = Registry("scorer")

ItemScore = Callable[[str, Sequence[str], str], float]


def add_mean(name: str, label: str, score: ItemScore, signature: str) -> Scorer:
    """Register a scorer that is the mean over items of a number between 0 and 1, in percent.

    Args:
        name: as given to `--scorers`.
        label: as displayed.
        score: (answer, references, language) -> number.
        signature: everything the number depends on besides these.

    Raises:
        RepalignError: the name is already registered.
    """

    def measure(items: Sequence[Item], answers: Sequence[str]) -> Measured:
        values = [
            score(answer, item.references, item.language) for item, answer in zip(items, answers, strict=True)
        ]
        return mean(values, signature)

    return SCORERS.add(name, Scorer(name, label, measure, share=True))


def mean(values: Sequence[float] | np.ndarray, signature: str) -> Measured:
    """The mean of numbers between 0 and 1, one per item, in percent."""
    return Measured(np.column_stack([values, np.ones(len(values))]), _percent, signature)


def _percent(sums: np.ndarray) -> float:
    return float(100 * sums[0] / sums[1]) if sums[1] else np.nan


def _accuracy(items: Sequence[Item], answers: Sequence[str]) -> Measured:
    if not all(item.choices for item in items):
        raise RepalignError(
            "acc is the share of right choices, but these questions have no choices; name other --scorers"
        )
    right = [float(answer == item.references[0]) for item, answer in zip(items, answers, strict=True)]
    chance = 100 * float(np.mean([1 / len(item.choices) for item in items]))
    return replace(mean(right, f"most likely choice, chance {chance:g}%"), chance=chance)


SCORERS.add("acc", Scorer("acc", "accuracy", _accuracy, share=True))
add_mean("contains", "contains", squad.contains, "first reference, lower case, anywhere")
for _prefix, _label, _tokens, _convention in (
    ("", "", squad.mlqa_tokens, "MLQA's normalisation"),
    ("squad-", "SQuAD ", squad.squad_tokens, "SQuAD v1.1's normalisation"),
):
    add_mean(
        f"{_prefix}exact",
        f"{_label}exact match",
        partial(squad.exact_match, tokens=_tokens),
        f"best reference, {_convention}",
    )
    add_mean(
        f"{_prefix}f1", f"{_label}F1", partial(squad.f1, tokens=_tokens), f"best reference, {_convention}"
    )
