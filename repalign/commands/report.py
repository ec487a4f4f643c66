"""`repalign report`: redraw a report or a figure from saved results, without a model."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from repalign.errors import RepalignError
from repalign.figures.exporting import FORMATS, export
from repalign.results.results import Results

CHOICES = ("checkpoint", "baseline", "metric", "variant", "layer", "measure", "language", "reducer")
"""Fields that select one panel of a figure."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", type=Path, help="a results folder, or the profile.parquet in it")
    parser.add_argument("--out", type=Path, help="file to write; default: in the results folder")
    parser.add_argument("--title", help="heading of the report")
    group = parser.add_argument_group("one figure for a paper instead of the page")
    group.add_argument("--figure", metavar="NAME", help="curves, heatmap, ...; an unknown name lists them")
    group.add_argument("--format", choices=FORMATS, help="default: the suffix of --out, else svg")
    group.add_argument("--width", type=int, default=700, metavar="PX", help="default 700")
    group.add_argument("--height", type=int, metavar="PX")
    for choice in CHOICES:
        group.add_argument(f"--{choice}", metavar="X", help="selects one panel if there are several")


def run(args: argparse.Namespace) -> list[Path]:
    for kind, draw in (("evaluation", _evaluation), ("inside", _inside)):
        if (args.results / f"{kind}.json").is_file():
            if args.figure is not None:
                raise RepalignError("--figure needs results of `layers` or `compare`")
            return [draw(args)]
    results = Results.load(args.results)
    chosen = {name: getattr(args, name) for name in CHOICES if getattr(args, name) is not None}
    if args.figure is None and (chosen or args.format):
        raise RepalignError(
            f"{', '.join(f'--{name}' for name in chosen or ('format',))} selects a panel of a figure; add --figure"
        )
    if args.figure is None:
        from repalign.report import Report

        report = Report(args.title, results) if args.title else Report(results)
        return [report.write(args.out or _beside(args.results) / "report.html")]
    from repalign.figures import draw

    figure = draw(args.figure, results, **chosen)
    kind = args.format or (args.out.suffix[1:] if args.out else "") or "svg"
    path = args.out or _beside(args.results) / f"{args.figure}.{kind}"
    return [export(figure, path.with_suffix(f".{kind}"), width=args.width, height=args.height)]


def _evaluation(args: argparse.Namespace) -> Path:
    """Redraw the page of `repalign evaluate`."""
    from repalign.report.evaluation import write_evaluation
    from repalign.results.evaluation import Evaluation

    results = Evaluation.load(args.results)
    return write_evaluation(_titled(results, args.title), args.out or args.results / "report.html")


def _inside(args: argparse.Namespace) -> Path:
    """Redraw the page of `repalign inside`."""
    from repalign.report.inside import write_inside
    from repalign.results.inside import Inside

    results = Inside.load(args.results)
    return write_inside(_titled(results, args.title), args.out or args.results / "report.html")


def _titled(results: Any, title: str | None) -> Any:
    return replace(results, title=title) if title else results


def _beside(path: Path) -> Path:
    return path.parent if path.is_file() else path
