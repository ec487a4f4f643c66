"""`repalign compare BEFORE AFTER`: what changed from one checkpoint to another, on the same sentences."""

from __future__ import annotations

import argparse

from repalign.commands.analysis import add_analysis_options, run_analysis
from repalign.commands.checkpoints import add_checkpoints
from repalign.commands.outcome import Outcome
from repalign.commands.parser import Parser


def add_arguments(parser: Parser) -> None:
    two = "two checkpoints, BEFORE and AFTER"
    add_checkpoints(parser, two, least=2, most=2, help=f"{two}: differences are after minus before")
    add_analysis_options(parser)
    parser.add_examples(
        "repalign compare alpaca x-llama-zh",
        "repalign compare base m-llama --corpus everyday --pairs all --out out/base--m-llama",
        "repalign compare alpaca m-llama --json > changes.json",
    )


def run(args: argparse.Namespace) -> Outcome:
    return run_analysis(args, compare=True)
