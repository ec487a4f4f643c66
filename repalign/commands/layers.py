"""`repalign layers`: where languages align inside a checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path

from repalign.commands.analysis import add_analysis_options, run_analysis


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ckpt", nargs="+", action="extend", required=True, metavar="CKPT",
                        help="a name, a local folder, a PEFT adapter folder, a GGUF file or a hub id; several make a "
                        "series; NAME~random is a twin with random weights")  # fmt: skip
    add_analysis_options(parser)


def run(args: argparse.Namespace) -> list[Path]:
    return run_analysis(args, args.ckpt, compare=False)
