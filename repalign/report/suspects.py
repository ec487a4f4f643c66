"""The page of `repalign data suspects`: a list to judge, one self-contained HTML file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from repalign.corpora.languages import language_name
from repalign.figures.names import LONGEST_TEXT, presentable, shortened, visible
from repalign.figures.view import corpus_of
from repalign.report.about import few, made, read
from repalign.report.layout import fill
from repalign.report.suspects_text import by_kind, headline, suspects_in_words
from repalign.results.sparkline import sparkline
from repalign.results.suspects import Suspects
from repalign.signature import digest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["headline", "render_suspects", "suspects_in_words"]

DRAWN = 6.0
"""Standard deviations at the top of a curve; what is beyond is drawn there."""


def render_suspects(found: Suspects) -> str:
    """The page as HTML."""
    judged_as = digest([json.dumps([found.title, found.signatures], sort_keys=True)])[:16]
    found, names = presentable(found)
    items = list(_items(found))
    signatures = found.signatures
    return fill(
        "suspects.html",
        ["figures.js", "suspects.js"],
        {
            "figures": {},
            "height": 0,
            "judged_as": judged_as,
            "suspects": [
                {name: item[name] for name in ("language", "row", "kind", "score")} for item in items
            ],
        },
        names.full,
        with_plotly=False,
        title=found.title,
        about={
            "checkpoint": few(signatures),
            "corpus": corpus_of(signatures),
            "languages": few(found.settings["languages"]),
            "pivot": language_name(found.settings["pivot"]),
            "threshold": f"{found.settings['threshold']:g}",
            **read(signatures),
            **made(signatures.values(), found.about),
        },
        headline=headline(found),
        findings=suspects_in_words(found),
        items=items,
        by_kind=by_kind(found),
        languages=list(dict.fromkeys(item["language"] for item in items)),
        kinds=list(dict.fromkeys(item["kind"] for item in items)),
        command=found.about.get("command"),
        facts=signatures,
    )


def _items(found: Suspects) -> Iterator[dict[str, Any]]:
    """What the page shows of each suspect; rows are numbered from 1, as lines of a file are."""
    rows = found.tables["suspects"].merge(
        found.tables["listed"].drop(columns=["language", "sentence"]), on="rank"
    )
    curves = _curves(found)
    for row in rows.assign(fits=rows["fits"].fillna(-1)).itertuples():
        fits = isinstance(row.fits_text, str) and row.fits >= 0  # missing texts are NA
        yield {
            "rank": row.rank,
            "language": row.language,
            "row": row.sentence + 1,
            "score": round(row.score, 1),
            "suspected": row.suspected,
            "kind": row.kind,
            "side": row.side,
            "evidence": ", ".join(_evidence(row)),
            "curve": curves.get((row.language, row.sentence), ""),
            "pivot_text": _shown(row.pivot_text),
            "text": _shown(row.text),
            "fits": _shown(row.fits_text) if fits else "",
            "fits_row": int(row.fits) + 1 if fits else None,
        }


def _evidence(row: Any) -> Iterator[str]:
    """The pieces of a score, in words."""
    yield f"states {row.meaning:+.1f}"
    yield f"length {row.length:+.1f}"
    if row.number:
        yield f"numbers differ {row.number:.1f}"
    if row.other_language:
        yield f"another language {row.other_language:.1f}"
    yield f"nearest to each other at {row.together} of the layers that count"


def _curves(found: Suspects) -> dict[tuple[str, int], str]:
    """By language and sentence, an SVG of the evidence of the states by layer."""
    table: pd.DataFrame | None = found.tables.get("evidence")
    if table is None:
        return {}
    grouped = table.sort_values("layer").groupby(["language", "sentence"], sort=False)["value"]
    return {(str(language), int(sentence)): sparkline(values.clip(-DRAWN, DRAWN).tolist(), -DRAWN, DRAWN)
            for (language, sentence), values in grouped}  # fmt: skip


def _shown(text: str) -> str:
    return shortened(visible(text), LONGEST_TEXT)
