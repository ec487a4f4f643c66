"""Alignment beside scores: whether languages, or sentences, that are aligned better are answered better.

Both tables are of association, over few languages: nothing here shows that alignment is why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from repalign.evaluation.items import Item
from repalign.results.schema import EVALUATION
from repalign.statistics import holm, resamples, shuffled_p, spearman

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results.results import Results

EXACT = 7
"""Up to so many languages all orders are tried; beyond, as many at random as there are draws."""

ENOUGH = 5
"""With fewer languages no order at all has p < .05."""


def alignment_table(results: Results, scores: pd.DataFrame) -> pd.DataFrame:
    """Alignment of each language beside its score: checkpoint, metric, layer, scorer, language, alignment, score.

    Alignment is the metric's mean over both directions with the pivot, in the profile's last variant, at the
    one layer where its mean over languages is best; a metric that falls with alignment has its sign turned.

    Args:
        results: a profile's folder (see `repalign.results.results`).
        scores: see `repalign.evaluation.scores.score_table`.
    """
    import pandas as pd

    table = results.profile.table
    table = table[table["baseline"].isna()]
    table = table[table["variant"] == table["variant"].iloc[-1]]
    lower = {name for name, way in results.profile.settings.get("closer", {}).items() if way == "lower"}
    own = scores[scores["baseline"].isna() & scores["language"].notna()]
    pivot = table["source"].iloc[0]
    ends = table["target"].where(table["source"] == pivot, table["source"])
    sign = np.where(table["metric"].isin(lower), -1, 1)
    table = table.assign(language=ends, value=table["value"] * sign)
    rows = []
    for (checkpoint, metric), part in table.groupby(["checkpoint", "metric"], sort=False):
        part = part[part["language"].isin(own["language"])]
        grid = part.groupby(["layer", "language"])["value"].mean().unstack()
        if grid.empty or not grid.mean(axis=1).notna().any():
            continue
        layer = grid.mean(axis=1).idxmax()
        mine = own[own["checkpoint"] == checkpoint].assign(metric=metric, layer=layer)
        rows.append(mine.assign(alignment=mine["language"].map(grid.loc[layer])))
    declared = EVALUATION["alignment"]
    if not rows:
        return declared.frame([])
    found = pd.concat(rows).rename(columns={"value": "score"})
    return declared.frame(found[declared.names].dropna(subset=["alignment", "score"]))


def over_languages(table: pd.DataFrame, draws: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Spearman's correlation of alignment and score over languages, for each checkpoint, metric and scorer.

    p is two-sided, from all orders of the languages (or `draws` at random); the interval from resampling
    languages. Both are NaN where languages are too few (`note` says so).
    """
    import pandas as pd

    rows = []
    for keys, part in table.groupby(["checkpoint", "metric", "scorer"], sort=False):
        a, b = part["alignment"].to_numpy(float), part["score"].to_numpy(float)
        rows.append(
            dict(zip(("checkpoint", "metric", "scorer"), keys, strict=True))
            | {"over": "languages", "language": None}
            | _correlation(a, b, draws, seed, tested=len(part) >= ENOUGH)
        )
    return pd.DataFrame(rows)


def over_items(
    results: Results,
    items: Mapping[str, Sequence[Item]],
    per_item: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]],
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Spearman's correlation, within a language, of how well a sentence is aligned and how well it is answered.

    A sentence's alignment is the margin of its translation over the nearest other sentence, in the results'
    table `map`, at the layer where its mean is best. An item belongs to the sentence that it is about; a
    sentence with several items has their mean score. p is two-sided, from shuffling sentences.

    Args:
        results: a profile's folder with the tables `map` and `sentences`.
        items: of each language.
        per_item: checkpoint -> scorer -> language -> scores of the items.
    """
    import pandas as pd

    if not {"map", "sentences"} <= set(results.tables):
        return pd.DataFrame()
    where, sentences = results.tables["map"], results.tables["sentences"]
    number = {(row.language, row.text): row.sentence for row in sentences.itertuples()}
    where = where[where["variant"] == where["variant"].iloc[-1]]
    rows = []
    for checkpoint, scorers in per_item.items():
        for language, own in items.items():
            margins = where[(where["checkpoint"] == checkpoint) & (where["language"] == language)]
            margins = margins.pivot_table(index="sentence", columns="layer", values="margin")
            about = [number.get((language, item.sentence)) for item in own]
            if margins.empty or sum(place is not None for place in about) < 10:
                continue
            aligned = margins[margins.mean().idxmax()]
            for scorer, scores in scorers.items():
                score = pd.Series(scores[language]).groupby(pd.Series(about, dtype="Int64")).mean()
                both = pd.concat([aligned, score], axis=1, join="inner").dropna().to_numpy(float)
                rows.append(
                    {"checkpoint": checkpoint, "metric": "margin", "scorer": scorer, "over": "sentences",
                     "language": language, **_correlation(both[:, 0], both[:, 1], draws, seed)}
                )  # fmt: skip
    return pd.DataFrame(rows)


def _correlation(
    a: np.ndarray, b: np.ndarray, draws: int, seed: int, tested: bool = True
) -> dict[str, object]:
    """Spearman's, and if `tested` its interval and p."""
    value = float(spearman(a[None], b[None])[0])
    low, high = _resampled(a, b, draws, seed) if tested else (np.nan, np.nan)
    p = shuffled_p(a, b, value, draws, seed, EXACT) if tested and not np.isnan(value) else np.nan
    return {"value": value, "low": low, "high": high, "p": p, "units": len(a), "note": _note(len(a), value)}


def adjusted(table: pd.DataFrame) -> pd.DataFrame:
    """With `p_adjusted`: by Holm over all correlations of one checkpoint and scorer, languages and sentences apart."""
    groups = table.groupby(["checkpoint", "scorer", "over"], sort=False)["p"]
    return table.assign(p_adjusted=groups.transform(lambda p: holm(p.to_numpy(float))))


def _note(units: int, value: float) -> str:
    if units < ENOUGH:
        return f"{units} are too few for any order to have p < .05"
    return "one side does not vary" if np.isnan(value) else ""


def _resampled(a: np.ndarray, b: np.ndarray, draws: int, seed: int) -> tuple[float, float]:
    n = len(a)
    counts = np.rint((resamples(n, draws, seed) + 1 / n) * n).astype(int)
    rows = np.array([np.repeat(np.arange(n), count) for count in counts])
    values = spearman(a[rows], b[rows])
    # A draw without variation has no correlation; where these are many, the others tell of a few units only.
    known = values[~np.isnan(values)]
    if len(known) < 0.95 * draws:
        return np.nan, np.nan
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)
