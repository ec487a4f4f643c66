"""What `layers` and `compare` print in the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from repalign.results.profile import leading_variant

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results.profile import LayerProfile


def print_table(profile: LayerProfile, compare: bool) -> None:
    """Print the best layer (or largest difference) of each pair and metric, in the leading variant.

    On stderr, because stdout is for the paths of the files written.
    """
    import numpy as np

    table = profile.table[profile.table["baseline"].notna() == compare]
    table = table[table["variant"] == leading_variant(table["variant"])]
    pair = [frozenset(ends) for ends in zip(table["source"], table["target"], strict=True)]
    # The two directions of a retrieval score are merged: their mean, significant if both are.
    both = table.groupby(["checkpoint", "metric", pair, "layer"], sort=False).agg(
        source=("source", "first"),
        target=("target", "first"),
        value=("value", "mean"),
        p=("p_adjusted", "max"),
    )
    gain = both["value"] * both.index.get_level_values("metric").map(profile.sign)
    both["worth"] = (both["value"].abs() if compare else gain).fillna(-np.inf)
    kind = "largest difference" if compare else "best layer"
    for checkpoint, rows in both.groupby("checkpoint", sort=False):
        metrics = list(dict.fromkeys(rows.index.get_level_values("metric")))
        lines = [f"{checkpoint}, {table['variant'].iloc[0]}: {kind} (* p < .05 after correction)"]
        pairs = {
            f"{ends['source'].iloc[0]}-{ends['target'].iloc[0]}": ends
            for _, ends in rows.groupby(level=2, sort=False)
        }
        width = max(8, *map(len, pairs))  # codes may be as long as eng_Latn
        lines.append(" " * width + "".join(f"{metric:>16}" for metric in metrics))
        for name, ends in pairs.items():
            cells = [_best(ends[ends.index.isin([metric], level="metric")]) for metric in metrics]
            lines.append(name.ljust(width) + "".join(f"{cell:>16}" for cell in cells))
        print("\n".join(lines), file=sys.stderr)


def _best(layers: pd.DataFrame) -> str:
    """The value and its layer; nothing if the metric was not computed."""
    if layers.empty:
        return ""
    key = layers["worth"].idxmax()
    row, layer = layers.loc[key], key[-1]
    return f"{row['value']:.3f} at {layer:2}{'*' if row['p'] < 0.05 else ' '}"
