"""Results as figures read them: which rows, in which order, with which names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from repalign.figures.style import Style, styles
from repalign.results.profile import LEADING_VARIANTS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from repalign.results.results import Results

ALPHA = 0.05
"""Adjusted p below this is called significant, everywhere on the page."""

LEADING = {"metric": ("mexa", "p_at_1", "cka"), "variant": LEADING_VARIANTS}
"""What is shown first, if present."""


class View:
    """Results, with what all figures need computed once.

    Attributes:
        results: the results behind the view.
    """

    def __init__(self, results: Results) -> None:
        self.results = results
        self._groups: dict[tuple[str, tuple[str, ...]], dict[tuple, np.ndarray]] = {}

    def rows(self, table: str, **equal: Any) -> pd.DataFrame:
        """The rows of a table whose columns equal the given values; no rows if there is no such table.

        Args:
            table: "scores" (of each language with the pivot), "differences" (from a baseline), or a name in
                `repalign.results.schema.RESULTS`. In "scores", "differences" and "controls" the pivot is always the
                `source`, and `gain` is how much nearer than by chance (or than the baseline) languages
                are, in the metric's units.
        """
        frame = self._frames.get(table)
        if frame is None:
            import pandas as pd

            return pd.DataFrame()
        if not equal:
            return frame
        columns, values = tuple(equal), tuple(equal.values())
        if (table, columns) not in self._groups:
            groups = frame.groupby(list(columns), sort=False, observed=True).indices
            # pandas names a group of one column by its value, of several by a tuple
            named = {key if isinstance(key, tuple) else (key,): rows for key, rows in groups.items()}
            self._groups[table, columns] = named
        return frame.iloc[self._groups[table, columns].get(values, [])]

    def choices(self, table: str, *columns: str) -> list[dict[str, Any]]:
        """The combinations of values in a table, the leading metric and variant first."""
        rows = self.rows(table)
        if rows.empty:
            return []
        return sorted(rows[list(columns)].drop_duplicates().to_dict("records"), key=_order)

    @cached_property
    def pivot(self) -> str:
        """The language that the others are compared with."""
        return self.results.profile.pivot

    @cached_property
    def checkpoints(self) -> list[str]:
        """In the order of the table, baselines first."""
        table = self.results.profile.table
        return list(dict.fromkeys([*table["baseline"].dropna().unique(), *table["checkpoint"].unique()]))

    @cached_property
    def targets(self) -> list[str]:
        """Languages compared with the pivot, in the order of the table."""
        frames = (self.rows("scores"), self.rows("differences"))
        return list(dict.fromkeys(name for frame in frames for name in frame["target"].unique()))

    @cached_property
    def styles(self) -> dict[str, Style]:
        """Every language, the pivot first, with its style."""
        order = [self.pivot, *self.targets]
        for name in ("sentences", "languages", "geometry", "drift", "map"):
            rows = self.rows(name)
            order += [] if rows.empty else list(rows["language"].unique())
        return styles(dict.fromkeys(map(str, order)))

    def label(self, metric: str) -> str:
        """The metric's label from the settings, else its name."""
        return str(self.results.profile.settings.get("labels", {}).get(metric) or metric.replace("_", " "))

    @cached_property
    def _frames(self) -> dict[str, pd.DataFrame]:
        table = self.results.profile.table
        single = table["baseline"].isna()
        frames = {name: frame for name, frame in self.results.tables.items() if not frame.empty}
        if "controls" in frames:
            frames["controls"] = from_pivot(frames["controls"], self.pivot)
        frames["scores"] = from_pivot(table[single], self.pivot)
        frames["differences"] = from_pivot(table[~single], self.pivot)
        for name in ("scores", "differences", "controls"):
            if name in frames:
                sign = frames[name]["metric"].map(self.results.profile.sign).astype(float)
                gain = sign * (frames[name]["value"] - frames[name]["chance"].fillna(0))
                frames[name] = frames[name].assign(gain=gain)
        return frames


def from_pivot(table: pd.DataFrame, pivot: str) -> pd.DataFrame:
    """The pairs with the pivot, exchanged where needed so that the pivot is the source.

    Of a score that differs by direction, the one from the pivot to the language is kept.
    """
    import pandas as pd

    outward, back = table[table["source"] == pivot], table[table["target"] == pivot]
    known = pd.MultiIndex.from_frame(outward[["metric", "target"]].drop_duplicates())
    back = back[~pd.MultiIndex.from_frame(back[["metric", "source"]]).isin(known)]
    if len(back):
        outward = pd.concat([outward, back.rename(columns={"source": "target", "target": "source"})])
    return outward.sort_index().reset_index(drop=True)


def above_chance(rows: pd.DataFrame) -> pd.Series:
    """Rows of "scores" or "controls" that are significantly better than chance."""
    return (rows["p_adjusted"] < ALPHA) & (rows["gain"] > 0)


def _order(choice: dict[str, Any]) -> list[int]:
    return [_rank(choice.get(key), order) for key, order in LEADING.items()]


def _rank(value: Any, order: Sequence[str]) -> int:
    return order.index(value) if value in order else len(order)
