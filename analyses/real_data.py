"""Alignment by training on real text: `python analyses/real_data.py --data FOLDER` writes figures/real_data.*.

Trains the four recipes of analyses/real_data (what is finished already stays; a killed run goes on) and measures them,
and their twin with random weights, on the first 1,000 sentences of NTREX-128: token mean without BOS, language-centred
by the means of other sentences, strict P@1 and MEXA in both directions.

The data are not ours to give. FOLDER (or $REPALIGN_DATA) holds, for en ar el hi tr vi zh:
  ntrex/{language}.txt            NTREX-128, one sentence per line; never trained on
  mono/{language}.txt             text, one paragraph per line
  pairs/en-{language}.tsv         sentence pairs, with a column for each of the two languages
  alpaca/{en,vi,zh}.jsonl, instruct_tldr/{ar,hi,tr}.jsonl     instruction, input, output
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from demo_family import by_language, shown, write
from repalign_training import Recipe, load_recipe
from repalign_training.data.dataset import read_parts
from repalign_training.data.leakage import leaked
from repalign_training.family import train_family

from repalign import Checkpoint, LayerProfile, ParallelCorpus, extract, profile
from repalign.checkpoints import Card, random_twin
from repalign.errors import RepalignError

RECIPES = Path(__file__).with_name("real_data")
FAMILY = ("real-base", "real-alpaca", "real-x-llama-zh", "real-m-llama")
LANGUAGES = ("en", "ar", "el", "hi", "tr", "vi", "zh")


def main() -> None:
    parser = argparse.ArgumentParser(description="alignment by training on real text")
    parser.add_argument("--data", type=Path, default=os.environ.get("REPALIGN_DATA", "../shared/data"))
    parser.add_argument("--limit", type=int, default=1000, help="sentences (default: 1000)")
    parser.add_argument(
        "--unshared", action="store_true", help="also without the tokens that translations share"
    )
    parser.add_argument("--jobs", type=int, help="recipes trained at a time (default: one a core)")
    args = parser.parse_args()
    if not (args.data / "ntrex").is_dir():
        raise RepalignError(
            f"no ntrex in {args.data}; give --data the folder that this script's head describes"
        )
    os.environ["REPALIGN_DATA"] = str(args.data.resolve())
    recipes = [load_recipe(str(RECIPES / f"{name}.toml")) for name in FAMILY]
    train_family(recipes, jobs=args.jobs)
    corpus = ParallelCorpus.named(str(args.data / "ntrex"), LANGUAGES)
    checkpoints = [Checkpoint.named(name) for name in FAMILY]
    checkpoints.insert(0, random_twin(checkpoints[0]))  # of all four: they have one shape and one tokenizer
    scored = corpus.select(limit=args.limit)
    scores = measured(checkpoints, scored)
    figures = {
        "p_at_1": by_language(scores, "p_at_1"),
        "mexa": by_language(scores, "mexa"),
        "chance": 1 / len(scored),
        "training": {recipe.name: trained(recipe, corpus) for recipe in recipes},
    }
    if args.unshared:
        ends = measured([checkpoints[0], checkpoints[-1]], scored, unshared=True)
        figures["p_at_1 of unshared tokens"] = by_language(ends, "p_at_1")
    write("real_data", "real data", scores, figures)
    for checkpoint in checkpoints:
        for name, values in figures["p_at_1"].items():
            print(f"{checkpoint.name:18} {name:5} {shown(values[checkpoint.name])}")


def measured(checkpoints: list[Checkpoint], corpus: ParallelCorpus, unshared: bool = False) -> LayerProfile:
    states = [extract(checkpoint, corpus, exclude_shared_tokens=unshared) for checkpoint in checkpoints]
    return profile(states, pivot="en", metrics=["p_at_1", "mexa"], variants=["centred"])


def trained(recipe: Recipe, corpus: ParallelCorpus) -> dict[str, Any]:
    """What a run took, and how many sentences of the corpus share a run of words with its text."""
    card: Any = Card.read(Path(Checkpoint.named(recipe.name).location))
    items = [item for part in read_parts(recipe)[0] for item in part]
    return {
        "tokens": card.tokens,
        "seconds": card.seconds,
        "steps": card.steps,
        "losses": card.losses,
        "leaked": {language: len(seen) for language, seen in leaked(corpus, items).items()},
    }


if __name__ == "__main__":
    try:
        main()
    except RepalignError as error:
        sys.exit(f"real_data: {error}")
