"""`repalign extract`: fill the store of hidden states, e.g. on the machine with the GPU."""

from __future__ import annotations

import argparse
from pathlib import Path

from repalign.commands.options import (
    add_data_options,
    add_reading_options,
    comma_list,
    corpus_for,
    machine,
    reading_spec,
    resolve,
    say,
)
from repalign.errors import RepalignError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ckpt", nargs="+", action="extend", required=True, metavar="CKPT")
    add_data_options(parser, clusters=False)
    add_reading_options(parser)
    parser.add_argument(
        "--poolings", type=comma_list, metavar="P,P", help="several in one pass, e.g. mean,last,weighted"
    )


def run(args: argparse.Namespace) -> list[Path]:
    if args.stream or args.no_store:
        raise RepalignError("`extract` fills the store; --stream and --no-store would leave it empty")
    spec, on = reading_spec(args), machine(args)
    specs = [spec.with_pooling(pooling) for pooling in args.poolings or [args.pooling]]
    checkpoints = resolve(args.ckpt, train=not args.no_train)
    corpus = corpus_for(args, checkpoints)
    from repalign.checkpoints import home
    from repalign.states.extraction import read_states
    from repalign.states.space import protecting

    with protecting(checkpoints):
        for checkpoint in checkpoints:
            for states in read_states(checkpoint, corpus, specs, on):
                say(
                    f"{states.signature}: {len(states.layers)} layers x {states.n_sentences} sentences "
                    f"x {len(states.languages)} languages"
                )
    return [home() / "states"]
