"""`repalign demo`: three reports on the checkpoints that are shipped, and a page that lists them."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from repalign.commands.index import write_index
from repalign.commands.options import add_overwrite_option, given_path, say
from repalign.commands.outcome import Outcome, add_printing_options
from repalign.commands.parser import Parser

REPORTS = {
    "m-llama": ("layers", "m-llama"),
    "alpaca-x-llama-zh": ("compare", "alpaca", "x-llama-zh"),
    "base-m-llama": ("compare", "base", "m-llama"),
}
"""Folder -> command. Nothing is reduced: these are the commands that a user would give, and those of `make demo`."""


def add_arguments(parser: Parser) -> None:
    parser.add_examples("repalign demo", "repalign demo --out results")
    parser.add_argument(
        "-o",
        "--out",
        type=given_path,
        default=Path("repalign-demo"),
        metavar="DIR",
        help="folder of the reports (default: repalign-demo)",
    )
    add_overwrite_option(parser)
    add_printing_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    from repalign.commands.main import parsed

    # On matrices this small, threads that wait for each other cost more.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    began, text, reports = time.monotonic(), [], {}
    say(f"{len(REPORTS)} reports on the demo family and 200 sentences in 7 languages, about a minute")
    for folder, words in REPORTS.items():
        argv = [*words, "--out", str(args.out / folder), "--no-train"]
        say(f"$ {' '.join(['repalign', *words])}")
        inner = parsed([*argv, "--overwrite"] if args.overwrite else argv)
        outcome: Outcome = inner.run(inner)
        text += [*outcome.text, ""]
        reports[folder] = outcome.record
    index = write_index(args.out, args.overwrite)
    say(f"done in {time.monotonic() - began:.0f} s")
    text.append("next: `repalign layers YOUR-MODEL`, or `repalign init` for a folder to start from")
    return Outcome(text, {"reports": reports}, [index])
