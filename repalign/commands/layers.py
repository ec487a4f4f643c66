"""`repalign layers`: where languages align inside a checkpoint."""

from __future__ import annotations

import argparse

from repalign.commands.analysis import add_analysis_options, run_analysis
from repalign.commands.checkpoints import add_checkpoints
from repalign.commands.outcome import Outcome
from repalign.commands.parser import Parser


def add_arguments(parser: Parser) -> None:
    add_checkpoints(
        parser, "one or more checkpoints", help="several make a series, such as runs/*/checkpoint-*"
    )
    add_analysis_options(parser)
    parser.add_examples(
        "repalign layers m-llama",
        "repalign layers meta-llama/Llama-3.2-1B --corpus everyday --langs en zh hi --device cuda",
        "repalign layers ./my-model --corpus ./my-text --metrics mexa P@1 --layers 0-8,12",
        "open $(repalign layers base alpaca m-llama --quiet)",
    )


def run(args: argparse.Namespace) -> Outcome:
    return run_analysis(args, compare=False)
