"""What `layers` and `compare` share: states in, a folder of results and a page out."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repalign.commands.options import (
    add_data_options,
    add_reading_options,
    comma_list,
    positive,
    reading_options,
    say,
    writable,
)

if TYPE_CHECKING:
    from repalign.checkpoints import Checkpoint
    from repalign.corpora import ParallelCorpus
    from repalign.profiles import LayerProfile
    from repalign.results import Results
    from repalign.states import LayerStates

VERSIONED = ("repalign", "torch", "transformers", "numpy", "scikit-learn")


def add_analysis_options(parser: argparse.ArgumentParser) -> None:
    add_data_options(parser)
    add_reading_options(parser)
    group = parser.add_argument_group("scores")
    group.add_argument("--pivot", default="en", metavar="L", help="language the others are compared with (default: en)")
    group.add_argument("--pairs", default="pivot", choices=["pivot", "all"], help="only with the pivot, or all pairs")
    group.add_argument("--metrics", type=comma_list, metavar="M,M", help="see `repalign list metrics`")
    group.add_argument("--variants", type=comma_list, default=["raw", "centred"], metavar="V,V", help="default: raw,centred")
    group.add_argument("--draws", type=positive, default=1000, help="bootstrap draws (default: 1000)")
    group.add_argument("--seed", type=int, default=0)
    output = parser.add_argument_group("output")
    output.add_argument("--out", type=Path, metavar="DIR", help="folder of results (default: out/NAME)")
    output.add_argument("--reducer", default="pca", help="map of the semantic space: pca (default), umap, tsne, mds")
    output.add_argument("--no-report", action="store_true", help="write the tables only")


def run_analysis(
    args: argparse.Namespace, checkpoints: Sequence[Checkpoint], corpus: ParallelCorpus, title: str, compare: bool
) -> list[Path]:
    """Extract, score, draw, save; the folder gets its files at the end, each whole."""
    out = writable(args.out or Path("out") / title.replace("/", "-").replace(" ", "-"))
    check_names(args, corpus)
    from repalign.extraction import extract

    states = [extract(ckpt, corpus, pooling=args.pooling, **reading_options(args)) for ckpt in checkpoints]
    say(f"scoring {len(states[0].layers)} layers x {len(corpus.languages)} languages x {states[0].sentences} sentences")
    results = score(args, states, title, compare)
    print_table(results.profile, compare)
    paths = results.save(out)
    if not args.no_report:
        from repalign.report import Report

        paths.append(Report(results).write(out / "report.html"))
    return paths


def check_names(args: argparse.Namespace, corpus: ParallelCorpus) -> None:
    """Near misses are told before a model is loaded.

    Raises:
        RepalignError: an unknown metric, variant, pooling, template, reducer or pivot.
    """
    from repalign.metrics import METRICS
    from repalign.reducers import REDUCERS

    for name in args.metrics or ():
        METRICS[name]
    REDUCERS[args.reducer]
    corpus.select([args.pivot])


def score(args: argparse.Namespace, states: Sequence[LayerStates], title: str, compare: bool) -> Results:
    """All tables of a report."""
    from repalign.metrics import DEFAULT
    from repalign.projection import project
    from repalign.results import Results
    from repalign.scoring import contrast, profile

    options: dict[str, Any] = {
        "source": args.pivot,
        "metrics": args.metrics or DEFAULT,
        "variants": args.variants,
        "pairs": args.pairs,
        "draws": args.draws,
        "seed": args.seed,
    }
    scores = profile(states, **options)
    if compare:
        scores = scores.joined(contrast(*states, **options))
    tables = {"map": project(states, reducer=args.reducer, source=args.pivot, seed=args.seed)}
    about = {
        "command": shlex.join(["repalign", *args.argv]),
        "versions": {name: version(name) for name in VERSIONED},
        "manifest": states[0].about,
    }
    return Results(title, scores, tables, about)


def print_table(profile: LayerProfile, compare: bool) -> None:
    """The best layer of each language on stderr; stdout is for the paths."""
    table = profile.table
    rows = table[table["baseline"].notna()] if compare else table[table["baseline"].isna()]
    for (metric, variant), group in rows.groupby(["metric", "variant"], sort=False):
        best = group.loc[group.groupby(["checkpoint", "source", "target"], sort=False)["value"].idxmax()]
        print(f"\n{metric}, {variant}: " + ("largest difference by layer" if compare else "best layer"), file=sys.stderr)
        for row in best.itertuples():
            interval = f"[{row.low:.3f}, {row.high:.3f}]" if row.low == row.low else ""
            print(
                f"  {row.checkpoint:14} {row.source}-{row.target:4} layer {row.layer:2}  {row.value:6.3f} {interval:16} "
                f"{'' if compare else f'chance {row.chance:.3f}':14} p {row.p_adjusted:.3f}",
                file=sys.stderr,
            )
