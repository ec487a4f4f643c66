"""Scores of the kept answers of `pretrained.py`, as estimates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

import repalign.evaluation.translation  # noqa: F401  (registers its scorers)
from repalign.evaluation.clusters import Clusters
from repalign.evaluation.items import Item
from repalign.evaluation.scorers import SCORERS, Measured

from .estimates import Estimate
from .kept import Kept, Missing


def statistics_of(kept: Kept, run: str, task: str, group: str, scorer: str) -> Measured:
    """The statistics of a scorer, as `repalign.evaluation` has them."""
    rows = kept.group(run, task, group)
    blank = SCORERS[scorer].measure(items_of(rows)[:1], [""])
    return Measured(np.stack(rows[scorer].to_list()).astype(float), blank.score, blank.signature)


def score(kept: Kept, run: str, task: str, groups: Sequence[str], scorer: str) -> Estimate:
    """A score from 0 to 100, mean over languages or directions.

    Raises:
        Missing: the run did not answer, or `groups` is empty.
    """

    def scored(group: str) -> tuple[float, np.ndarray]:
        one = statistics_of(kept, run, task, group, scorer)
        return one.value, one.influence

    return _mean(kept, task, groups, scored, run)


def in_language(kept: Kept, run: str, task: str, groups: Sequence[str]) -> Estimate:
    """Share of answers in the language in which they are expected, in percent, mean over groups; one whose language
    cannot be detected is in none.

    Raises:
        Missing: see `score`.
    """

    def share(group: str) -> tuple[float, np.ndarray]:
        rows = kept.group(run, task, group)
        right = 100 * (rows["answered_in"] == rows["expected"]).fillna(False).to_numpy(float)
        return float(right.mean()), right - right.mean()

    return _mean(kept, task, groups, share, run)


def agreement(kept: Kept, run: str) -> Estimate:
    """Share of questions of XQuAD with the same answer in two languages minus its chance, in percent, mean over pairs.

    Raises:
        Missing: the run did not answer in two languages.
    """
    groups = kept.groups("xquad")
    matched = {group: _matches(kept.group(run, "xquad", group)) for group in groups}
    pairs = list(combinations(groups, 2))

    def excess(pair: tuple[str, str]) -> tuple[float, np.ndarray]:
        same = 100.0 * ((matched[pair[0]] @ matched[pair[1]].T) > 0)
        influence = same.diagonal() - same.mean(0) - same.mean(1)
        return float(same.diagonal().mean() - same.mean()), influence - influence.mean()

    return _mean(kept, "xquad", pairs, excess, run)


def _mean(
    kept: Kept, task: str, groups: Sequence[Any], score: Callable[[Any], tuple[float, np.ndarray]], run: str
) -> Estimate:
    if not groups:
        raise Missing(f"{run} did not answer {task} in such languages")
    clusters = _clusters(kept, task)
    scored = [score(group) for group in groups]
    return Estimate.mean([Estimate(value, influence, clusters) for value, influence in scored])


def _clusters(kept: Kept, task: str) -> np.ndarray | None:
    table = next(iter(kept.answers.values()))
    rows = table[table["task"] == task]
    items = {str(group): items_of(some) for group, some in rows.groupby("group", sort=False)}
    together = Clusters.of(items)
    return together and together.numbers([item.id for item in next(iter(items.values()))])


def items_of(rows: pd.DataFrame) -> list[Item]:
    """Items without text, in the order of the rows; an item's `sentence` is its id."""
    source = str(rows["group"].iloc[0]).rpartition("-")[0]
    return [
        Item(row.item, row.expected, "", "", ("",), sentence=row.item, source=source, document=row.document)
        for row in rows.itertuples()
    ]


def _matches(rows: pd.DataFrame) -> np.ndarray:
    """The items whose reference each answer is most similar to: float32 [answer, item]."""
    matched = np.zeros((len(rows), len(rows)), dtype=np.float32)
    for row, columns in enumerate(rows["matched"]):
        matched[row, columns] = 1
    return matched
