"""What `layers` and `compare` share: states in, a folder of results and a page out."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from repalign.commands.options import (
    add_data_options,
    add_output_options,
    add_reading_options,
    comma_list,
    natural,
    output_folder,
    positive,
    reading_options,
    say,
)
from repalign.commands.scoring import VERSIONED, score
from repalign.errors import RepalignError, unknown
from repalign.report.profile_text import print_table
from repalign.signature import digest

if TYPE_CHECKING:
    from repalign.checkpoints import Checkpoint
    from repalign.corpora import ParallelCorpus
    from repalign.results.results import Results

CONTROLS = ("random", "unshared")


def add_analysis_options(parser: argparse.ArgumentParser) -> None:
    add_data_options(parser)
    add_reading_options(parser)
    group = parser.add_argument_group("scores")
    group.add_argument(
        "--pivot", default="en", metavar="L", help="language the others are compared with (default: en)"
    )
    group.add_argument(
        "--pairs", default="pivot", choices=["pivot", "all"], help="only with the pivot, or all pairs"
    )
    group.add_argument(
        "--metrics", type=comma_list, metavar="M,M", help="see `repalign list metrics`, or FILE.py:NAME"
    )
    group.add_argument(
        "--variants", type=comma_list, default=["raw", "centred"], metavar="V,V", help="default: raw,centred"
    )
    group.add_argument("--control", type=comma_list, default=[], metavar="C,C", help="further controls, each a pass over the model: "
                       "random (a twin with random weights), unshared (without tokens that translations share); "
                       "shared tokens and length are always controlled for")  # fmt: skip
    group.add_argument("--probe", action="store_true", help="also train language probes (slow at many dims)")
    group.add_argument("--draws", type=positive, default=1000, help="bootstrap draws (default: 1000)")
    group.add_argument("--seed", type=natural, default=0)
    add_output_options(parser).add_argument(
        "--reducer", default="pca", help="map of the semantic space: pca (default), umap, tsne, mds"
    )


def run_analysis(
    args: argparse.Namespace,
    checkpoints: Sequence[Checkpoint],
    corpus: ParallelCorpus,
    title: str,
    compare: bool,
) -> list[Path]:
    """Extract, score, draw, save; the folder gets its files at the end, each whole."""
    out = output_folder(args, title)
    if (results := saved(args, checkpoints, corpus, out)) is None:
        check_names(args, corpus)
        from repalign.models.loading import one_base
        from repalign.states.extraction import extract

        with one_base():
            states = [
                extract(ckpt, corpus, pooling=args.pooling, **reading_options(args)) for ckpt in checkpoints
            ]
        say(
            f"scoring {len(states[0].layers)} layers x {len(corpus.languages)} languages x {states[0].sentences} sentences"
        )
        results = score(args, checkpoints, states, title, compare)
        results.about["key"] = fingerprint(args, checkpoints, corpus)
    print_table(results.profile, compare)
    paths = results.save(out)
    if not args.no_report:
        from repalign.report import Report

        paths.append(Report(results).write(out / "report.html"))
    return paths


def saved(
    args: argparse.Namespace, checkpoints: Sequence[Checkpoint], corpus: ParallelCorpus, out: Path
) -> Results | None:
    """The results in a folder when they are just those asked for: the same command again only draws again.

    Known without torch or a tokenizer, which take longer to import than a page to draw.
    """
    from repalign.results.results import Results

    if not (out / "profile.json").is_file():
        return None
    try:
        results = Results.load(out)
    except RepalignError:  # damaged or of another version: made anew
        return None
    return results if results.about.get("key") == fingerprint(args, checkpoints, corpus) else None


def fingerprint(args: argparse.Namespace, checkpoints: Sequence[Checkpoint], corpus: ParallelCorpus) -> str:
    """SHA-256 over all that decides the results: command, weights, text, options, and the code that reads and scores."""
    from repalign.models.loading import locate

    located = [locate(checkpoint) for checkpoint in checkpoints]
    read = [part for w in located for part in (w.checkpoint.name, w.digest, w.tokenizer_digest)]
    no_matter = {"run", "argv", "out", "no_report", "no_train", "ckpt", "baseline", "checkpoint"}
    options = {name: value for name, value in vars(args).items() if name not in no_matter}
    package = Path(__file__).parents[1]
    own = (Path(name.partition(":")[0]) for name in args.metrics or ())
    files = [
        *(path for path in own if path.suffix == ".py" and path.is_file()),
        *sorted(package.rglob("*.py")),
    ]
    code = (path.read_bytes() for path in files)
    asked = (args.argv[0], json.dumps(options, sort_keys=True, default=str))
    return digest([*read, corpus.digest, *asked, *(version(name) for name in VERSIONED), *code])


def check_names(args: argparse.Namespace, corpus: ParallelCorpus) -> None:
    """Near misses are told before a model is loaded.

    Raises:
        RepalignError: an unknown metric, variant, reducer or pivot, or a corpus of one language.
    """
    from repalign.maps.reducers import REDUCERS
    from repalign.metrics import find
    from repalign.scoring.variants import variant

    if len(corpus.languages) < 2:
        raise RepalignError(
            f"one language ({', '.join(corpus.languages)}) cannot be aligned with itself; give two or more in --langs"
        )
    for name in args.metrics or ():
        find(name)
    for name in args.variants:
        variant(name)
    if args.stream and (args.control or args.probe):
        raise RepalignError("--stream writes the scores only; leave out --control and --probe, or --stream")
    for name in args.control:
        if name not in CONTROLS:
            raise unknown("control", name, CONTROLS)
    REDUCERS[args.reducer]
    corpus.select([args.pivot])
