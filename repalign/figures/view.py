"""Results as figures read them: which rows, in which order, with which names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from repalign.figures.names import LONGEST, shortened
from repalign.figures.style import Style, language_styles
from repalign.results.profile import LEADING_VARIANTS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from repalign.results.results import Results

ALPHA = 0.05
"""Adjusted p below this is called significant, everywhere on the page."""

SCORED = ("scores", "differences", "peaks", "changes", "controls")
"""Tables of scores, as `View.rows` names them."""

CURVE = ("control", "checkpoint", "baseline", "metric", "variant", "source", "target", "layer")
"""Columns that name one score."""

MEANS = ("value", "low", "high", "chance", "calibrated", "design_effect")
"""Columns that are averaged over the two directions of a pair."""

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
            table: "scores" (of each language with the pivot), "differences" (from a baseline), "peaks" (the best
                layer of each language), "changes" (its largest difference from a baseline), or a name in
                `repalign.results.schema.RESULTS`. In the tables of scores (`SCORED`) the pivot is always the `source`,
                a metric with two directions has their mean (see `from_pivot`), and `gain` is how much nearer than by
                chance (or than the baseline) languages are, in the metric's units.
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
    def scored(self) -> pd.DataFrame:
        """The rows of "scores", or where there are none those of "differences"."""
        scores = self.rows("scores")
        return scores if len(scores) else self.rows("differences")

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
        return language_styles(map(str, order))

    @cached_property
    def corpus(self) -> str:
        """Name of the corpus, as the checkpoints' signatures give it; empty if they give none or several."""
        return corpus_of(self.results.profile.signatures)

    @cached_property
    def both_ways(self) -> frozenset[str]:
        """Metrics that differ by direction: their scores are the mean of both."""
        table = self.results.profile.table
        outward, back = (table.loc[table[end] == self.pivot, "metric"] for end in ("source", "target"))
        return frozenset(outward) & frozenset(back)

    def label(self, metric: str) -> str:
        """The metric's label from the settings, else its name; says so if both directions are averaged."""
        return self._label(metric, " averaged over both directions")

    def axis_label(self, metric: str) -> str:
        """Likewise, short enough for an axis."""
        return self._label(metric, " both ways")

    def _label(self, metric: str, averaged: str) -> str:
        label = str(self.results.profile.settings.get("labels", {}).get(metric) or metric.replace("_", " "))
        return label + averaged if metric in self.both_ways else label

    @cached_property
    def _frames(self) -> dict[str, pd.DataFrame]:
        profile = self.results.profile
        frames = {name: frame for name, frame in self.results.tables.items() if not frame.empty}
        for table, (single, paired) in (
            (profile.table, ("scores", "differences")),
            (profile.peaks, ("peaks", "changes")),
        ):
            if table is not None:
                alone = table["baseline"].isna()
                frames |= {single: table[alone], paired: table[~alone]}
        for name in (name for name in SCORED if name in frames):
            scores = from_pivot(frames[name], self.pivot)
            sign = scores["metric"].map(profile.sign).astype(float)
            frames[name] = scores.assign(gain=sign * (scores["value"] - scores["chance"].fillna(0)))
        return frames


def from_pivot(table: pd.DataFrame, pivot: str) -> pd.DataFrame:
    """The pairs with the pivot, exchanged where needed so that the pivot is the source.

    Of a score that differs by direction, the two are averaged: the value, its chance level, and the ends of its
    interval, which is at least as wide as that of the mean; `p` and `p_adjusted` are the larger of the two. What is NaN
    in one direction is NaN.
    """
    import pandas as pd

    outward, back = table[table["source"] == pivot], table[table["target"] == pivot]
    back = back[back["source"] != pivot].rename(columns={"source": "target", "target": "source"})
    rows = pd.concat([outward, back]).sort_index() if len(back) else outward
    keys = [name for name in CURVE if name in rows]
    second = rows.duplicated(keys)
    if not second.any():
        return rows.reset_index(drop=True)
    merged = rows[~second].copy()
    # Left: rows of one direction only have no other, and stay as they are.
    other = merged[keys].merge(rows[second].drop_duplicates(keys).assign(both=True), "left", keys)
    other.index = merged.index
    both = other.pop("both").notna()
    for name in (name for name in MEANS if name in merged):
        merged.loc[both, name] = (merged[name] + other[name]) / 2
    for name in ("p", "p_adjusted"):
        larger = merged[name].where(merged[name] > other[name], other[name]).where(merged[name].notna())
        merged.loc[both, name] = larger
    return merged.reset_index(drop=True)


def corpus_of(signatures: Mapping[str, str]) -> str:
    """Name of the corpus, as the checkpoints' signatures give it; empty if they give none or several."""
    named = {_corpus(name, text) for name, text in signatures.items()}
    return shortened(named.pop(), LONGEST) if len(named) == 1 else ""


def _corpus(checkpoint: str, signature: str) -> str:
    """
    >>> _corpus("a|b", "a|b@1f2e|ntrex#9c1e|raw|mean"), _corpus("a", "-")
    ('ntrex', '')
    """
    return signature.removeprefix(f"{checkpoint}@").partition("|")[2].partition("|")[0].rpartition("#")[0]


def above_chance(rows: pd.DataFrame) -> pd.Series:
    """Rows of "scores" or "controls" that are significantly better than chance."""
    return (rows["p_adjusted"] < ALPHA) & (rows["gain"] > 0)


def _order(choice: dict[str, Any]) -> list[int]:
    return [_rank(choice.get(key), order) for key, order in LEADING.items()]


def _rank(value: Any, order: Sequence[str]) -> int:
    return order.index(value) if value in order else len(order)
