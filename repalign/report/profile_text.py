"""What `layers` and `compare` print in the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from repalign.figures import as_results
from repalign.figures.view import ALPHA, View
from repalign.report.findings.words import with_interval
from repalign.results.profile import leading_variant

if TYPE_CHECKING:
    from repalign.results.profile import LayerProfile

COLUMNS = 3
"""Metrics side by side; more of them follow below."""


def print_table(profile: LayerProfile, compare: bool) -> None:
    """Print the best layer (or the largest difference) of each language and metric, in the leading variant.

    The values are those of the page: `View.rows("peaks")`, or "changes". On stderr, because stdout is for the paths of
    the files written.
    """
    view = View(as_results(profile))
    table = view.rows("changes" if compare else "peaks")
    if table.empty:
        print("no best layers in these results of an earlier version; score them again", file=sys.stderr)
        return
    variant = leading_variant(table["variant"])
    kind = "largest difference" if compare else "best layer"
    where = f"{variant}, on {view.corpus}" if view.corpus else variant
    for checkpoint, rows in table[table["variant"] == variant].groupby("checkpoint", sort=False):
        about = f"{kind}, cross-fitted [95%], layers that may be it; * adjusted p < {ALPHA:g}"
        lines = [f"{checkpoint}, {where}: {about}"]
        cells: dict[str, dict[str, str]] = {}
        for row in rows.itertuples(index=False):
            name = f"{row.source}-{row.target}"
            mark = "*" if row.p_adjusted < ALPHA else ""
            number = with_interval(row.value, row.low, row.high, "+" if compare else "")
            cells.setdefault(row.metric, {})[name] = f"{number}{mark} {row.layers}"
        names = list(dict.fromkeys(name for column in cells.values() for name in column))
        for start in range(0, len(cells), COLUMNS):
            block = {view.label(metric): cells[metric] for metric in list(cells)[start : start + COLUMNS]}
            lines += _aligned(
                [
                    ["", *block],
                    *([name, *(column.get(name, "") for column in block.values())] for name in names),
                ]
            )
        print("\n".join(lines), file=sys.stderr)


def _aligned(rows: list[list[str]]) -> list[str]:
    """Lines whose cells begin at the same columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
