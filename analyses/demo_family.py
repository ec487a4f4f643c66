"""Where the demo family's languages meet: `python analyses/demo_family.py` writes figures/demo_family.*.

Needs the checkpoints of `make demo`. 200 held-out phrasebook sentences, token mean without BOS, language-centred by the
means of other sentences, strict P@1 averaged over both directions and six languages.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from repalign import Checkpoint, ParallelCorpus, Results, extract, profile
from repalign.figures import draw, export

FAMILY = ("base", "alpaca", "x-llama-zh", "m-llama")
FIGURES = Path(__file__).parents[1] / "figures"


def main(names: list[str]) -> None:
    corpus = ParallelCorpus.named("phrasebook").select(limit=200)
    states = [extract(Checkpoint.named(name), corpus) for name in names]
    scores = profile(states, source="en", metrics=["p_at_1", "mexa", "cka"], variants=["centred"])
    p_at_1 = scores.where(metric="p_at_1").table
    p_at_1["pair"] = [
        (set(pair) - {"en"}).pop() for pair in zip(p_at_1["source"], p_at_1["target"], strict=True)
    ]
    figures = {
        "mean": by_layer(p_at_1.groupby(["checkpoint", "layer"], sort=False)["value"].mean()),
        "zh": by_layer(
            p_at_1[p_at_1["pair"] == "zh"].groupby(["checkpoint", "layer"], sort=False)["value"].mean()
        ),
        "chance": 1 / len(corpus),
        "signatures": scores.signatures,
        "settings": scores.settings,
    }
    FIGURES.mkdir(exist_ok=True)
    (FIGURES / "demo_family.json").write_text(json.dumps(figures, indent=1) + "\n")
    export(draw("series", Results("demo family", scores), metric="p_at_1"), FIGURES / "demo_family.svg")
    for name in names:
        print(f"{name:12} mean {shown(figures['mean'][name])}   zh {shown(figures['zh'][name])}")


def by_layer(values) -> dict[str, list[float]]:
    return {name: [round(v, 4) for v in group] for name, group in values.groupby(level=0, sort=False)}


def shown(values: list[float]) -> str:
    return " ".join(f"{value:.3f}" for value in values)


if __name__ == "__main__":
    main(sys.argv[1:] or list(FAMILY))
