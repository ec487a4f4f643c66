"""Win rates of one checkpoint over another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from repalign.evaluation.clusters import Clusters
from repalign.evaluation.items import Item
from repalign.evaluation.judges import Judge
from repalign.progress import Phase
from repalign.statistics import holm, share_difference

if TYPE_CHECKING:
    import pandas as pd

Texts = Mapping[str, Sequence[str]]
"""Language -> answers, in the order of the items."""


def win_rates(
    items: Mapping[str, Sequence[Item]],
    first: Texts,
    second: Texts,
    judge: Judge,
    progress: bool = False,
) -> pd.DataFrame:
    """How often the answers of the second checkpoint beat those of the first, by language.

    The judge sees each pair in both orders. If the same position wins twice, the pair is tied; a win in one order
    and a tie or no verdict in the other is a win. Everything else is a tie, which counts half in `value`; p is from
    the two-sided sign test of wins against losses, exact, and adjusted by Holm over languages. Where questions share
    paragraphs, interval and p are those of paragraphs (see `repalign.statistics.share_difference`).

    Args:
        items: by language.
        first, second: answers of the two checkpoints.
        judge: see `repalign.evaluation.judges`.
        progress: whether to show signs of life: see `repalign.progress`.

    Returns:
        language, wins, ties, losses, value, low, high (shares), p, p_adjusted, position_biased (share of questions in which the
        same position won twice), first_place (share of decided verdicts that went to the first position), unclear
        (share of questions without two verdicts), items.
    """
    import pandas as pd

    rows = []
    together = Clusters.of(items)
    replies_in = _replies(items, first, second, judge, progress)
    for language, questions in items.items():
        replies = replies_in[language]
        verdicts = np.array([[reply or 0 for reply in both] for both in replies])
        outcome = np.sign(verdicts[:, 0] - verdicts[:, 1])  # in the second order the positions are swapped
        wins, losses = int((outcome > 0).sum()), int((outcome < 0).sum())
        clusters = together.numbers([item.id for item in questions]) if together else None
        low, high, p = share_difference(outcome[None].astype(float), clusters)
        decided = verdicts[verdicts != 0]
        n = len(questions)
        rows.append(
            {
                "language": language, "wins": wins, "ties": n - wins - losses, "losses": losses,
                "value": (1 + outcome.mean()) / 2, "low": (1 + low[0]) / 2, "high": (1 + high[0]) / 2, "p": p[0],
                "position_biased": float((verdicts[:, 0] * verdicts[:, 1] > 0).mean()),
                "first_place": float((decided > 0).mean()) if len(decided) else np.nan,
                "unclear": sum(None in both for both in replies) / n, "items": n,
            }
        )  # fmt: skip
    return pd.DataFrame(rows).assign(p_adjusted=holm([row["p"] for row in rows]))


def _replies(
    items: Mapping[str, Sequence[Item]], first: Texts, second: Texts, judge: Judge, progress: bool
) -> dict[str, list[tuple[int | None, int | None]]]:
    """Language -> verdicts on each pair, the second checkpoint's answer shown first, then the first's."""
    replies: dict[str, list[tuple[int | None, int | None]]] = {}
    total = sum(map(len, items.values()))
    with Phase("judging", total, "pairs of answers", shown=progress) as phase:
        for language, questions in items.items():
            judged = replies.setdefault(language, [])
            for item, a, b in zip(questions, first[language], second[language], strict=True):
                judged.append((judge(item, b, a), judge(item, a, b)))
                phase.update()
    return replies
