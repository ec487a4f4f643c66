"""Win rates of one checkpoint over another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from repalign.evaluation.clusters import Clusters
from repalign.evaluation.items import Item
from repalign.evaluation.judges import Judge
from repalign.statistics import by_cluster, difference_p, intervals, resamples, wilson

if TYPE_CHECKING:
    import pandas as pd

Texts = Mapping[str, Sequence[str]]
"""Language -> answers, in the order of the items."""


def win_rates(
    items: Mapping[str, Sequence[Item]],
    first: Texts,
    second: Texts,
    judge: Judge,
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """How often the answers of the second checkpoint beat those of the first, by language.

    The judge sees each pair in both orders. If the same position wins twice, the pair is tied; a win in one order
    and a tie or no verdict in the other is a win. Everything else is a tie, which counts half in `value`; p is from
    the two-sided sign test of wins against losses. Where questions share paragraphs, p and interval are those of
    paragraphs, and p is from Student's t.

    Args:
        items: by language.
        first, second: answers of the two checkpoints.
        judge: see `repalign.evaluation.judges`.
        draws: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        language, wins, ties, losses, value, low, high (shares), p, position_biased (share of questions in which the
        same position won twice), first_place (share of decided verdicts that went to the first position), unclear
        (share of questions without two verdicts), items.
    """
    import pandas as pd

    together = Clusters.of(items)
    rows = []
    for language, questions in items.items():
        pairs = zip(questions, first[language], second[language], strict=True)
        replies = [(judge(item, b, a), judge(item, a, b)) for item, a, b in pairs]
        verdicts = np.array([[reply or 0 for reply in both] for both in replies])
        outcome = np.sign(verdicts[:, 0] - verdicts[:, 1])  # in the second order the positions are swapped
        wins, losses = int((outcome > 0).sum()), int((outcome < 0).sum())
        points = (outcome + 1) / 2
        clusters = together.numbers([item.id for item in questions]) if together else None
        low, high = _interval(points, clusters, draws, seed)
        decided = verdicts[verdicts != 0]
        n = len(questions)
        rows.append(
            {
                "language": language, "wins": wins, "ties": n - wins - losses, "losses": losses,
                "value": points.mean(), "low": low, "high": high,
                "p": _p(outcome, clusters),
                "position_biased": float((verdicts[:, 0] * verdicts[:, 1] > 0).mean()),
                "first_place": float((decided > 0).mean()) if len(decided) else np.nan,
                "unclear": sum(None in both for both in replies) / n, "items": n,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _p(outcome: np.ndarray, clusters: np.ndarray | None) -> float:
    """Two-sided p of as many wins, 1, as losses, -1 [question]."""
    from scipy.stats import binomtest

    wins, losses = int((outcome > 0).sum()), int((outcome < 0).sum())
    if not wins + losses:
        return 1.0
    if clusters is None:
        return float(binomtest(wins, wins + losses).pvalue)
    mean = outcome.mean(keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):  # NaN with one cluster only
        return float(difference_p(mean, by_cluster((outcome - mean)[None], clusters))[0])


def _interval(points: np.ndarray, clusters: np.ndarray | None, draws: int, seed: int) -> tuple[float, float]:
    """95% interval of the mean of `points`, 0, .5 or 1 [question]."""
    influence = by_cluster((points - points.mean())[None], clusters)
    units = influence.shape[1]
    if units < 2 or not points.std():  # a bootstrap has no width here; Wilson's share of other outcomes does
        value, others = float(points.mean()), float(wilson(0, units)[1])
        return value * (1 - others), value + (1 - value) * others
    low, high = intervals(points.mean(keepdims=True), influence, resamples(units, draws, seed))
    return max(float(low[0]), 0.0), min(float(high[0]), 1.0)
