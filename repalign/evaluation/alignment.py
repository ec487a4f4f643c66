"""Correlation of alignment and score: are better aligned languages, or sentences, answered better?

Both tables show association, over few languages; neither shows that alignment is the cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from repalign.corpora.language_choice import match_language
from repalign.evaluation.clusters import Clusters
from repalign.evaluation.items import Item
from repalign.results.layer_ranges import layer_set
from repalign.results.profile import leading_variant
from repalign.results.schema import EVALUATION
from repalign.statistics import effective_sentences, holm, shuffled_p, spearman, spearman_interval

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results.profile import LayerProfile
    from repalign.results.results import Results

EXACT_PERMUTATIONS_UP_TO = 7
"""Up to this many languages the permutation test is exact; above it, permutations are drawn at random."""

MIN_UNITS = 5
"""With fewer units (languages or sentences) no permutation can reach p < .05."""

MIN_LINKED_ITEMS = 10
"""Items about sentences of the profile that a language needs for a correlation over sentences."""


def alignment_table(results: Results, scores: pd.DataFrame) -> pd.DataFrame:
    """Alignment and score of each language: checkpoint, metric, layer, scorer, language, alignment, score.

    The languages of the two are matched by meaning, see `match_language`; the table has the spelling of the scores.
    Alignment is the metric's mean over both directions with the pivot, in the profile's leading variant, at one layer:
    that which may be the best of the most languages (`layers` of the table "peaks"), and among several, or without that
    table, the one with the best mean over languages. Metrics that decrease with alignment are negated.

    The layer is chosen on the sentences that give the alignment, but not on the scores: shuffling scores over languages
    leaves it as it is, so the p-values of `over_languages` hold. What choosing adds to the alignment, it adds to that of
    all languages, and a rank correlation is not affected by what all have in common.

    Args:
        results: a layer profile (see `repalign.results.results`).
        scores: see `repalign.evaluation.scores.score_table`.

    Returns:
        One row per checkpoint, metric, scorer and language; empty if the two have no checkpoint and language in common.
    """
    import pandas as pd

    table = results.profile.table
    table = table[table["baseline"].isna()]
    table = table[table["variant"] == leading_variant(table["variant"])]
    by_language = scores[scores["baseline"].isna() & scores["language"].notna()]
    pivot = table["source"].iloc[0]
    in_profile = _matched(
        by_language["language"].unique(), [*table["source"].unique(), *table["target"].unique()]
    )
    other_end = table["target"].where(table["source"] == pivot, table["source"])
    table = table.assign(language=other_end, value=table["value"] * table["metric"].map(results.profile.sign))
    parts = []
    for (checkpoint, metric), rows in table.groupby(["checkpoint", "metric"], sort=False):
        rows = rows[rows["language"].isin(in_profile.values())]
        grid = rows.groupby(["layer", "language"])["value"].mean().unstack()
        if grid.empty or not grid.mean(axis=1).notna().any():
            continue
        layer = _chosen(grid.mean(axis=1), _best_layers(results.profile, checkpoint, metric))
        scored = by_language[by_language["checkpoint"] == checkpoint].assign(metric=metric, layer=layer)
        parts.append(scored.assign(alignment=scored["language"].map(in_profile).map(grid.loc[layer])))
    declared = EVALUATION["alignment"]
    if not parts:
        return declared.frame([])
    joined = pd.concat(parts).rename(columns={"value": "score"})
    return declared.frame(joined[declared.names].dropna(subset=["alignment", "score"]))


def _best_layers(profile: LayerProfile, checkpoint: str, metric: str) -> list[tuple[int, ...]]:
    """For each language, the layers that may be the best; empty without the table "peaks"."""
    peaks = profile.peaks
    if peaks is None:
        return []
    own = peaks[peaks["baseline"].isna() & (peaks["checkpoint"] == checkpoint) & (peaks["metric"] == metric)]
    own = own[own["variant"] == leading_variant(profile.table["variant"])]
    return [layer_set(layers) for layers in own["layers"].dropna()]


def _chosen(means: pd.Series, best: Sequence[tuple[int, ...]]) -> int:
    """The layer that is in most of the sets; among equals, that of the best mean.

    Args:
        means: of each layer [layer].
        best: for each language, layers that may be its best.
    """
    votes = means.index.map(lambda layer: sum(layer in layers for layers in best))
    return int(means[votes == votes.max()].idxmax())


def _matched(languages: Iterable[str], available: Sequence[str]) -> dict[str, str]:
    """Languages of the evaluation -> those of the profile that mean the same, where there is one."""
    found = {language: match_language(language, available) for language in languages}
    return {language: one for language, one in found.items() if one is not None}


def over_languages(table: pd.DataFrame, draws: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Spearman's correlation of alignment and score over languages, for each checkpoint, metric and scorer.

    p is two-sided, from all permutations of the languages (or `draws` random ones); the interval is by
    `spearman_interval`. Both are NaN if there are too few languages (`note` says so).

    Args:
        table: see `alignment_table`.
        draws: random permutations.
        seed: of the permutations.
    """
    import pandas as pd

    rows = []
    for keys, part in table.groupby(["checkpoint", "metric", "scorer"], sort=False):
        a, b = part["alignment"].to_numpy(float), part["score"].to_numpy(float)
        rows.append(
            dict(zip(("checkpoint", "metric", "scorer"), keys, strict=True))
            | {"over": "languages", "language": None}
            | _correlation(a, b, draws, seed)
        )
    return pd.DataFrame(rows)


