"""Inside the demo family: `python analyses/inside.py` writes figures/inside.*.

Needs the checkpoints of `make demo`. 200 held-out phrasebook sentences in seven languages, half of them to choose, half to
measure; 5% of all neurons are taken for language-specific. The picture: of which language the words are that each layer would
say next (logit lens), mean over the texts of six languages.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go

from repalign import Checkpoint, ParallelCorpus
from repalign.figures import export
from repalign.figures.style import DASHES, THEMES, styles
from repalign.inside.run import look_inside
from repalign.report.inside import inside_in_words
from repalign.results.inside import Inside

FAMILY = ("base", "alpaca", "x-llama-zh", "m-llama")
FIGURES = Path(__file__).parents[1] / "figures"


def main() -> None:
    corpus = ParallelCorpus.named("phrasebook").select(limit=200)
    found = look_inside([Checkpoint.named(name) for name in FAMILY], corpus, share=0.05, dtype="float32")
    shares = by_layer(found)
    words = inside_in_words(found)
    figures = {
        "logit lens": {name: shares[name].round(4).to_dict("list") for name in FAMILY},
        "neurons": changes(found, "neurons", ["checkpoint", "of", "language", "outcome"]),
        "subspace": changes(found, "subspace", ["checkpoint", "layer", "outcome"]),
        "steering": changes(found, "steering", ["checkpoint", "layer", "outcome"]),
        "words": words,
        "signatures": found.signatures,
        "settings": found.settings,
    }
    (FIGURES / "inside.json").write_text(json.dumps(figures, indent=1) + "\n")
    export(picture(shares), FIGURES / "inside.svg")
    print(*(line for lines in words.values() for line in lines), sep="\n")


def by_layer(found: Inside) -> dict[str, pd.DataFrame]:
    """Probability of own and of English words [layer], mean over texts in other languages, by checkpoint."""
    lens = found.tables["lens"]
    other = lens[(lens["measure"] == "probability") & (lens["language"] != "en")]
    kinds = {"own": other[other["toward"] == other["language"]], "English": other[other["toward"] == "en"]}
    means = {
        kind: rows.groupby(["checkpoint", "layer"])["value"].mean().unstack(0) for kind, rows in kinds.items()
    }
    return {name: pd.DataFrame({kind: table[name] for kind, table in means.items()}) for name in FAMILY}


def changes(found: Inside, kind: str, by: list[str]) -> list[dict]:
    """Mean change and mean control, with how many rows are surely unlike their control."""
    rows = found.tables["interventions"].query("intervention == @kind")
    rows = rows.assign(sure=rows["p_adjusted"] < 0.05, rows=1)
    summed = rows.groupby(by, sort=False).agg(
        value=("value", "mean"), control=("control", "mean"), sure=("sure", "sum"), rows=("rows", "sum")
    )
    return json.loads(summed.round(4).reset_index().to_json(orient="records"))


def picture(shares: dict[str, pd.DataFrame]) -> go.Figure:
    lines = [
        go.Scatter(
            x=table.index,
            y=table[kind],
            name=f"{name}, {kind} words",
            mode="lines+markers",
            line={"color": look.colour, "dash": dash},
            marker={"symbol": look.symbol, "size": 7},
        )
        for (name, table), look in zip(shares.items(), styles(shares).values(), strict=True)
        for kind, dash in zip(("own", "English"), DASHES, strict=False)
    ]
    axes = {"xaxis_title": "layer", "yaxis_title": "probability of the next word", "yaxis_range": [0, 1]}
    return go.Figure(
        lines, {"template": THEMES["paper"], "legend": {"y": -0.3, "yref": "paper", "yanchor": "top"}}
    ).update_layout(axes)


if __name__ == "__main__":
    main()
