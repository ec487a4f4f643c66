"""`repalign score`: score stored states, divided among processes, jobs or actors; `layers` and `compare` then find the scores."""

from __future__ import annotations

import argparse

from repalign.commands.analysis import add_score_options, request
from repalign.commands.checkpoints import add_checkpoints
from repalign.commands.options import add_data_options, add_reading_options, say
from repalign.commands.outcome import Outcome, add_printing_options
from repalign.commands.parser import Parser
from repalign.commands.workers import add_worker_options, said_of_share
from repalign.errors import RepalignError


def add_arguments(parser: Parser) -> None:
    add_checkpoints(
        parser, "one or more checkpoints", help="their states are in the store: `repalign extract`"
    )
    add_data_options(parser)
    add_reading_options(parser)
    group = add_score_options(parser)
    group.add_argument("--compare", action="store_true", help="also the second of two checkpoints minus the first, for "
                       "`repalign compare`; three or more have the last minus the first anyway")  # fmt: skip
    parser.set_defaults(control=[], probe=False, reducer="pca")  # no part of the scores
    add_worker_options(parser, on_gpus=False)
    add_printing_options(parser)
    parser.add_examples(
        "repalign score base m-llama --processes 2",
        "repalign score base m-llama --metrics mexa P@1 --shard 3/64",
        "repalign score base m-llama --compare --engine ray --address auto",
    )


def run(args: argparse.Namespace) -> Outcome:
    if args.stream or args.no_store:
        raise RepalignError(
            "`score` reads states from the store and writes scores beside them; leave out --stream and --no-store"
        )
    analysis = request(args, args.compare)
    from repalign.execution.run import score, score_on_ray
    from repalign.states.storage import own_storage, storage_at

    what = analysis.checkpoints, analysis.corpus, analysis.spec, analysis.scoring, analysis.machine
    how = {"compare": analysis.compare, "store": analysis.store}
    if args.engine == "ray":
        done = score_on_ray(*what, **how, address=args.address or "auto", actors=args.processes)
    else:
        done = score(*what, **how, processes=args.processes or 1, share=args.shard)
    storage = storage_at(analysis.store) or own_storage()
    say(said_of_share(args, done))
    record = {"parts": len(done.plan.units), "computed": done.computed, "store": str(storage)}
    return Outcome(record=record, paths=[storage.scores])
