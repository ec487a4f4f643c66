"""What `layers` and `compare` share: an analysis in, a folder of results and a page out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repalign.commands.checkpoints import check_languages
from repalign.commands.command_line import recorded
from repalign.commands.options import (
    add_data_options,
    add_draws,
    add_output_options,
    add_pivot,
    add_reading_options,
    check_pivot,
    checked_output,
    chosen_store,
    corpus_for,
    machine,
    reading_spec,
    resolve,
)
from repalign.commands.outcome import Outcome, records
from repalign.commands.parser import Parser, add_list
from repalign.corpora.problems import warn
from repalign.errors import RepalignError
from repalign.report.profile_text import table_lines

if TYPE_CHECKING:
    from repalign.analysis import Analysis
    from repalign.results.drawn import Drawn
    from repalign.results.results import Results


def add_analysis_options(parser: Parser) -> None:
    add_data_options(parser)
    add_reading_options(parser)
    group = add_score_options(parser)
    add_list(group, "--control", metavar="C", default=[], help="further controls, each a pass over the model: "
             "random (a twin with random weights), unshared (without tokens that translations share); "
             "shared tokens and length are always controlled for; default: none")  # fmt: skip
    group.add_argument("--probe", action="store_true", help="also train language probes (slow at many dims)")
    add_output_options(parser).add_argument(
        "--reducer",
        default="pca",
        metavar="R",
        help="map of the semantic space: pca (default), umap, tsne, mds",
    )


def add_score_options(parser: Parser) -> argparse._ArgumentGroup:
    """What decides scores beside the states. Returns the group, to which a command may add options."""
    group = parser.add_argument_group("scores")
    add_pivot(group, "language the others are compared with (default: en)")
    group.add_argument(
        "--pairs",
        default="pivot",
        choices=["pivot", "all"],
        help="only with the pivot (default), or all pairs",
    )
    add_list(group, "--metrics", metavar="M", help="names or labels, such as mexa P@1, see `repalign list metrics`, or "
             "FILE.py:NAME; default: cka mexa p_at_1 anc mutual_knn cosine_gap")  # fmt: skip
    add_list(group, "--variants", metavar="V", default=["raw", "centred"], help="of the states: raw, centred, standardised, "
             "no-outlier-dims, no-top-pcs, length-matched, length-partialled, joined by +; default: raw centred")  # fmt: skip
    add_draws(group)
    parser.checks.append(check_languages)
    return group


def run_analysis(args: argparse.Namespace, compare: bool) -> Outcome:
    """Extract, score, save, draw; all files are written at the end."""
    from repalign.results.results import Stored

    checked_output(args, Stored)
    analysis = request(args, compare)
    output = checked_output(args, Stored, analysis.title)
    results = saved(output.folder, analysis.key)
    if results:
        warn(analysis.corpus.name, results.about["manifest"]["problems"])
    else:
        results = analysis.run()
    results.about["command"] = recorded(args.argv)
    paths = results.save(output.folder, args.overwrite, None if args.no_report else lambda: _page(results))
    record = described(results, compare) if args.json else None
    return Outcome(table_lines(results.profile, compare), record, paths)


def _page(results: Results) -> Drawn:
    from repalign.report.page import drawn

    return drawn(results)


def described(results: Results, compare: bool) -> dict[str, Any]:
    """What `--json` prints: the sentences of the page, and the best layers (or the largest differences)."""
    from repalign.figures.view import View
    from repalign.report.findings import findings

    view = View(results)
    peaks = "changes" if compare else "peaks"
    return {
        "title": results.title,
        "signatures": results.profile.signatures,
        "settings": results.profile.settings,
        "findings": [{"question": one.question, "text": one.text} for one in findings(view)],
        peaks: records(view.rows(peaks)),
    }


def request(args: argparse.Namespace, compare: bool) -> Analysis:
    """The options of the command line as a request, checked."""
    from repalign.analysis import Analysis
    from repalign.metrics import DEFAULT_METRICS
    from repalign.results.titles import title_of
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
    checkpoints = resolve(args.ckpt, train=not args.no_train)
    corpus = corpus_for(args, checkpoints)
    check_pivot(args, corpus)
    return Analysis(
        checkpoints=tuple(checkpoints),
        corpus=corpus,
        spec=spec,
        machine=on,
        scoring=scoring,
        compare=compare,
        title=title_of([checkpoint.name for checkpoint in checkpoints], corpus.name, compare),
        store=chosen_store(args),
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
