"""Which language loses most: ranks with intervals, and which languages cannot be distinguished from the first."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from repalign.quantisation.losses import Estimator, Ratio, Row
from repalign.statistics import difference_p, holm, intervals

RANKED = ("nats_per_token", "nats_per_sentence", "share_of_loss")
"""Measures by which languages are ranked: what a reader of one token pays, of one meaning, and relative to the base."""


def ranking(changes: Mapping[str, Ratio], estimator: Estimator) -> list[Row]:
    """The languages by how much more they lose, the most first.

    The sentences are parallel, so languages are compared on the same documents. All pairs are tested with Holm's
    correction, as which language is first is not known before: p of a language is that of its difference from the first.

    Args:
        changes: by language, of one measure.

    Returns:
        Rows of the table `ranking`, without checkpoint and measure; ranks have 95% intervals over the bootstrap draws.
    """
    languages = sorted(changes, key=lambda language: -changes[language].value)
    values = np.array([changes[language].value for language in languages])
    influence = np.stack([estimator.units(changes[language]) for language in languages])
    drawn = values[:, None] + influence @ estimator.weights.T
    ranks = 1 + (drawn[None] > drawn[:, None]).sum(1)
    ends = np.quantile(ranks, [0.025, 0.975], axis=1, method="closest_observation").astype(int)
    behind, apart = values[0] - values, influence[0] - influence
    low, high = intervals(behind, apart, estimator.weights)
    pairs = list(combinations(range(len(languages)), 2))
    p = difference_p(
        np.array([values[one] - values[other] for one, other in pairs]),
        np.array([influence[one] - influence[other] for one, other in pairs]),
    )
    tested = {pair: (one, adjusted) for pair, one, adjusted in zip(pairs, p, holm(p), strict=True)}
    rows = []
    for place, language in enumerate(languages):
        alone, adjusted = tested.get((0, place), (np.nan, np.nan))
        rows.append(
            {
                "language": language, "rank": place + 1, "rank_low": ends[0, place], "rank_high": ends[1, place],
                "value": values[place], "behind": behind[place], "low": low[place] if place else np.nan,
                "high": high[place] if place else np.nan, "p": alone, "p_adjusted": adjusted,
            }
        )  # fmt: skip
    return rows
