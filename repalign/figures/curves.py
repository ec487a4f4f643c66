"""Scores by layer, one line per language: bands are intervals, filled marks significant, the dotted line chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.figures.controls import (
    band_of_baselines,
    beside,
    heights_of_controls,
    label_of_baselines,
    means_of_controls,
    range_of_baselines,
)
from repalign.figures.lines import (
    MAX_NAMED_LINES,
    SCORE,
    SCORE_WITH_CONTROLS,
    by_layer,
    level,
    quantiles,
    scored,
)
from repalign.figures.security import as_text
from repalign.figures.style import STYLE
from repalign.figures.view import above_chance

if TYPE_CHECKING:
    import pandas as pd

    from repalign.figures.view import View


def choices(view: View) -> list[dict]:
    return view.choices("scores", "checkpoint", "metric", "variant")


def draw(view: View, *, checkpoint: str, metric: str, variant: str) -> dict:
    """Curves with the range of the baselines; `each` has every language's own where they are drawn as quantiles."""
    import pandas as pd

    everywhere = view.rows("scores", metric=metric, variant=variant)
    rows = view.rows("scores", checkpoint=checkpoint, metric=metric, variant=variant)
    controls = view.rows("controls", checkpoint=checkpoint, metric=metric, variant=variant)
    traces, label, heights, hover = [], [], [everywhere], SCORE
    if len(drawn := view.rows("controls", metric=metric, variant=variant)):
        heights.append(heights_of_controls(drawn))
    if len(controls):
        baselines = range_of_baselines(controls)
        label = label_of_baselines(controls, baselines, rows)
        traces += band_of_baselines(baselines)
        rows = rows.assign(text=_texts(rows, beside(controls)))
        hover = SCORE_WITH_CONTROLS
    traces += by_language(view, rows, above_chance(rows), hover)
    traces.append(level(rows.assign(value=rows["chance"]), "chance", "dot"))
    traces += means_of_controls(controls) if len(controls) else []
    picture = by_layer(traces, rows, f"{view.axis_label(metric)}, {variant}", pd.concat(heights))
    picture["layout"] |= {"annotations": label} if label else {}
    return picture | (
        {"each": each(rows, above_chance(rows))} if rows["target"].nunique() > MAX_NAMED_LINES else {}
    )


def by_language(view: View, rows: pd.DataFrame, filled: pd.Series, hover: str) -> list[dict]:
    """A line for each language, or quantiles if there are too many."""
    groups = dict(list(rows.groupby("target", sort=False)))
    if len(groups) > MAX_NAMED_LINES:
        return quantiles(rows, STYLE)
    names = [name for name in view.targets if name in groups]
    parts = [scored(groups[name], name, view.styles[name], filled, hover) for name in names]
    traces = [trace for part in parts for trace in part]
    return sorted(traces, key=lambda trace: "fill" not in trace)  # no band over another language's line


def each(rows: pd.DataFrame, significant: pd.Series) -> dict[str, Any]:
    """The curve of every language, the best peak first: for the small panels of a page."""
    table, gains = (
        rows.pivot_table(index="target", columns="layer", values=column, sort=False, dropna=False)
        for column in ("value", "gain")
    )
    order = gains.max(axis=1).sort_values(ascending=False, kind="stable").index
    table, best = table.loc[order], gains.loc[order].fillna(-np.inf).to_numpy().argmax(axis=1)
    found = significant.groupby(rows["target"]).any()
    names = [str(name) for name in order]
    return {
        "names": names,
        "labels": [as_text(name) for name in names],
        "x": table.columns.to_numpy(np.float32),
        "y": table.to_numpy(np.float32),
        "best": best.tolist(),
        "significant": [bool(found[name]) for name in order],
    }


def _texts(rows: pd.DataFrame, beside: dict[tuple[str, int], str]) -> list[str]:
    return [beside.get(key, "") for key in zip(rows["target"], rows["layer"], strict=True)]
