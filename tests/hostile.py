"""Text that tries to get into a page, and results in which every text is such text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from repalign.figures.names import COLUMNS
from repalign.results.results import Results
from repalign.results.tables import TableSet

HOSTILE = (
    "<script>window.__x = 1</script>",
    "</script><script>window.__x = 2</script>",
    "<img src=x onerror='window.__x = 3'>",
    "<svg onload='window.__x = 4'><a xlink:href='http://evil.test/4'>x</a></svg>",
    '<a href="http://evil.test/5">link</a>',
    "<a href='javascript:window.__x=6'>link</a>",
    "javascript:window.__x=7",
    "\"><iframe src='http://evil.test/8'></iframe>",
    "' onmouseover='window.__x = 9' x='",
    "<!-- <script> -->",
    "]]><b>bold</b><br><sub>sub</sub>",
    "{{ 7 * 7 }}{% raw %}${7 * 7}",
    "%{y} %{customdata[0]} %{fullData.name} %{meta[0]}",
    "$\\text{math}$ $\\href{http://evil.test/14}{x}$",
    "2020-01-01",
    "1e5",
    "007",
    "Infinity",
    "__proto__",
    "constructor",
    "../../etc/passwd",
    "C:\\dir\\\"quoted\"\\'name'",
    "u { } </style><style>* { background: url(http://evil.test/23) }",
    "line\u2028separator\u2029end",
    "over\u202eedirrevo, unclosed \u2066isolate",
    "zero\u200bwidth\ufeff and nul\x00 and bell\x07",
    "not a character \ufffe\U0001ffff, a tag \U000e0041",
    "👩🏽‍🚀🇬🇷🔥, שלום, مرحبا",
    "e" + "\u0301\u0327\u0330" * 400,
    "Z" * 100_000 + "1",
    "Z" * 100_000 + "2",
    "，" * 5_000,
)
"""Of characters that a reader accepts as well as of those that it refuses: a page may be made from results in memory."""

HALF = "half \ud83d of a pair"
"""No table holds it, but a title, a setting or a command may."""


def hostile_names(names: list[str], offset: int) -> dict[str, str]:
    """Each name with a hostile one in its place."""
    return {name: HOSTILE[(offset + place) % len(HOSTILE)] for place, name in enumerate(names)}


def spread(table: pd.DataFrame, column: str, name: str, into: list[str]) -> pd.DataFrame:
    """The rows of one name once for each of several others, and the rest."""
    own = table[table[column].astype(str) == name]
    if own.empty:
        return table
    parts = [table[table[column].astype(str) != name], *(own.assign(**{column: one}) for one in into)]
    return pd.concat(parts, ignore_index=True)


def renamed(saved: Any, names: Mapping[str, str], **settings: Any) -> Any:
    """Results, an evaluation or a look inside under other names, with a hostile title, command and signature."""
    evil = list(names.values())[0]

    def table(rows: pd.DataFrame) -> pd.DataFrame:
        named = [one for one in COLUMNS if one in rows and rows[one].dtype.kind == "O"]
        return rows.assign(**{one: rows[one].astype("string").replace(dict(names)) for one in named})

    def value(entry: Any) -> Any:
        if isinstance(entry, dict):
            return {names.get(key, key): value(one) for key, one in entry.items()}
        return [value(one) for one in entry] if isinstance(entry, list) else names.get(entry, entry) if isinstance(entry, str) else entry

    common = {
        "title": f"{evil} {HALF} {HOSTILE[0]}",
        "tables": {name: table(rows) for name, rows in saved.tables.items()},
        "about": {**value(saved.about), "command": f"repalign {HALF} {' '.join(HOSTILE)}", "note": list(HOSTILE[:8]), **{one: one for one in HOSTILE}},
    }
    if isinstance(saved, TableSet):
        signatures = {names.get(name, name): f"{names.get(name, name)}@1|{evil}#2" for name in saved.signatures}
        return replace(saved, signatures=signatures, settings={**value(saved.settings), **settings}, **common)
    profile = saved.profile
    shown = replace(
        profile,
        table=table(profile.table),
        peaks=None if profile.peaks is None else table(profile.peaks),
        signatures={names.get(name, name): f"{names.get(name, name)}@1|{evil}#2|raw" for name in profile.signatures},
        settings={**value(profile.settings), **settings},
    )
    return replace(saved, profile=shown, **common)


def hostile_results(results: Results, offset: int, languages: int = 11) -> Results:
    """Results whose checkpoints, languages, labels, variants, measures, sentences and settings are hostile."""
    extra = [f"extra {number}" for number in range(languages - 3)]
    columns = {"profile": "target", "controls": "target", "languages": None, "tree": None, "confusions": "target"}

    def more(name: str, rows: pd.DataFrame) -> pd.DataFrame:
        column = columns.get(name, "language")
        return spread(rows, column, "zh", ["zh", *extra]) if column in rows else rows

    profile = results.profile
    outward = profile.table[profile.table["source"] == "en"]
    profile = replace(profile, table=more("profile", outward), peaks=None if profile.peaks is None else more("profile", profile.peaks))
    tables = {name: more(name, rows) for name, rows in results.tables.items()}
    sentences = tables["sentences"]
    tables["sentences"] = sentences.assign(text=[HOSTILE[row % len(HOSTILE)] for row in range(len(sentences))])
    whole = replace(results, profile=profile, tables=tables)
    checkpoints = list(dict.fromkeys([*profile.table["baseline"].dropna(), *profile.table["checkpoint"]]))
    others = [*profile.table["variant"].unique(), *tables["geometry"]["measure"].unique(), "pca"]
    names = hostile_names(["en", "ar", "hi", "zh", *extra], offset) | hostile_names(checkpoints, offset + 15)
    names |= hostile_names([str(name) for name in others], offset + 20)
    labels = {metric: HOSTILE[(offset + place) % len(HOSTILE)] for place, metric in enumerate(profile.table["metric"].unique())}
    return renamed(whole, names, labels=labels)
