"""Where the languages of the demo family align: `python analyses/demo_family.py` writes figures/demo_family.*.

Needs the checkpoints of `make demo`. 200 held-out phrasebook sentences, token mean without BOS, language-centred by the
means of other sentences, strict P@1 averaged over both directions and six languages.

Other checkpoints, into a figure of another name:

    python analyses/demo_family.py --figure demo_mixtures base x-llama-zh-paper x-llama-zh m-llama-paper m-llama
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from repalign import Checkpoint, LayerProfile, ParallelCorpus, Results, extract, profile
from repalign.figures import draw, export

FAMILY = ("base", "alpaca", "x-llama-zh", "m-llama")
FIGURES = Path(__file__).parents[1] / "figures"


def main() -> None:
    parser = argparse.ArgumentParser(description="where the languages of the demo family align")
    parser.add_argument("checkpoints", nargs="*", default=FAMILY)
    parser.add_argument("--figure", default="demo_family")
    args = parser.parse_args()
    corpus = ParallelCorpus.named("phrasebook").select(limit=200)
    states = [extract(Checkpoint.named(name), corpus) for name in args.checkpoints]
    scores = profile(states, pivot="en", metrics=["p_at_1", "mexa", "cka"], variants=["centred"])
    figures: dict[str, Any] = by_language(scores, "p_at_1") | {"chance": 1 / len(corpus)}
    write(args.figure, "demo family", scores, figures)
    for name in args.checkpoints:
        print(f"{name:16} mean {shown(figures['mean'][name])}   zh {shown(figures['zh'][name])}")


def by_language(scores: LayerProfile, metric: str) -> dict[str, Any]:
    """Mean of both directions: "mean" (over languages) or a language -> checkpoint -> one value a layer."""
    table = scores.where(metric=metric).table
    ends = zip(table["source"], table["target"], strict=True)
    table["pair"] = [(set(pair) - {"en"}).pop() for pair in ends]
    groups = {"mean": table} | dict(list(table.groupby("pair", sort=False)))
    return {name: _by_layer(rows) for name, rows in groups.items()}


def _by_layer(rows: Any) -> dict[str, list[float]]:
    values = rows.groupby(["checkpoint", "layer"], sort=False)["value"].mean()
    return {name: [round(v, 4) for v in group] for name, group in values.groupby(level=0, sort=False)}


def write(name: str, title: str, scores: LayerProfile, figures: dict[str, Any]) -> None:
    """The numbers with all that decided them, and the picture from checkpoint to checkpoint."""
    FIGURES.mkdir(exist_ok=True)
    figures = figures | {"signatures": scores.signatures, "settings": scores.settings}
    (FIGURES / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n")
    export(draw("series", Results(title, scores), metric="p_at_1"), FIGURES / f"{name}.svg")


def shown(values: list[float]) -> str:
    return " ".join(f"{value:.3f}" for value in values)


if __name__ == "__main__":
    main()
