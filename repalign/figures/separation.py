"""Language or meaning, by layer: how strongly states cluster by language, and how strongly by sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repalign.figures.lines import by_layer, by_name
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
    return view.choices("separation", "checkpoint", "variant")


def draw(view: View, *, checkpoint: str, variant: str) -> dict:
    everywhere = view.rows("separation", variant=variant)
    everywhere = everywhere[everywhere["language"].isna()]
    rows = everywhere[everywhere["checkpoint"] == checkpoint]
    rows = rows.assign(measure=rows["measure"].map(lambda name: LABELS.get(name, name)))
    traces = by_name(rows, "measure", styles(rows["measure"].unique()))
    return by_layer(traces, rows, f"states sorted, {variant}", everywhere)
