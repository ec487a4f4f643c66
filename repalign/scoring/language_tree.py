"""How languages group: distances between all of them, and the tree they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from repalign.errors import RepalignError
from repalign.results.profile import LayerProfile
from repalign.results.schema import RESULTS

if TYPE_CHECKING:
    import pandas as pd


def language_tree(profile: LayerProfile) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Distances between all languages at each layer, and the tree that average linkage makes of them.

    The distance of two languages is 1 minus the calibrated score (0 = the same states, 1 = unrelated), both
    directions averaged where a metric has two; negative scores count as unrelated, 1.

    Args:
        profile: scored with `pairs="all"`.

    Returns:
        The tables "languages" and "tree" (see `repalign.results.schema.RESULTS`).

    Raises:
        RepalignError: a pair of languages was not scored.
    """
    languages: list[dict[str, Any]] = []
    mergers: list[dict[str, Any]] = []
    keys = ["checkpoint", "metric", "variant", "layer", "depth"]
    for _, rows in profile.table.groupby(keys, sort=False):
        common: dict[str, Any] = rows.iloc[0][keys].to_dict()
        names, value, distance = _matrices(rows)
        order, tree = _tree(distance)
        for i, language in enumerate(names):
            for j, other in enumerate(names):
                cell = {
                    "language": language,
                    "other": other,
                    "order": order[i],
                    "value": value[i, j],
                    "distance": distance[i, j],
                }
                languages.append({**common, **cell})
        for step, (left, right, height, size) in enumerate(tree):
            joined = [names[int(k)] if k < len(names) else str(int(k) - len(names)) for k in (left, right)]
            merger = {
                "step": step,
                "left": joined[0],
                "right": joined[1],
                "distance": height,
                "size": int(size),
            }
            mergers.append({**common, **merger})
    return RESULTS["languages"].frame(languages), RESULTS["tree"].frame(mergers)


def _matrices(rows: pd.DataFrame) -> tuple[list[str], np.ndarray, np.ndarray]:
    names = list(dict.fromkeys([*rows["source"], *rows["target"]]))
    place = {name: index for index, name in enumerate(names)}
    sums = np.zeros((3, len(names), len(names)))  # value, calibrated, how many
    for source, target, value, calibrated in rows[["source", "target", "value", "calibrated"]].itertuples(
        index=False
    ):
        sums[:, place[source], place[target]] += (value, calibrated, 1)
    sums += sums.transpose(0, 2, 1)
    missing = np.argwhere((sums[2] == 0) & ~np.eye(len(names), dtype=bool))
    if len(missing):
        a, b = (names[k] for k in missing[0])
        raise RepalignError(f"no score for {a} and {b}; a tree needs every pair: profile(..., pairs='all')")
    with np.errstate(invalid="ignore"):
        value, calibrated = sums[0] / sums[2], sums[1] / sums[2]
    distance = 1 - np.clip(np.nan_to_num(calibrated), 0, 1)
    np.fill_diagonal(distance, 0)
    return names, value, distance


def _tree(distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Place of each language along the tree, and the mergers: left, right, distance, size."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    tree = linkage(squareform(distance, checks=False), method="average", optimal_ordering=True)
    return np.argsort(leaves_list(tree)), tree
