"""Inside the demo family: `python analyses/inside.py` writes figures/inside.*.

Needs the checkpoints of `make demo`. 200 held-out phrasebook sentences in seven languages, half to select neurons and directions,
half to measure effects; 5% of all neurons are selected as language-specific. The figure shows the language of the tokens each layer
predicts (logit lens), mean over the texts of six languages.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go

from repalign import ParallelCorpus
from repalign.figures import export
from repalign.figures.style import DASHES, THEMES, styles
from repalign.inside.run import look_inside
from repalign.report.inside import inside_in_words
from repalign.results.inside import Inside

FAMILY = ("base", "alpaca", "x-llama-zh", "m-llama")
ROOT = Path(__file__).parents[1]
KINDS = {"own": "same-language", "English": "English"}
"""Keys of the curves -> labels."""


def main() -> None:
    corpus = ParallelCorpus.named("phrasebook").select(limit=200)
    inside = look_inside(FAMILY, corpus, share=0.05, dtype="float32")
    probabilities = by_layer(inside)
    words = inside_in_words(inside)
    figures = {
        "logit lens": {name: probabilities[name].round(4).to_dict("list") for name in FAMILY},
        "neurons": effects(inside, "neurons", ["checkpoint", "of", "language", "outcome"]),
        "subspace": effects(inside, "subspace", ["checkpoint", "layer", "outcome"]),
        "steering": effects(inside, "steering", ["checkpoint", "layer", "outcome"]),
        "words": words,
        "signatures": inside.signatures,
        "settings": inside.settings,
    }
    (ROOT / "figures" / "inside.json").write_text(json.dumps(figures, indent=1) + "\n")
    export(picture(probabilities), ROOT / "docs" / "pictures" / "inside.svg")
    print(*(line for lines in words.values() for line in lines), sep="\n")


def by_layer(inside: Inside) -> dict[str, pd.DataFrame]:
    """Probability of same-language ("own") and of English tokens [layer] by checkpoint, mean over other languages' texts."""
    lens = inside.tables["lens"]
    other = lens[(lens["measure"] == "probability") & (lens["language"] != "en")]
    kinds = {"own": other[other["toward"] == other["language"]], "English": other[other["toward"] == "en"]}
    means = {
        kind: rows.groupby(["checkpoint", "layer"])["value"].mean().unstack(0) for kind, rows in kinds.items()
    }
    return {name: pd.DataFrame({kind: table[name] for kind, table in means.items()}) for name in FAMILY}


def effects(inside: Inside, kind: str, by: list[str]) -> list[dict]:
    """Mean effect and mean control, and the number of rows ("sure") that differ significantly from their control."""
    rows = inside.tables["interventions"].query("intervention == @kind")
    rows = rows.assign(sure=rows["p_adjusted"] < 0.05, rows=1)
    summed = rows.groupby(by, sort=False).agg(
        value=("value", "mean"), control=("control", "mean"), sure=("sure", "sum"), rows=("rows", "sum")
    )
    return json.loads(summed.round(4).reset_index().to_json(orient="records"))


def picture(probabilities: dict[str, pd.DataFrame]) -> go.Figure:
    lines = [
        go.Scatter(
            x=table.index,
            y=table[kind],
            name=f"{name}, {KINDS[kind]} tokens",
            mode="lines+markers",
            line={"color": style.colour, "dash": dash},
            marker={"symbol": style.symbol, "size": 7},
        )
        for (name, table), style in zip(probabilities.items(), styles(probabilities).values(), strict=True)
        for kind, dash in zip(("own", "English"), DASHES, strict=False)
    ]
    axes = {"xaxis_title": "layer", "yaxis_title": "probability of the next token", "yaxis_range": [0, 1]}
    return go.Figure(
        lines, {"template": THEMES["paper"], "legend": {"y": -0.3, "yref": "paper", "yanchor": "top"}}
    ).update_layout(axes)


if __name__ == "__main__":
    main()
