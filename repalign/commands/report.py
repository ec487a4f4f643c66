"""`repalign report`: redraw a report or a figure from saved results, without a model."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from repalign.commands.options import add_out, given_path, positive
from repalign.commands.outcome import Outcome, add_printing_options, aligned
from repalign.commands.parser import Parser
from repalign.errors import RepalignError
from repalign.figures import FIGURES, FigureModule, draw
from repalign.figures.exporting import FORMATS, exported
from repalign.figures.view import View
from repalign.report.layout import write_page
from repalign.report.redrawing import saved_kinds
from repalign.results.folder import Kind, Output
from repalign.results.paths import write_file
from repalign.results.results import Results

CHOICES = ("checkpoint", "baseline", "metric", "variant", "layer", "measure", "language", "reducer")
"""Fields that select one panel of a figure."""


def add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "results",
        type=given_path,
        metavar="RESULTS",
        help="a folder of results, or the JSON or the page of one of several kinds in it",
    )
    add_out(parser, "file to write; default: in the results folder")
    parser.add_argument(
        "--overwrite", action="store_true", help="also replace a file that is no page of repalign"
    )
    parser.add_argument("--title", metavar="TEXT", help="heading of the report; default: that of the results")
    add_printing_options(parser)
    parser.add_examples(
        "repalign report out/m-llama-on-phrasebook",
        "repalign report out/m-llama-on-phrasebook --figure list",
        "repalign report out/m-llama-on-phrasebook --figure curves --metric mexa --format svg",
        "repalign report out/scaling",
    )
    group = parser.add_argument_group("one figure for a paper instead of the page")
    group.add_argument(
        "--figure", metavar="NAME", help="curves, heatmap, ...; `list` names those of these results"
    )
    group.add_argument("--format", choices=FORMATS, help="default: the suffix of --out, else svg")
    group.add_argument("--width", type=positive, default=700, metavar="PX", help="default: 700")
    group.add_argument("--height", type=positive, metavar="PX", help="default: by figure")
    for choice in CHOICES:
        group.add_argument(f"--{choice}", metavar="X", help="selects one panel if there are several")


def run(args: argparse.Namespace) -> Outcome:
    chosen = [name for name in (*CHOICES, "format") if getattr(args, name) is not None]
    if args.figure is None and chosen:
        raise RepalignError(
            f"{', '.join(f'--{name}' for name in chosen)} selects a panel of a figure; add --figure"
        )
    if args.out and args.out.is_dir():
        raise RepalignError(f"--out {args.out} is a folder; expected the name of a file")
    folder = args.results.parent if args.results.is_file() else args.results
    kinds = saved_kinds(args.results)
    if args.figure is not None:
        if not any(kind.file == "profile.json" for kind in kinds):
            raise RepalignError("--figure needs results of `layers` or `compare`")
        if args.figure == "list":
            figures = {name: _choices(FIGURES[name], View(Results.load(folder))) for name in FIGURES}
            drawn = {name: choices for name, choices in figures.items() if choices is not None}
            rows = [(name, " ".join(options)) for name, options in drawn.items()]
            return Outcome(list(aligned(rows)), {"figures": drawn})
        return Outcome(record={"figure": args.figure}, paths=[_figure(args, folder)])
    if args.out and args.out.suffix.lower() != ".html":
        raise RepalignError(f"--out {args.out}: a page is an .html file; for a figure add --figure")
    if len(kinds) > 1 and (args.out or args.title):
        files = ", ".join(str(folder / kind.file) for kind in kinds)
        raise RepalignError(
            f"{folder} holds results of {len(kinds)} kinds, --out and --title are of one page; choose one of {files}"
        )
    pages = [
        write_page(partial(kind.draw, folder, args.title), args.out or folder / kind.page, args.overwrite)
        for kind in kinds
    ]
    return Outcome(record={}, paths=pages)


def _choices(figure: FigureModule, view: View) -> list[str] | None:
    """The options that select a panel of a figure, or None if these results lack its table."""
    pictures = figure.choices(view)
    return [f"--{name}" for name in pictures[0] if name in CHOICES] if pictures else None


def _figure(args: argparse.Namespace, folder: Path) -> Path:
    chosen = {name: getattr(args, name) for name in CHOICES if getattr(args, name) is not None}
    figure = draw(args.figure, Results.load(folder), **chosen)
    kind = args.format or (args.out.suffix[1:] if args.out else "") or "svg"
    path = (args.out or folder / args.figure).with_suffix(f".{kind}")
    names = frozenset(f"{name}.{format}" for name in FIGURES for format in FORMATS)
    export = partial(exported, figure, path.name, args.width, args.height)
    if path.name in names and path.parent.resolve() == folder.resolve():
        output = Output(folder, Kind("figures", names), "figures", args.overwrite)
        return output.write({path.name: export()}, keep=True)[0]
    return write_file(path, export, args.overwrite)
