"""`repalign extract`: fill the store of hidden states, e.g. on the machine with the GPU."""

from __future__ import annotations

import argparse

from repalign.commands.checkpoints import add_checkpoints, check_languages
from repalign.commands.options import (
    add_data_options,
    add_reading_options,
    chosen_store,
    corpus_for,
    machine,
    reading_spec,
    resolve,
    say,
)
from repalign.commands.outcome import Outcome, add_printing_options
from repalign.commands.parser import Parser, add_list
from repalign.errors import RepalignError


def add_arguments(parser: Parser) -> None:
    add_checkpoints(parser, "one or more checkpoints")
    add_data_options(parser, clusters=False)
    add_reading_options(parser)
    add_list(
        parser,
        "--poolings",
        metavar="P",
        help="several in one pass, e.g. mean last weighted; default: that of --pooling",
    )
    add_printing_options(parser)
    parser.checks.append(check_languages)
    parser.add_examples(
        "repalign extract m-llama",
        "repalign extract meta-llama/Llama-3.2-1B --corpus everyday --device cuda",
        "repalign extract base m-llama --poolings mean last weighted",
        "repalign extract m-llama --store ./shared-states --store-dtype float16",
    )


def run(args: argparse.Namespace) -> Outcome:
    if args.stream or args.no_store:
        raise RepalignError("`extract` fills the store; --stream and --no-store would leave it empty")
    spec, on = reading_spec(args), machine(args)
    specs = [spec.with_pooling(pooling) for pooling in args.poolings or [args.pooling]]
    store = chosen_store(args)
    checkpoints = resolve(args.ckpt, train=not args.no_train)
    corpus = corpus_for(args, checkpoints)
    from repalign.models.depth import check_layers

    for checkpoint in checkpoints:
        check_layers(checkpoint, spec.layers)
    from repalign.states.extraction import read_states
    from repalign.states.space import protecting
    from repalign.states.storage import own_storage, storage_at

    stored = []
    with protecting(checkpoints):
        for checkpoint in checkpoints:
            for states in read_states(checkpoint, corpus, specs, on, store=store):
                shape = {
                    "layers": len(states.layers),
                    "sentences": states.n_sentences,
                    "languages": len(states.languages),
                }
                say(f"{states.signature}: {' x '.join(f'{count} {what}' for what, count in shape.items())}")
                stored.append({"signature": str(states.signature), **shape})
    storage = storage_at(store) or own_storage()
    return Outcome(record={"states": stored, "store": str(storage)}, paths=[storage.folder])
