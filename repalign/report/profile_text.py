"""What `layers` and `compare` say in the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results.profile import LayerProfile


def print_table(profile: LayerProfile, compare: bool) -> None:
    """Best layer (or largest difference) by pair and metric, in the last variant, on stderr: stdout is for the paths."""
    import numpy as np

    table = profile.table[profile.table["baseline"].notna() == compare]
    table = table[table["variant"] == table["variant"].iloc[-1]]
    pair = [frozenset(ends) for ends in zip(table["source"], table["target"], strict=True)]
    # Both directions of a retrieval score stand as one: their mean, significant where both are.
    both = table.groupby(["checkpoint", "metric", pair, "layer"], sort=False).agg(
        source=("source", "first"),
        target=("target", "first"),
        value=("value", "mean"),
        p=("p_adjusted", "max"),
    )
    lower = [metric for metric, way in profile.settings.get("closer", {}).items() if way == "lower"]
    gain = both["value"].where(~both.index.isin(lower, level="metric"), -both["value"])
    both["worth"] = (both["value"].abs() if compare else gain).fillna(-np.inf)
    kind = "largest difference" if compare else "best layer"
    for checkpoint, rows in both.groupby("checkpoint", sort=False):
        metrics = list(dict.fromkeys(rows.index.get_level_values("metric")))
        lines = [f"{checkpoint}, {table['variant'].iloc[0]}: {kind} (* p < .05 after correction)"]
        lines.append(" " * 8 + "".join(f"{metric:>16}" for metric in metrics))
        for _, ends in rows.groupby(level=2, sort=False):
            cells = [_best(ends[ends.index.isin([metric], level="metric")]) for metric in metrics]
            lines.append(
                f"{ends['source'].iloc[0]}-{ends['target'].iloc[0]:5}"
                + "".join(f"{cell:>16}" for cell in cells)
            )
        print("\n".join(lines), file=sys.stderr)


def _best(layers: pd.DataFrame) -> str:
    """The value and its layer; nothing where the metric was not computed."""
    if layers.empty:
        return ""
    place = layers["worth"].idxmax()
    row, layer = layers.loc[place], place[-1]
    return f"{row['value']:.3f} at {layer:2}{'*' if row['p'] < 0.05 else ' '}"
