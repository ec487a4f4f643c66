"""`repalign extract`: fill the store of hidden states, e.g. on the machine with the GPU."""

from __future__ import annotations

import argparse
from pathlib import Path

from repalign.commands.options import (
    add_data_options,
    add_reading_options,
    comma_list,
    corpus_for,
    reading_options,
    resolve,
    say,
)
from repalign.errors import RepalignError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ckpt", nargs="+", action="extend", required=True, metavar="CKPT")
    add_data_options(parser)
    add_reading_options(parser)
    parser.add_argument(
        "--poolings", type=comma_list, metavar="P,P", help="several in one pass, e.g. mean,last,weighted"
    )


def run(args: argparse.Namespace) -> list[Path]:
    if args.stream or args.no_store:
        raise RepalignError("`extract` fills the store; --stream and --no-store would leave it empty")
    checkpoints = resolve(args.ckpt, train=not args.no_train)
    corpus = corpus_for(args, checkpoints)
    from repalign.checkpoints import home
    from repalign.states.extraction import extract_poolings

    for checkpoint in checkpoints:
        poolings = args.poolings or [args.pooling]
        for states in extract_poolings(checkpoint, corpus, poolings, **reading_options(args)).values():
            say(
                f"{states.signature}: {len(states.layers)} layers x {states.sentences} sentences x {len(states.languages)} languages"
            )
    return [home() / "states"]
