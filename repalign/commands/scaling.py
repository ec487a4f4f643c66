"""`repalign scaling`: how a score grows with sentence pairs, and how to split a budget of them."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from repalign.commands.command_line import recorded
from repalign.commands.options import add_out, add_overwrite_option, given_path, natural, positive, say
from repalign.commands.outcome import Outcome, add_printing_options, aligned
from repalign.commands.parser import Parser
from repalign.errors import RepalignError
from repalign.files import json_bytes
from repalign.report.scaling_text import law_lines, split_lines


def add_arguments(parser: Parser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="fit|allocate", required=True)
    fit = actions.add_parser("fit", help="fit a scaling law to a table of runs; writes fit.json and a page")
    fit.add_examples(
        "repalign scaling fit runs.csv --score chrf",
        "repalign scaling fit runs.parquet --form power --out out/scaling",
        "repalign scaling fit runs.csv --form list",
    )
    fit.add_argument("runs", type=given_path, help=".parquet or .csv with one row per run: language, pairs, seed, "
                     "score; optionally its 95%% interval, <score>_low and <score>_high, and the name of its test set, test")  # fmt: skip
    fit.add_argument("--score", metavar="COLUMN", help="column of the score; default: score, else chrf")
    fit.add_argument(
        "--top",
        type=float,
        metavar="S",
        help="highest possible score; default: 1 if no score is above 1, else 100",
    )
    fit.add_argument(
        "--form",
        metavar="F",
        help="form of the law; default: the one preferred by held-out sizes; `list` lists the forms",
    )
    fit.add_argument(
        "--independent",
        action="store_true",
        help="each run was scored on a test set of its own; default: runs of a language share one (or see column test)",
    )
    fit.add_argument(
        "--draws", type=positive, default=200, metavar="N", help="bootstrap draws (default: 200)"
    )
    fit.add_argument("--seed", type=natural, default=0, metavar="N", help="of the draws (default: 0)")
    spend = actions.add_parser(
        "allocate", help="split a budget over languages; writes allocation.json and a page"
    )
    spend.add_examples(
        "repalign scaling allocate out/scaling/fit.json --budget 100000 --available zh=20000,tr=5000",
        "repalign scaling allocate out/scaling/fit.json --budget 100000 --objective min",
    )
    spend.add_argument("fit", type=given_path, help="the fit.json that `repalign scaling fit` wrote")
    spend.add_argument(
        "--budget", type=float, required=True, metavar="N", help="total number of sentence pairs"
    )
    spend.add_argument(
        "--available",
        type=named_numbers,
        metavar="L=N,...",
        help="pairs available, e.g. zh=20000,tr=5000; default: no limit",
    )
    spend.add_argument(
        "--objective",
        default="mean",
        metavar="O",
        help="score to maximise: mean (default), min, or a weighted mean: zh=2,tr=1",
    )
    parser.add_examples(fit.examples[0], spend.examples[0])
    for action in (fit, spend):
        add_out(action, "folder of results; default: next to the input")
        add_overwrite_option(action)
        add_printing_options(action)


SHOWN = (
    "signature",
    "score",
    "form",
    "formula",
    "about",
    "languages",
    "parameters",
    "choice",
    "fits",
    "forms",
    "notes",
)
"""What `fit --json` prints of a study; fit.json also has the draws and the curves."""


def named_numbers(text: str) -> dict[str, float]:
    """`zh=2,tr=1` as a mapping.

    Raises:
        argparse.ArgumentTypeError: text of another form.
    """
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    try:
        return {name.strip(): float(value) for name, _, value in pairs}
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected LANGUAGE=NUMBER,..., e.g. zh=20000,tr=5000; got {text!r}"
        ) from None


def run(args: argparse.Namespace) -> Outcome:
    return {"fit": _fit, "allocate": _allocate}[args.action](args)


def _fit(args: argparse.Namespace) -> Outcome:
    from repalign.report.scaling import render_scaling
    from repalign.results.folder import Output
    from repalign.scaling import FORMS, read_runs
    from repalign.scaling.study import FIT, save, study

    if args.form == "list":
        forms = {name: {"formula": form.formula, "note": form.note} for name, form in FORMS.items()}
        rows = [(name, form.formula, form.note) for name, form in FORMS.items()]
        return Outcome(list(aligned(rows)), {"forms": forms})
    folder = args.out or args.runs.parent
    runs = read_runs(args.runs, args.score, args.top, args.independent)
    title = f"{runs.name} of {args.runs.name}"
    Output(folder, FIT, title, args.overwrite).check()
    summary = {**study(runs, args.form, args.draws, args.seed), "command": recorded(args.argv)}
    for note in (summary["choice"], *summary["notes"]):
        say(note)
    paths = save(summary, folder, title, args.overwrite, lambda: render_scaling(summary))
    record = {name: summary[name] for name in SHOWN}
    return Outcome(list(law_lines(summary)), {"title": title, **record}, paths)


def _allocate(args: argparse.Namespace) -> Outcome:
    from repalign.report.scaling import render_scaling
    from repalign.results.folder import Output
    from repalign.scaling import plan
    from repalign.scaling.plan import ALLOCATION
    from repalign.scaling.study import law_of, load
    from repalign.signature import today

    summary = load(args.fit)
    title = f"{summary['score']} of {', '.join(summary['languages'])}"
    output = Output(args.out or args.fit.parent, ALLOCATION, title, args.overwrite)
    output.check()
    try:
        objective = named_numbers(args.objective) if "=" in args.objective else args.objective
    except argparse.ArgumentTypeError as error:
        raise RepalignError(str(error)) from error
    allocation = plan(law_of(summary), args.budget, args.available, objective)
    say(allocation.note)
    verdict = {"identified": allocation.identified, "note": allocation.note}
    made = {"date": today(), "command": recorded(args.argv)}
    described = {**asdict(allocation), **verdict, **made, "signature": summary["signature"]}
    paths = output.write(
        {"allocation.json": json_bytes(described)},
        ("allocation.html", lambda: render_scaling({**summary, **made}, allocation, args.available)),
    )
    return Outcome(list(split_lines(allocation, summary["score"])), {"title": title, **described}, paths)
