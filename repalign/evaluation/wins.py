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


def win_rates(
    items: Mapping[str, Sequence[Item]],
    first: Texts,
    second: Texts,
    judge: Judge,
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """How often the answers of the second checkpoint beat those of the first, by language.

    The judge is asked in both orders. Where it decides by order (the same place wins twice) the two are tied;
    a win in one order and a tie or no verdict in the other is a win. All else is a tie and counts half in `value`; p is the
    two-sided sign test of wins against losses.

    Args:
        items: of each language.
        first, second: answers of the two checkpoints.
        judge: see `repalign.evaluation.judges`.

    Returns:
        language, wins, ties, losses, value, low, high (shares), p, position_biased (share of questions in which the same
        place won twice), first_place (share of verdicts for either that went to what stood first), unclear
        (share of questions without two verdicts), items.
    """
    import pandas as pd
    from scipy.stats import binomtest

    rows = []
    for language, own in items.items():
        pairs = zip(own, first[language], second[language], strict=True)
        replies = [(judge(item, b, a), judge(item, a, b)) for item, a, b in pairs]
        asked = np.array([[reply or 0 for reply in both] for both in replies])
        verdicts = np.sign(asked[:, 0] - asked[:, 1])  # the second verdict is from the other side
        wins, losses = int((verdicts > 0).sum()), int((verdicts < 0).sum())
        worth = (verdicts + 1) / 2
        low, high = _interval(worth, draws, seed)
        decided = asked[asked != 0]
        rows.append(
            {
                "language": language, "wins": wins, "ties": len(own) - wins - losses, "losses": losses,
                "value": worth.mean(), "low": low, "high": high,
                "p": binomtest(wins, wins + losses).pvalue if wins + losses else 1.0,
                "position_biased": float((asked[:, 0] * asked[:, 1] > 0).mean()),
                "first_place": float((decided > 0).mean()) if len(decided) else np.nan,
                "unclear": sum(None in both for both in replies) / len(own), "items": len(own),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _interval(worth: np.ndarray, draws: int, seed: int) -> tuple[float, float]:
    if len(worth) < 2 or not worth.std():  # a bootstrap has no width there, but Wilson's share of others has
        value, others = float(worth.mean()), float(wilson(0, len(worth))[1])
        return value * (1 - others), value + (1 - value) * others
    influence = (worth - worth.mean())[None]
    low, high = intervals(worth.mean(keepdims=True), influence, resamples(len(worth), draws, seed))
    return max(float(low[0]), 0.0), min(float(high[0]), 1.0)
