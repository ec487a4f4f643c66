"""`repalign report`: redraw a report or a figure from saved results, without a model."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from repalign.commands.options import given_path
from repalign.errors import RepalignError
from repalign.figures import FIGURES, draw
from repalign.figures.exporting import FORMATS, exported
from repalign.report import summary_table
from repalign.report.layout import write_page
from repalign.results.evaluation import Evaluation
from repalign.results.folder import Kind, Output
from repalign.results.inside import Inside
from repalign.results.paths import write_file
from repalign.results.results import Results, Stored
from repalign.results.tables import TableSet

T = TypeVar("T", bound=TableSet)

CHOICES = ("checkpoint", "baseline", "metric", "variant", "layer", "measure", "language", "reducer")
"""Fields that select one panel of a figure."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results", type=given_path, help="a results folder, or the JSON of one of several in it"
    )
    parser.add_argument("--out", type=given_path, help="file to write; default: in the results folder")
    parser.add_argument(
        "--overwrite", action="store_true", help="also replace a file that is no page of repalign"
    )
    parser.add_argument("--title", help="heading of the report")
    group = parser.add_argument_group("one figure for a paper instead of the page")
    group.add_argument("--figure", metavar="NAME", help="curves, heatmap, ...; an unknown name lists them")
    group.add_argument(
        "--format",
        choices=(*FORMATS, *summary_table.FORMATS),
        help="default: the suffix of --out, else svg; "
        f"without --figure, {', '.join(summary_table.FORMATS)} print a table of the best layers",
    )
    group.add_argument("--width", type=int, default=700, metavar="PX", help="default 700")
    group.add_argument("--height", type=int, metavar="PX")
    for choice in CHOICES:
        group.add_argument(f"--{choice}", metavar="X", help="selects one panel if there are several")


def run(args: argparse.Namespace) -> list[Path]:
    if args.figure is None and args.format in summary_table.FORMATS:
        return _table(args)
    chosen = [name for name in (*CHOICES, "format") if getattr(args, name) is not None]
    if args.figure is None and chosen:
        raise RepalignError(
            f"{', '.join(f'--{name}' for name in chosen)} selects a panel of a figure; add --figure"
        )
    if args.out and args.out.is_dir():
        raise RepalignError(f"--out {args.out} is a folder; expected the name of a file")
    folder = args.results.parent if args.results.is_file() else args.results
    kinds = _saved(args.results)
    if args.figure is not None:
        if Stored not in kinds:
            raise RepalignError("--figure needs results of `layers` or `compare`")
        return [_figure(args, folder)]
    if args.out and args.out.suffix.lower() != ".html":
        raise RepalignError(f"--out {args.out}: a page is an .html file; for a figure add --figure")
    if len(kinds) > 1 and (args.out or args.title):
        files = ", ".join(str(folder / f"{kind.kind}.json") for kind in kinds)
        raise RepalignError(
            f"{folder} holds results of {len(kinds)} kinds, --out and --title are of one page; choose one of {files}"
        )
    return [
        write_page(partial(PAGES[kind], folder, args.title), args.out or folder / kind.page, args.overwrite)
        for kind in kinds
    ]


def _saved(path: Path) -> list[type[TableSet]]:
    """The kinds of results in a folder, or the one whose file is given.

    Raises:
        RepalignError: there are none.
    """
    if path.is_file():
        kinds = [kind for kind in PAGES if path.name in (f"{kind.kind}.json", f"{kind.kind}.parquet")]
    else:
        kinds = [kind for kind in PAGES if (path / f"{kind.kind}.json").is_file()]
    if not kinds:
        names = " or ".join(f"{kind.kind}.json" for kind in PAGES)
        raise RepalignError(f"no results in {path}: expected {names} there")
    return kinds


def _table(args: argparse.Namespace) -> list[Path]:
    """Print the best layers, or write them to --out."""
    given = {name: getattr(args, name) for name in CHOICES if getattr(args, name) is not None}
    if unused := given.keys() - set(summary_table.COLUMNS):
        raise RepalignError(f"--{min(unused)} does not select rows of the table of best layers; leave it out")
    folder = args.results.parent if args.results.is_file() else args.results
    if Stored not in _saved(args.results):
        raise RepalignError(f"--format {args.format} needs results of `layers` or `compare`")
    text = summary_table.summary_table(Results.load(folder), args.format, **given)
    if args.out:
        return [write_file(args.out, text.encode, args.overwrite)]
    print(text, end="")
    return []


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


def _profile(folder: Path, title: str | None) -> str:
    from repalign.report import Report
    from repalign.report.page import render

    return render(Report(Results.load(folder), title).results)


def _evaluation(folder: Path, title: str | None) -> str:
    from repalign.report.evaluation import render_evaluation

    return render_evaluation(_titled(Evaluation.load(folder), title))


def _inside(folder: Path, title: str | None) -> str:
    from repalign.report.inside import render_inside

    return render_inside(_titled(Inside.load(folder), title))


def _titled(results: T, title: str | None) -> T:
    return replace(results, title=title) if title else results


PAGES: dict[type[TableSet], Callable[[Path, str | None], str]] = {
    Stored: _profile,
    Evaluation: _evaluation,
    Inside: _inside,
}
"""Every kind of results that has a page, and what draws it."""
