"""Which rows of the profile a figure draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results import Results

ALPHA = 0.05
"""Adjusted p below this is called significant, everywhere on the page."""

LEADING_METRICS = ("mexa", "p_at_1", "retrieval", "cka")
LEADING_VARIANTS = ("centred", "raw")


def own_rows(results: Results) -> pd.DataFrame:
    """Rows that belong to one checkpoint alone."""
    table = results.profile.table
    return table[table["baseline"].isna()]


def paired_rows(results: Results) -> pd.DataFrame:
    """Rows that are differences from a baseline."""
    table = results.profile.table
    return table[table["baseline"].notna()]


def checkpoints(results: Results) -> list[str]:
    """In the order of the table, baselines first."""
    table = results.profile.table
    order = list(table["baseline"].dropna().unique()) + list(table["checkpoint"].unique())
    return list(dict.fromkeys(order))


def pivot(results: Results) -> str:
    """The language that the others are compared with: the source of the first row."""
    return str(results.profile.table["source"].iloc[0])


def targets(results: Results) -> list[str]:
    """Languages compared with the pivot, in the order of the table."""
    table = results.profile.table
    return list(table.loc[table["source"] == pivot(results), "target"].unique())


def languages(results: Results) -> list[str]:
    """Every language of the results, the pivot first."""
    table = results.profile.table
    order = [pivot(results), *targets(results), *table["source"].unique(), *table["target"].unique()]
    sentences = results.tables.get("sentences")
    if sentences is not None:
        order += list(sentences["language"].unique())
    return list(dict.fromkeys(map(str, order)))


def pictures(table: pd.DataFrame, *columns: str) -> list[dict]:
    """The combinations of values there are, the leading metric and variant first."""
    found = table[list(columns)].drop_duplicates().to_dict("records")
    return sorted(found, key=_place)


def _place(choice: dict) -> tuple[int, int]:
    metric, variant = choice.get("metric"), choice.get("variant")
    return (
        LEADING_METRICS.index(metric) if metric in LEADING_METRICS else len(LEADING_METRICS),
        LEADING_VARIANTS.index(variant) if variant in LEADING_VARIANTS else len(LEADING_VARIANTS),
    )


def where(table: pd.DataFrame, **equal: object) -> pd.DataFrame:
    """The rows whose columns equal the given values."""
    masks = [(table[column] == value).to_numpy(bool, na_value=False) for column, value in equal.items()]
    return table[np.logical_and.reduce(masks)] if masks else table


def above_chance(rows: pd.DataFrame) -> pd.Series:
    """Rows significantly better than chance. `calibrated` is positive there whichever way the metric points."""
    return (rows["p_adjusted"] < ALPHA) & (rows["calibrated"] > 0)


def nearer(results: Results, metric: str) -> int:
    """+1 where a higher value means that languages are nearer, -1 where a lower one does."""
    rows = where(own_rows(results), metric=metric)
    told = (rows["value"] - rows["chance"]) * rows["calibrated"]
    return -1 if told.sum() < 0 else 1


def metric_label(results: Results, metric: str) -> str:
    """The metric's own label where the settings hold it."""
    known = results.profile.settings.get("metrics")
    entry = known.get(metric) if isinstance(known, dict) else None
    label = entry.get("label") if isinstance(entry, dict) else None
    return str(label or LABELS.get(metric) or metric.replace("_", " "))


LABELS = {
    "mexa": "MEXA",
    "p_at_1": "P@1",
    "cka": "CKA (debiased)",
    "cosine_gap": "cosine gap",
    "anc": "ANC",
    "mutual_knn": "mutual kNN",
}
