"""Language against meaning, by layer: how far the states tell languages apart, and how far sentences."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from repalign.figures import selection
from repalign.figures.lines import band, plain, span
from repalign.figures.style import styles

if TYPE_CHECKING:
    from repalign.results import Results

LABELS = {
    "silhouette_language": "by language (silhouette)",
    "silhouette_sentence": "by sentence (silhouette)",
    "probe_accuracy": "language probe, accuracy",
    "probe_selectivity": "language probe, above its control",
}


def choices(results: Results) -> list[dict]:
    table = results.tables.get("identity")
    return [] if table is None else selection.pictures(table, "checkpoint", "variant")


def draw(results: Results, *, checkpoint: str, variant: str) -> dict:
    table = results.tables["identity"]
    everywhere = selection.where(table[table["language"].isna()], variant=variant)
    rows = selection.where(everywhere, checkpoint=checkpoint)
    looks = styles(rows["measure"].unique())
    traces = [
        trace
        for measure, own in rows.groupby("measure", sort=False)
        for trace in (
            *band(own, measure, looks[measure]),
            plain(own, LABELS.get(measure, measure), looks[measure]) | {"legendgroup": escape(measure)},
        )
    ]
    return {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": "layer"}},
            "yaxis": {
                "title": {"text": escape(f"states sorted, {variant}")},
                "range": span(
                    *(everywhere[column].dropna() for column in ("value", "low", "high")), beyond=0.04
                ),
            },
        },
    }