def over_items(
    results: Results,
    items: Mapping[str, Sequence[Item]],
    per_item: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]],
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Spearman's correlation, within a language, of a sentence's alignment and the score of its items.

    A sentence's alignment is the margin of its translation over the nearest other sentence, in the results'
    table `map`, at the layer where the mean margin is largest (chosen without the scores, so p holds). An item belongs to
    the sentence it is about; a sentence with several items has their mean score. p is two-sided, from shuffling
    sentences. Where sentences are of the same documents, they are shuffled within these, and the interval is that of
    documents.

    Args:
        results: a layer profile with the tables `map` and `sentences`.
        items: by language.
        per_item: checkpoint -> scorer -> language -> scores, float64 [item].
        draws: random permutations.
        seed: of the permutations.

    Returns:
        One row per checkpoint, language and scorer; empty if the profile lacks these tables.
    """
    import pandas as pd

    if not {"map", "sentences"} <= set(results.tables):
        return pd.DataFrame()
    positions, sentences = results.tables["map"], results.tables["sentences"]
    number_of = {(row.language, row.text): row.sentence for row in sentences.itertuples()}
    positions = positions[positions["variant"] == positions["variant"].iloc[-1]]
    rows = []
    together = Clusters.of(items)
    in_profile = _matched(items, positions["language"].unique())
    for checkpoint, scorers in per_item.items():
        for language, name in in_profile.items():
            margins = positions[(positions["checkpoint"] == checkpoint) & (positions["language"] == name)]
            margins = margins.pivot_table(index="sentence", columns="layer", values="margin")
            numbers = [number_of.get((name, item.sentence)) for item in items[language]]
            if margins.empty or sum(number is not None for number in numbers) < MIN_LINKED_ITEMS:
                continue
            margin = margins[margins.mean().idxmax()]
            for scorer, scores in scorers.items():
                asked = pd.DataFrame({"score": scores[language], "id": [item.id for item in items[language]]})
                by_sentence = asked.groupby(pd.Series(numbers, dtype="Int64"))
                columns = [margin, by_sentence["score"].mean(), by_sentence["id"].first()]
                both = pd.concat(columns, axis=1, join="inner").dropna()
                clusters = together.numbers(both["id"].tolist()) if together and len(both) else None
                a, b = both.drop(columns="id").to_numpy(float).T
                rows.append(
                    {"checkpoint": checkpoint, "metric": "margin", "scorer": scorer, "over": "sentences",
                     "language": language, **_correlation(a, b, draws, seed, clusters)}
                )  # fmt: skip
    return pd.DataFrame(rows)


def _correlation(
    a: np.ndarray, b: np.ndarray, draws: int, seed: int, clusters: np.ndarray | None = None
) -> dict[str, object]:
    """Spearman's rho of two arrays [unit], with interval and p if there are enough units, or clusters of them."""
    value = float(spearman(a[None], b[None])[0])
    count = len(a) if clusters is None else int(clusters.max()) + 1
    low, high, p = np.nan, np.nan, np.nan
    if count >= MIN_UNITS and not np.isnan(value):
        independent = float(effective_sentences(_influence(a, b, value), clusters))
        low, high = spearman_interval(value, independent)
        p = shuffled_p(a, b, value, draws, seed, EXACT_PERMUTATIONS_UP_TO, clusters)
    return {"value": value, "low": low, "high": high, "p": p, "units": len(a), "note": _note(count, value)}


def _influence(a: np.ndarray, b: np.ndarray, value: float) -> np.ndarray:
    """How far each unit moves a correlation, as that of given ranks: float64 [unit]."""
    from scipy.stats import rankdata, zscore

    x, y = (zscore(rankdata(values)) for values in (a, b))
    return np.asarray(x * y - value * (x**2 + y**2) / 2)


def adjusted(table: pd.DataFrame) -> pd.DataFrame:
    """Adds `p_adjusted`: Holm over all correlations of one checkpoint and scorer, languages and sentences separately."""
    groups = table.groupby(["checkpoint", "scorer", "over"], sort=False)["p"]
    return table.assign(p_adjusted=groups.transform(lambda p: holm(p.to_numpy(float))))


def _note(units: int, value: float) -> str:
    if units < MIN_UNITS:
        return f"{units} are too few for any permutation to reach p < .05"
    return "alignment or score does not vary" if np.isnan(value) else ""
