"""Does the optimal split beat the uniform one? `python analyses/scaling_variants.py` writes figures/scaling_variants.parquet.

One model for all languages of the sweep, tuned from the base on a budget of sentence pairs that is split uniformly, in proportion
to what is available, or optimally by the law fitted in analyses/scaling.py; compared on held-out sentences. Each language's items
are as many as in the sweep, so that only the number of distinct pairs differs. Finished runs are kept.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import pandas as pd
from repalign_training import Recipe, load_recipe, train
from scaling_sweep import APART, ITEMS, RUNS, SETTINGS, aligned, translated

from repalign import Checkpoint, ParallelCorpus, __version__
from repalign.scaling import proportional, uniform
from repalign.writes import write_atomically

OUT = RUNS.with_name("scaling_variants.parquet")
LANGUAGES = ("el", "tr", "zh")
BUDGET = 480
AVAILABLE = {"el": 4000, "tr": 1000, "zh": 500}
"""Assumed for the proportional split: eight times as much Greek as Chinese; no limit is reached."""


def splits(fit: Path) -> dict[str, dict[str, int]]:
    """Split -> pairs by language, even numbers because half of them are for each direction."""
    exact = {"uniform": uniform(LANGUAGES, BUDGET), "proportional": proportional(AVAILABLE, BUDGET)}
    if fit.exists():
        exact["optimal"] = json.loads(fit.read_text())["plan"]["splits"][0]["pairs"]
    return {name: {lang: 2 * round(pairs[lang] / 2) for lang in LANGUAGES} for name, pairs in exact.items()}


def recipe_of(pairs: dict[str, int], seed: int) -> Recipe:
    """The recipe of one model of all languages; its digest identifies the run."""
    terms = []
    for language, count in pairs.items():
        slices = f"[{seed * APART}:{seed * APART + count // 2}]"
        weight = f"{ITEMS / count:.6f}"
        terms += [f"{weight}*translation_{way}{slices}" for way in (f"en-{language}", f"{language}-en")]
    mixture = " + ".join([*terms, "0.02*translation_*"])
    languages = json.dumps(["en", *pairs])
    return load_recipe("m-llama", [f"mixture={mixture}", f"languages={languages}", *SETTINGS], seed)


def run(split: str, pairs: dict[str, int], seed: int) -> list[dict[str, object]]:
    """Train one model, score it in every language, and discard its weights."""
    recipe = recipe_of(pairs, seed)
    with tempfile.TemporaryDirectory(prefix="scaling-") as folder:
        train(recipe, Path(folder))
        checkpoint, rows = Checkpoint.named(folder), []
        for language, count in pairs.items():
            corpus = ParallelCorpus.named("phrasebook", ["en", language])
            scores = translated(checkpoint, corpus, language) | aligned(checkpoint, corpus)
            origin = {"recipe": recipe.digest, "corpus": corpus.digest, "repalign": __version__}
            rows.append(
                {"split": split, "seed": seed, "language": language, "pairs": count, **scores, **origin}
            )
        return rows


def main(args: argparse.Namespace) -> None:
    rows = pd.read_parquet(args.out).to_dict("records") if args.out.exists() else []
    for seed in range(args.seeds):
        for split, pairs in splits(args.fit).items():
            done = {row["recipe"] for row in rows}
            if split not in args.splits or recipe_of(pairs, seed).digest in done:
                continue
            rows += run(split, pairs, seed)
            write_atomically(args.out, pd.DataFrame(rows).to_parquet(index=False))
    table = pd.DataFrame(rows)
    print(table.pivot_table(index="split", columns="language", values="chrf", margins=True).round(2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", nargs="+", default=["uniform", "proportional", "optimal"])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--fit", type=Path, default=RUNS.with_name("scaling.json"))
    parser.add_argument("--out", type=Path, default=OUT)
    main(parser.parse_args())
