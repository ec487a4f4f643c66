"""`repalign compare A B`: what changed from A to B, on the same sentences."""

from __future__ import annotations

import argparse
from pathlib import Path

from repalign.commands.analysis import add_analysis_options, run_analysis


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("baseline", help="name, folder or hub id of the checkpoint before")
    parser.add_argument("checkpoint", help="the one after; differences are after minus before")
    add_analysis_options(parser)


def run(args: argparse.Namespace) -> list[Path]:
    return run_analysis(args, [args.baseline, args.checkpoint], compare=True)
