"""Short representations of results for notebooks and terminals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results.table import Table

SHOWN = 5
"""Names listed of many."""

LONGEST = 24
"""Characters of a name."""

ROOM = 280
"""Characters of a `repr`."""

AS_TEXT = "tex2jax_ignore mathjax_ignore"
"""HTML classes by which a notebook leaves `$...$` as it is: MathJax would make links of `\\href` in it."""


def shortened(text: str, longest: int = LONGEST) -> str:
    """
    >>> shortened("a name that nobody would want to read", 8)
    'a name …'
    """
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def few(names: Iterable[object]) -> str:
    """Distinct names; only the first few if there are many.

    >>> few(["el", "en", "el"]), few("abcdefg")
    ('el, en', 'a, b, c, d, e and 2 more')
    """
    distinct = list(dict.fromkeys(map(str, names)))
    more = f" and {len(distinct) - SHOWN} more" if len(distinct) > SHOWN else ""
    return ", ".join(map(shortened, distinct[:SHOWN])) + more


def heading(title: str) -> str:
    """HTML: a title of bounded length."""
    return f'<h3 class="{AS_TEXT}">{escape(shortened(title, 160))}</h3>'


def listed(tables: Mapping[str, pd.DataFrame], known: Mapping[str, Table]) -> str:
    """HTML: the tables, their contents and numbers of rows."""
    rows = "".join(
        f"<tr><td><code>{name}</code></td><td>{escape(known[name].about)}</td><td>{len(table):,} rows</td></tr>"
        for name, table in tables.items()
    )
    return f"<table>{rows}</table>" if rows else ""


def as_html(table: pd.DataFrame, index: bool = False) -> str:
    """HTML of a table, its text escaped, with at most 40 rows, its names cut."""
    cut = table.rename(index=_cut, columns=_cut)
    return cut.to_html(
        index=index,
        float_format="{:.3f}".format,
        formatters={"p_adjusted": _probability},
        max_rows=40,
        na_rep="",
        classes=AS_TEXT.split(),
    )


def _probability(p: float) -> str:
    return "< .001" if p < 0.001 else f"{p:.3f}" if p == p else ""


def _cut(name: object) -> object:
    return shortened(name, 50) if isinstance(name, str) else name
