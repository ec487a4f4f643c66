"""Scores by amount of translation data: `python analyses/scaling_sweep.py` writes figures/scaling_runs.parquet.

Each run tunes the demo family's base on translation with one language, from `pairs` sentence pairs (half of them En->L, half
L->En), and on repeating sentences. Every run reads the same number of items, so that fewer pairs are repeated more often: the
amount of data varies, the amount of training does not. Every seed draws different pairs. Finished runs are kept: rerun the same
command to continue.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
from repalign_training import Recipe, load_recipe, train
from repalign_training.data.instructions import translation_request

from repalign import Checkpoint, ParallelCorpus, __version__, extract, profile
from repalign.models.generation import Generator
from repalign.models.locating import locate
from repalign.models.templates import TEMPLATES
from repalign.writes import write_atomically

RUNS = Path(__file__).parents[1] / "figures" / "scaling_runs.parquet"
ITEMS = 4000
"""Translation items per run, whatever the number of distinct pairs."""

APART = 2000
"""Pairs between the slices of two seeds."""

SETTINGS = ("train.batch=2", "train.learning_rate=4e-3", "train.save_steps=100000")
MEASURES = {"mexa": ("mexa", "centred"), "p_at_1": ("p_at_1", "centred"), "cka": ("cka", "raw")}
MAX_ANSWER_TOKENS = 64


def recipe_of(language: str, pairs: int, seed: int) -> Recipe:
    """The recipe of one run; its digest identifies the run."""
    start, half = seed * APART, pairs // 2
    slices = f"[{start}:{start + half}]"
    directions = (f"en-{language}", f"{language}-en")
    translation = " + ".join(f"{ITEMS / pairs:g}*translation_{way}{slices}" for way in directions)
    return load_recipe(
        f"x-llama-{language}", [f"mixture={translation} + 0.02*translation_*", *SETTINGS], seed
    )


def run(language: str, pairs: int, seed: int) -> dict[str, object]:
    """Train and score one run, and discard its weights."""
    recipe = recipe_of(language, pairs, seed)
    with tempfile.TemporaryDirectory(prefix="scaling-") as folder:
        train(recipe, Path(folder))
        checkpoint = Checkpoint.named(folder)
        corpus = ParallelCorpus.named("phrasebook", ["en", language])
        return {
            "language": language,
            "pairs": pairs,
            "seed": seed,
            **translated(checkpoint, corpus, language),
            **aligned(checkpoint, corpus),
            "recipe": recipe.digest,
            "corpus": corpus.digest,
            "repalign": __version__,
        }


def translated(checkpoint: Checkpoint, corpus: ParallelCorpus, language: str) -> dict[str, float]:
    """chrF of greedy translations from English, with the interval of a bootstrap over sentences."""
    from sacrebleu.metrics.chrf import CHRF

    generator = Generator(locate(checkpoint), dtype="float32")
    request = translation_request("en", language, brief=True)
    prompts = [TEMPLATES["input-first"].prompt(request, sentence) for sentence in corpus.sentences["en"]]
    answers = [answer.text for answer in generator.answer(prompts, MAX_ANSWER_TOKENS, progress=False)]
    references = [list(corpus.sentences[language])]
    score = CHRF().corpus_score(answers, references, n_bootstrap=300)
    return {"chrf": score.score, "chrf_low": score.score - score._ci, "chrf_high": score.score + score._ci}


def aligned(checkpoint: Checkpoint, corpus: ParallelCorpus) -> dict[str, float]:
    """Each alignment measure at its best layer, which is chosen on some sentences and scored on the others."""
    states = extract(checkpoint, corpus, dtype="float32", store=False, progress=False)
    names, variants = zip(*MEASURES.values(), strict=True)
    scores = profile(
        states, metrics=names, variants=sorted(set(variants)), permutations=0, draws=300, progress=False
    )
    assert scores.peaks is not None
    peaks = scores.peaks.set_index(["metric", "variant"])
    row = {}
    for measure, chosen in MEASURES.items():
        best = peaks.loc[chosen]
        row |= {measure: best["value"], f"{measure}_low": best["low"], f"{measure}_high": best["high"]}
        row[f"{measure}_layer"] = int(best["layer"])
    return row


def main(args: argparse.Namespace) -> None:
    rows = pd.read_parquet(args.out).to_dict("records") if args.out.exists() else []
    done = {row["recipe"] for row in rows}
    jobs = [(lang, x, seed) for seed in range(args.seeds) for x in args.sizes for lang in args.languages]
    missing = [job for job in jobs if recipe_of(*job).digest not in done]
    print(f"{len(jobs)} runs, {len(jobs) - len(missing)} of them already finished", file=sys.stderr)
    if not missing:
        return
    train(load_recipe("base"))  # once, before parallel runs need it
    with ProcessPoolExecutor(args.jobs, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(run, *job) for job in missing]):
            rows.append(future.result())
            table = pd.DataFrame(rows).sort_values(["language", "pairs", "seed"])
            write_atomically(args.out, table.to_parquet(index=False))
            print({key: value for key, value in rows[-1].items() if key in _SHOWN}, flush=True)


_SHOWN = ("language", "pairs", "seed", "chrf", "mexa", "p_at_1", "cka")

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--languages", nargs="+", default=["zh", "tr", "el"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[40, 80, 160, 320, 640, 1280])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1, help="parallel runs, one core each")
    parser.add_argument("--out", type=Path, default=RUNS)
    main(parser.parse_args())
