"""What `layers` and `compare` print in the terminal."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from repalign.figures import as_results
from repalign.figures.view import ALPHA, View
from repalign.report.findings.words import with_interval
from repalign.results.profile import leading_variant

if TYPE_CHECKING:
    from repalign.results.profile import LayerProfile

GAP = "  "
"""Between columns."""

LEGEND = {
    False: (
        "value at the best layer, cross-fitted [95%]",
        f"* above chance (adjusted p < {ALPHA:g}), with the layers that may be the best; without *: no evidence of any",
    ),
    True: (
        "largest difference, cross-fitted [95%]",
        f"* significant (adjusted p < {ALPHA:g}), with the layers that may have the largest; without *: no evidence of any",
    ),
}
"""The heading and the explanation of the table, by whether checkpoints are compared."""


def table_lines(profile: LayerProfile, compare: bool) -> list[str]:
    """The best layer (or the largest difference) of each language and metric, in the leading variant.

    The values are those of the page: `View.rows("peaks")`, or "changes". Only a significant one names layers. Metrics
    stand side by side as far as the terminal is wide; more of them follow below.
    """
    view = View(as_results(profile))
    table = view.rows("changes" if compare else "peaks")
    if table.empty:
        return ["no best layers in these results of an earlier version; score them again"]
    variant = leading_variant(table["variant"])
    where = f"{variant}, on {view.corpus}" if view.corpus else variant
    what, legend = LEGEND[compare]
    lines: list[str] = []
    for checkpoint, rows in table[table["variant"] == variant].groupby("checkpoint", sort=False):
        lines.append(f"{checkpoint}, {where}: {what}")
        cells: dict[str, dict[str, str]] = {}
        for row in rows.itertuples(index=False):
            found = row.p_adjusted < ALPHA
            number = with_interval(row.value, row.low, row.high, "+" if compare else "")
            cells.setdefault(view.label(row.metric), {})[f"{row.source}-{row.target}"] = (
                f"{number}* {_at(row.layers)}" if found else number
            )
        lines += side_by_side(cells, shutil.get_terminal_size().columns)
    return [*lines, legend]


def _at(layers: str) -> str:
    """
    >>> _at("5"), _at("0,3-5")
    ('layer 5', 'layers 0,3-5')
    """
    return f"layer{'' if layers.isdecimal() else 's'} {layers}"


def side_by_side(columns: Mapping[str, Mapping[str, str]], width: int) -> Iterator[str]:
    """Lines of a table, in blocks of as many columns as fit.

    Args:
        columns: heading -> name of the row -> cell; a missing cell is empty.
        width: characters of a line; a single column may be wider.
    """
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    first = max(map(len, names), default=0)
    block: list[str] = []
    room = 0
    for heading, column in columns.items():
        needed = len(GAP) + max(len(heading), *map(len, column.values()))
        if block and needed > room:
            yield from _aligned(names, block, columns)
            block = []
        room = (room if block else width - first) - needed
        block.append(heading)
    yield from _aligned(names, block, columns)


def _aligned(
    names: Sequence[str], block: Sequence[str], columns: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    """Lines whose cells begin at the same columns."""
    rows = [["", *block], *([name, *(columns[heading].get(name, "") for heading in block)] for name in names)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
