"""Win rates of one checkpoint over another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from repalign.evaluation.items import Item
from repalign.evaluation.judges import Judge
from repalign.statistics import intervals, resamples, wilson

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
    the two-sided sign test of wins against losses.

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
    from scipy.stats import binomtest

    rows = []
    for language, questions in items.items():
        pairs = zip(questions, first[language], second[language], strict=True)
        replies = [(judge(item, b, a), judge(item, a, b)) for item, a, b in pairs]
        verdicts = np.array([[reply or 0 for reply in both] for both in replies])
        outcome = np.sign(verdicts[:, 0] - verdicts[:, 1])  # in the second order the positions are swapped
        wins, losses = int((outcome > 0).sum()), int((outcome < 0).sum())
        points = (outcome + 1) / 2
        low, high = _interval(points, draws, seed)
        decided = verdicts[verdicts != 0]
        n = len(questions)
        rows.append(
            {
                "language": language, "wins": wins, "ties": n - wins - losses, "losses": losses,
                "value": points.mean(), "low": low, "high": high,
                "p": binomtest(wins, wins + losses).pvalue if wins + losses else 1.0,
                "position_biased": float((verdicts[:, 0] * verdicts[:, 1] > 0).mean()),
                "first_place": float((decided > 0).mean()) if len(decided) else np.nan,
                "unclear": sum(None in both for both in replies) / n, "items": n,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _interval(points: np.ndarray, draws: int, seed: int) -> tuple[float, float]:
    """95% interval of the mean of `points`, 0, .5 or 1 [question]."""
    if (
        len(points) < 2 or not points.std()
    ):  # a bootstrap has no width here; Wilson's share of other outcomes does
        value, others = float(points.mean()), float(wilson(0, len(points))[1])
        return value * (1 - others), value + (1 - value) * others
    influence = (points - points.mean())[None]
    low, high = intervals(points.mean(keepdims=True), influence, resamples(len(points), draws, seed))
    return max(float(low[0]), 0.0), min(float(high[0]), 1.0)
