"""Language against meaning, by layer: how far the states tell languages apart, and how far sentences."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from repalign.figures.lines import by_name, span
from repalign.figures.style import styles

if TYPE_CHECKING:
    from repalign.figures.view import View

LABELS = {
    "silhouette_language": "by language (silhouette)",
    "silhouette_sentence": "by sentence (silhouette)",
    "probe_accuracy": "language probe, accuracy",
    "probe_selectivity": "language probe, above its control",
}


def choices(view: View) -> list[dict]:
    return view.choices("identity", "checkpoint", "variant")


def draw(view: View, *, checkpoint: str, variant: str) -> dict:
    everywhere = view.rows("identity", variant=variant)
    everywhere = everywhere[everywhere["language"].isna()]
    rows = everywhere[everywhere["checkpoint"] == checkpoint]
    rows = rows.assign(measure=rows["measure"].map(lambda name: LABELS.get(name, name)))
    columns = [everywhere[column].dropna() for column in ("value", "low", "high")]
    return {
        "data": by_name(rows, "measure", styles(rows["measure"].unique())),
        "layout": {
            "xaxis": {"title": {"text": "layer"}},
            "yaxis": {
                "title": {"text": escape(f"states sorted, {variant}")},
                "range": span(*columns, beyond=0.04),
            },
        },
    }
