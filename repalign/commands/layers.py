"""`repalign layers`: where do languages meet inside a checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path

from repalign.commands.analysis import add_analysis_options, run_analysis
from repalign.commands.options import corpus_for, resolve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ckpt", nargs="+", action="extend", required=True, metavar="CKPT",
                        help="a name, a local folder, a PEFT adapter folder or a hub id; several make a series; "
                        "NAME~random is a twin with random weights")  # fmt: skip
    add_analysis_options(parser)


def run(args: argparse.Namespace) -> list[Path]:
    checkpoints = resolve(args.ckpt, train=not args.no_train)
    corpus = corpus_for(args, checkpoints)
    title = (
        checkpoints[0].name if len(checkpoints) == 1 else f"{checkpoints[0].name} to {checkpoints[-1].name}"
    )
    return run_analysis(args, checkpoints, corpus, title, compare=False)
