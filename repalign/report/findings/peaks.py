"""Each language's best layer, and the controls there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repalign.figures.view import ALPHA

if TYPE_CHECKING:
    import pandas as pd

    from repalign.figures.view import View

SHARED_TOKENS = "bag-of-tokens"
"""The control that scores the tokens of two sentences without a model."""

KEY = ["checkpoint", "target", "layer"]


def best(rows: pd.DataFrame) -> pd.Series:
    """The row of the layer where a language is closest to the pivot."""
    return rows.loc[rows["gain"].idxmax()]


def peaks(rows: pd.DataFrame) -> list[pd.Series]:
    """The best row of each checkpoint and language."""
    return [best(layers) for _, layers in rows.groupby(["checkpoint", "target"], sort=False)]


def with_control(
    view: View, rows: list[pd.Series], control: str, lead: dict[str, str]
) -> list[tuple[pd.Series, pd.Series]]:
    """Each of the rows with the control's score of the same language and layer; rows without one are left out."""
    table = view.rows("controls", control=control, **lead)
    if table.empty:
        return []
    scores = {tuple(row[KEY]): row for _, row in table.iterrows()}
    return [(row, scores[key]) for row in rows if (key := tuple(row[KEY])) in scores]


def is_above_chance(row: pd.Series) -> bool:
    """`repalign.figures.view.above_chance` for one row."""
    return bool(row["p_adjusted"] < ALPHA and row["gain"] > 0)


def exceeds(row: pd.Series, control: pd.Series) -> bool:
    """Whether a score is better than a control's, and the two intervals do not overlap."""
    apart = row["low"] > control["high"] or row["high"] < control["low"]
    return bool(apart and row["gain"] > control["gain"])
