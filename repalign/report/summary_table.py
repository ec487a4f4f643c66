"""The best layers, and the largest changes, as one table for a paper: Markdown, LaTeX (booktabs) or CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repalign.corpora.languages import language_name
from repalign.errors import RepalignError, unknown
from repalign.figures.view import ALPHA, View
from repalign.report.findings.words import layer_ranges, with_interval
from repalign.results.layer_ranges import layer_set
from repalign.results.profile import leading_variant

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results.results import Results

FORMATS = ("md", "latex", "csv")
COLUMNS = ("checkpoint", "baseline", "metric", "variant")
"""Columns by which rows can be selected."""

NUMBERS = ("value", "low", "high", "layers", "chance", "p_adjusted", "sentences")
MARKDOWN = str.maketrans({mark: f"\\{mark}" for mark in "\\|*_`[]<"})


def summary_table(results: Results, form: str, **chosen: str) -> str:
    """The summary of a profile, in the leading variant unless another is chosen.

    Markdown and LaTeX have one row per checkpoint and language and one column per metric: the cross-fitted score of the
    best layer (of a comparison, the largest difference), its interval, and the layers that may be it; an asterisk marks
    an adjusted p below `ALPHA`. CSV has one row per checkpoint, metric and language, with the numbers unrounded.

    Args:
        form: one of `FORMATS`.
        chosen: values of columns in `COLUMNS` that rows must have.

    Raises:
        RepalignError: nothing has such a value, or results of an earlier version have no best layers.
    """
    view = View(results)
    rows = _rows(view, chosen)
    if form == "csv":
        return rows[[*COLUMNS, "source", "target", *NUMBERS]].to_csv(index=False)
    table = _wide(view, rows)
    return _markdown(table) if form == "md" else _latex(table)


def _rows(view: View, chosen: dict[str, str]) -> pd.DataFrame:
    import pandas as pd

    frames = [frame for name in ("peaks", "changes") if len(frame := view.rows(name))]
    if not frames:
        raise RepalignError("no best layers in these results of an earlier version; score them again")
    every = pd.concat(frames, ignore_index=True)
    rows = every
    for column, value in chosen.items():
        known = list(dict.fromkeys(every[column].dropna()))
        if value not in known:
            raise unknown(column, value, known)
        rows = rows[rows[column] == value]
    if rows.empty:
        raise RepalignError(
            f"no best layer has {', '.join(f'{key} {name!r}' for key, name in chosen.items())}"
        )
    if "variant" not in chosen:
        rows = rows[rows["variant"] == leading_variant(rows["variant"])]
    return rows


def _wide(view: View, rows: pd.DataFrame) -> pd.DataFrame:
    """Text: one row per checkpoint and language, one column per metric."""
    import pandas as pd

    cells: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows.itertuples(index=False):
        change = isinstance(row.baseline, str)
        checkpoint = f"{row.checkpoint} over {row.baseline}" if change else str(row.checkpoint)
        number = with_interval(row.value, row.low, row.high, "+" if change else "")
        mark = "*" if row.p_adjusted < ALPHA else ""
        line = cells.setdefault((checkpoint, language_name(str(row.target))), {})
        line[view.axis_label(row.metric)] = f"{number}{mark} ({layer_ranges(layer_set(row.layers))})"
    metrics = list(dict.fromkeys(name for line in cells.values() for name in line))
    table = [[*key, *(line.get(name, "") for name in metrics)] for key, line in cells.items()]
    return pd.DataFrame(table, columns=["Checkpoint", "Language", *metrics])


def _markdown(table: pd.DataFrame) -> str:
    rows = [[str(cell).translate(MARKDOWN) for cell in row] for row in [list(table), *table.values.tolist()]]
    rows.insert(1, ["---"] * len(rows[0]))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _latex(table: pd.DataFrame) -> str:
    style = table.style.format(escape="latex").format_index(escape="latex", axis=1).hide(axis="index")
    return "% \\usepackage{booktabs}\n" + style.to_latex(hrules=True, column_format="l" * len(table.columns))
