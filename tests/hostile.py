"""Text that tries to get into a page, and results in which every text is such text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
from planted_pairs import sample_suspects
from sample_others import sample_evaluation, sample_inside, sample_quantisation

from repalign.figures.names import COLUMNS
from repalign.results.evaluation import Evaluation
from repalign.results.inside import Inside
from repalign.results.quantisation import Quantisation
from repalign.results.results import Results
from repalign.results.suspects import Suspects
from repalign.scaling import Plan, Runs, plan
from repalign.scaling.study import law_of, study

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
"""What a table may hold, whether or not a reader would let it in: results may be made in memory."""

HALF = "half \ud83d of a pair"
"""No table holds it, but a title, a setting or a command may."""


def hostile_results(results: Results, offset: int) -> Results:
    """Sample results of 12 hostile languages, with checkpoints, labels, variants, measures and sentences likewise."""
    extra = [f"extra {number}" for number in range(8)]
    scores, peaks = results.profile.table, results.profile.peaks
    profile = replace(
        results.profile,
        table=_spread(scores[scores["source"] == "en"], "target", extra),
        peaks=_spread(peaks, "target", extra),
    )
    kept = {
        name: rows for name, rows in results.tables.items() if name in ("languages", "tree", "confusions")
    }
    tables = {
        name: _spread(rows, "language", extra) for name, rows in results.tables.items() if name not in kept
    }
    sentences = tables["sentences"]
    tables["sentences"] = sentences.assign(text=_cycle(len(sentences)))
    named = [
        ["en", "ar", "hi", "zh", *extra],
        [name for name in ("base", "alpaca", "m-llama") if name in set(scores["checkpoint"])],
        [*scores["variant"].unique(), "pca", *tables["geometry"]["measure"].unique()],
    ]
    labels = dict(zip(scores["metric"].unique(), _cycle(9, offset), strict=False))
    return _renamed(replace(results, profile=profile, tables=kept | tables), named, offset, labels=labels)


def hostile_evaluation(offset: int) -> Evaluation:
    """The sample evaluation in all hostile languages, with checkpoints, questions, answers and notes likewise."""
    evaluation, extra = sample_evaluation(), [f"extra {number}" for number in range(len(HOSTILE) - 5)]
    tables = {
        name: reduce(lambda rows, column: _spread(rows, column, extra), ("language", "asked"), rows)
        for name, rows in evaluation.tables.items()
    }
    answers = tables["answers"]
    texts = {
        column: _cycle(len(answers), place)
        for place, column in enumerate(("instruction", "input", "reference", "answer"))
    }
    tables["answers"] = answers.assign(**texts)
    named = [["en", "ar", "el", "hi", "zh", *extra], ["alpaca", "m-llama"], ["mexa", "exact"]]
    truncated = {"alpaca": {"questions": {"zh": 3}}}
    whole = replace(evaluation, tables=tables)
    return _renamed(whole, named, offset, notes=list(HOSTILE), truncated=truncated)


def hostile_inside(offset: int) -> Inside:
    """The sample look inside in 11 hostile languages, with the checkpoint and notes likewise."""
    inside, extra = sample_inside("m"), [f"extra {number}" for number in range(8)]
    tables = {
        name: reduce(lambda rows, column: _spread(rows, column, extra), ("language", "toward", "of"), rows)
        for name, rows in inside.tables.items()
    }
    languages = ["en", "ar", "zh", *extra]
    checkpoint = {"tokens": dict.fromkeys(languages, 7), "notes": list(HOSTILE)}
    settings = {"languages": languages, "checkpoints": {"m": checkpoint}}
    return _renamed(replace(inside, tables=tables), [languages, ["m"]], offset, **settings)


def hostile_suspects(offset: int) -> Suspects:
    """The sample list of suspects in hostile languages, its texts and notes likewise."""
    found = sample_suspects(top=len(HOSTILE))
    listed = found.tables["listed"]
    columns = ("pivot_text", "text", "fits_text")
    texts = {name: _cycle(len(listed), offset + place) for place, name in enumerate(columns)}
    whole = replace(found, tables={**found.tables, "listed": listed.assign(**texts)})
    return _renamed(
        whole, [["en", "el", "zh", "tr"], ["m"]], offset, notes=list(HOSTILE), pivot=HOSTILE[offset]
    )


def hostile_quantisation(offset: int) -> Quantisation:
    """The sample versions in 11 hostile languages, with checkpoints and notes likewise."""
    quantised, extra = sample_quantisation(), [f"extra {number}" for number in range(8)]
    tables = {
        name: reduce(lambda rows, column: _spread(rows, column, extra), ("language", "target"), rows)
        for name, rows in quantised.tables.items()
    }
    languages = ["en", "ar", "zh", *extra]
    named = [languages, ["bf16", "q8", "q2"]]
    return _renamed(
        replace(quantised, tables=tables), named, offset, languages=languages, notes=list(HOSTILE)
    )


def hostile_study(offset: int) -> tuple[dict[str, Any], Plan, dict[str, float]]:
    """A scaling study of 8 hostile languages and a hostile score, its plan, and what is available."""
    languages = _cycle(8, offset)
    sizes = (250, 500, 1000, 2000, 4000)
    pairs = np.tile(np.array(sizes, float), len(languages))
    score = 72 - np.repeat(100 + 20 * np.arange(len(languages)), len(sizes)) * pairs**-0.45
    noise = np.random.default_rng(0).normal(size=len(score))
    codes = tuple(np.repeat(np.array(languages, object), len(sizes)))
    made = study(
        Runs(codes, pairs, score + noise, np.zeros(len(score)), name=HOSTILE[offset]), "power", draws=5
    )
    available = {languages[0]: 900.0}
    return made, plan(law_of(made), 6000, available), available


def _cycle(count: int, offset: int = 0) -> list[str]:
    return [HOSTILE[(offset + place) % len(HOSTILE)] for place in range(count)]


def _spread(rows: pd.DataFrame, column: str, others: Iterable[str]) -> pd.DataFrame:
    """The rows of "zh" once more for each of other languages."""
    if column not in rows:
        return rows
    own = rows[rows[column].astype("string") == "zh"]
    return pd.concat([rows, *(own.assign(**{column: one}) for one in others)], ignore_index=True)


def _renamed(saved: Any, named: list[list[str]], offset: int, **settings: Any) -> Any:
    """Results with hostile names for lists of names, and a hostile title, command, signature and metadata."""
    names = {}
    for place, group in enumerate(named):
        names |= dict(zip(group, _cycle(len(group), offset + 13 * place), strict=True))
    evil = HOSTILE[offset]
    profile = getattr(saved, "profile", saved)
    shown = {
        "title": f"{evil} {HALF} {HOSTILE[0]}",
        "tables": {name: _table(rows, names) for name, rows in saved.tables.items()},
        "about": {
            **_value(saved.about, names),
            "command": f"repalign {HALF} {' '.join(HOSTILE)}",
            **{text: text for text in HOSTILE},
        },
    }
    signatures = {
        names.get(name, name): f"{names.get(name, name)}@1|{evil}#2|raw" for name in profile.signatures
    }
    decided = {"signatures": signatures, "settings": _value({**profile.settings, **settings}, names)}
    if profile is saved:
        return replace(saved, **decided, **shown)
    peaks = _table(profile.peaks, names)
    return replace(
        saved, profile=replace(profile, table=_table(profile.table, names), peaks=peaks, **decided), **shown
    )


def _table(rows: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    columns = [one for one in COLUMNS if one in rows and rows[one].dtype.kind == "O"]
    return rows.assign(**{one: rows[one].astype("string").replace(dict(names)) for one in columns})


def _value(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(key, key): _value(entry, names) for key, entry in value.items()}
    if isinstance(value, list):
        return [_value(entry, names) for entry in value]
    return names.get(value, value) if isinstance(value, str) else value
