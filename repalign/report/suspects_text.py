"""What a list of suspects says, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from repalign.report.findings.words import called, joined, listing
from repalign.results.layer_ranges import layer_ranges

if TYPE_CHECKING:
    import pandas as pd

    from repalign.results.suspects import Suspects

MAX_ROWS = 12
"""Rows that are named in one line."""


def headline(found: Suspects) -> str:
    """How many pairs are suspected, and what most of them seem to be."""
    rows, threshold = found.tables["suspects"], found.settings["threshold"]
    suspected = rows[rows["suspected"]]
    where = f"of {len(rows):,} pairs are suspected to be no translations (score {threshold:g} or more)"
    if suspected.empty:
        return f"None {where}."
    kinds = [f"{kind} {count}" for kind, count in suspected["kind"].value_counts().items()]
    return f"{len(suspected):,} {where}: {', '.join(kinds)}."


def suspects_in_words(found: Suspects) -> dict[str, list[str]]:
    """Sentences of the page, by question."""
    rows = found.tables["suspects"]
    answers = {
        "In which languages?": list(_languages(found)),
        "Source or translation?": list(_sides(rows)),
        "To know": [
            "Ranked by how unusual a pair is in this corpus; no p-value is given, since the tails of translations are not known. "
            "The share of real faults is what a reader finds: judge the list below.",
            *found.settings["notes"],
        ],
    }
    return {question: lines for question, lines in answers.items() if lines}


def by_kind(found: Suspects) -> tuple[list[str], list[list[str]]]:
    """Numbers of suspected rows: columns, a language and every kind that occurs, and a row for each language."""
    rows = found.tables["suspects"]
    suspected = rows[rows["suspected"]]
    kinds = list(suspected["kind"].value_counts().index)
    counts = {language: of["kind"].value_counts() for language, of in suspected.groupby("language")}
    lines = [
        [
            called(language),
            *(str(counts[language].get(kind, 0)) if language in counts else "0" for kind in kinds),
        ]
        for language in found.settings["languages"]
    ]
    return ["Language", *kinds], lines


def _languages(found: Suspects) -> Iterator[str]:
    rows, working = found.tables["suspects"], found.tables.get("working")
    for language in found.settings["languages"]:
        of = rows[rows["language"] == language]
        line = f"{called(language)}: {int(of['suspected'].sum())} of {joined(len(of), 'row')}"
        if working is not None:
            layers = working[(working["language"] == language) & working["works"]]
            line += (
                f"; layers {layer_ranges(layers['layer'].tolist())} count, the best brings {layers['together'].max():.0%} of the pairs "
                f"together"
            )
        yield f"{line}."


def _sides(rows: pd.DataFrame) -> Iterator[str]:
    sources = sorted(set(rows.loc[rows["side"] == "source", "sentence"] + 1))
    if sources:
        named = listing([str(row) for row in sources[:MAX_ROWS]])
        more = f" and {len(sources) - MAX_ROWS} more" if len(sources) > MAX_ROWS else ""
        yield f"Suspected in more than half of the languages, so probably bad sources: {'rows' if len(sources) > 1 else 'row'} {named}{more}."
    if count := int((rows["side"] == "translation").sum()):
        yield f"Suspected in one language only, so probably bad translations: {joined(count, 'row')}."
