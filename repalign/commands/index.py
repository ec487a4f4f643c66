"""`repalign index`: one page over all results in a folder and below it."""

from __future__ import annotations

import argparse
from pathlib import Path

from repalign.commands.options import given_path
from repalign.commands.outcome import Outcome, add_printing_options
from repalign.commands.parser import Parser
from repalign.errors import RepalignError


def add_arguments(parser: Parser) -> None:
    parser.add_examples("repalign index", "repalign index results")
    parser.add_argument(
        "folder",
        nargs="?",
        type=given_path,
        default=Path("out"),
        metavar="FOLDER",
        help="with folders of results in it (default: out)",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="also replace a file that is no page of repalign"
    )
    add_printing_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    return Outcome(record={}, paths=[write_index(args.folder, args.overwrite)])


def write_index(folder: Path, overwrite: bool = False) -> Path:
    """Write the index page of a folder into it.

    Raises:
        RepalignError: no such folder, no results in it, or an index.html that is no page of repalign.
    """
    from repalign.report.entries import entries
    from repalign.report.index import INDEX, render_index
    from repalign.report.layout import write_page

    found = entries(folder)
    if not found:
        raise RepalignError(f"no results in {folder} or below it; `repalign demo` writes some")
    name = folder.resolve().name or str(folder)
    return write_page(lambda: render_index(name, found), folder / INDEX, overwrite)
