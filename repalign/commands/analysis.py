"""What `layers` and `compare` share: an analysis in, a folder of results and a page out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from repalign.commands.command_line import recorded
from repalign.commands.options import (
    add_data_options,
    add_output_options,
    add_reading_options,
    checked_output,
    comma_list,
    corpus_for,
    machine,
    natural,
    positive,
    reading_spec,
    resolve,
)
from repalign.corpora.problems import warn
from repalign.errors import RepalignError
from repalign.report.profile_text import print_table

if TYPE_CHECKING:
    from repalign.analysis import Analysis
    from repalign.results.results import Results


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


def run_analysis(args: argparse.Namespace, names: Sequence[str], compare: bool) -> list[Path]:
    """Extract, score, save, draw; all files are written at the end."""
    from repalign.results.results import Stored

    checked_output(args, Stored)
    analysis = request(args, names, compare)
    output = checked_output(args, Stored, analysis.title)
    results = saved(output.folder, analysis.key)
    if results:
        warn(analysis.corpus.name, results.about["manifest"]["problems"])
    else:
        results = analysis.run()
    results.about["command"] = recorded(args.argv)
    print_table(results.profile, compare)
    return results.save(output.folder, args.overwrite, None if args.no_report else lambda: _page(results))


def _page(results: Results) -> str:
    from repalign.report.page import render

    return render(results)


def request(args: argparse.Namespace, names: Sequence[str], compare: bool) -> Analysis:
    """The options of the command line as a request, checked."""
    from repalign.analysis import Analysis, title_of
    from repalign.metrics import DEFAULT_METRICS
    from repalign.scoring.spec import ScoringSpec

    spec = reading_spec(args)
    scoring = ScoringSpec(
        pivot=args.pivot,
        pairs=args.pairs,
        metrics=args.metrics or DEFAULT_METRICS,  # type: ignore[arg-type]
        variants=args.variants,
        controls=args.control,
        probe=args.probe,
        draws=args.draws,
        seed=args.seed,
        reducer=args.reducer,
    )
    on = machine(args)
    checkpoints = resolve(names, train=not args.no_train)
    return Analysis(
        checkpoints=tuple(checkpoints),
        corpus=corpus_for(args, checkpoints),
        spec=spec,
        machine=on,
        scoring=scoring,
        compare=compare,
        title=title_of([checkpoint.name for checkpoint in checkpoints], compare),
        store=not args.no_store,
        stream=args.stream,
    )


def saved(folder: Path, key: str | None) -> Results | None:
    """The results in a folder if they are those requested: a repeated command only redraws the page.

    This needs neither torch nor a tokenizer, whose imports take longer than drawing a page.
    """
    from repalign.results.results import Results

    if key is None or not (folder / "profile.json").is_file():
        return None
    try:
        results = Results.load(folder)
    except RepalignError:  # damaged or of another version: computed again
        return None
    return results if results.about.get("key") == key else None
