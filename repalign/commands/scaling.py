"""`repalign scaling`: how a score grows with sentence pairs, and how to spend a budget of them."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from repalign.commands.options import natural, positive, say
from repalign.errors import RepalignError
from repalign.files import write_atomically


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="fit|allocate", required=True)
    fit = actions.add_parser("fit", help="fit the law to a table of runs: fit.json and a page")
    fit.add_argument("runs", type=Path, help=".parquet or .csv, a row a run: language, pairs, seed, score; "
                     "<score>_low and <score>_high are its 95%% interval")  # fmt: skip
    fit.add_argument("--score", metavar="COLUMN", help="which score; default: score, else chrf")
    fit.add_argument("--top", type=float, metavar="S", help="greatest score there can be; default: 1 or 100")
    fit.add_argument(
        "--form",
        metavar="F",
        help="default: the power law that sizes left out speak for; `?` lists the forms",
    )
    fit.add_argument(
        "--draws", type=positive, default=200, metavar="N", help="of the bootstrap (default 200)"
    )
    fit.add_argument("--seed", type=natural, default=0)
    spend = actions.add_parser("allocate", help="split a budget: allocation.json and a page")
    spend.add_argument("fit", type=Path, help="the fit.json that `repalign scaling fit` wrote")
    spend.add_argument("--budget", type=float, required=True, metavar="N", help="sentence pairs in all")
    spend.add_argument(
        "--available", type=named_numbers, metavar="L=N,...", help="pairs there are, e.g. zh=20000,tr=5000"
    )
    spend.add_argument(
        "--objective", default="mean", metavar="O", help="mean (default), min, or weights: zh=2,tr=1"
    )
    for action in (fit, spend):
        action.add_argument("--out", type=Path, metavar="FOLDER", help="where to; default: beside the input")


def named_numbers(text: str) -> dict[str, float]:
    """`zh=2,tr=1` as a mapping."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    try:
        return {name.strip(): float(value) for name, _, value in pairs}
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected LANGUAGE=NUMBER,..., e.g. zh=20000,tr=5000; got {text!r}"
        ) from None


def run(args: argparse.Namespace) -> list[Path]:
    return {"fit": _fit, "allocate": _allocate}[args.action](args)


def _fit(args: argparse.Namespace) -> list[Path]:
    from repalign.report.scaling import render_scaling
    from repalign.scaling import read_runs
    from repalign.scaling.study import save, study

    found = study(read_runs(args.runs, args.score, args.top), args.form, args.draws, args.seed)
    folder = args.out or args.runs.parent
    for note in found["notes"]:
        say(note)
    save(found, folder / "fit.json")
    write_atomically(folder / "scaling.html", render_scaling(found).encode())
    return [folder / "fit.json", folder / "scaling.html"]


def _allocate(args: argparse.Namespace) -> list[Path]:
    from repalign.report.scaling import render_scaling
    from repalign.scaling import plan
    from repalign.scaling.study import law_of, load, save

    found = load(args.fit)
    try:
        objective = named_numbers(args.objective) if "=" in args.objective else args.objective
    except argparse.ArgumentTypeError as error:
        raise RepalignError(str(error)) from error
    split = plan(law_of(found), args.budget, args.available, objective)
    folder = args.out or args.fit.parent
    say(split.note)
    said = {"identified": split.identified, "note": split.note, "signature": found["signature"]}
    save({**asdict(split), **said}, folder / "allocation.json")
    page = render_scaling(found, split, args.available)
    write_atomically(folder / "allocation.html", page.encode())
    return [folder / "allocation.json", folder / "allocation.html"]
