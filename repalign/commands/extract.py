"""`repalign extract`: fill the store of hidden states, e.g. on the machine with the GPU."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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
from repalign.commands.workers import add_worker_options, said_of_share
from repalign.errors import RepalignError

if TYPE_CHECKING:
    from repalign.checkpoints import Checkpoint
    from repalign.corpora import ParallelCorpus
    from repalign.states.spec import Machine, ReadingSpec


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
    add_worker_options(parser)
    add_printing_options(parser)
    parser.checks.append(check_languages)
    parser.add_examples(
        "repalign extract m-llama",
        "repalign extract meta-llama/Llama-3.2-1B --corpus everyday --device cuda",
        "repalign extract base m-llama --poolings mean last weighted",
        "repalign extract base m-llama --devices 0,1",
        "repalign extract base m-llama --shard 3/64",
        "repalign extract base m-llama --engine ray --address auto",
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
    from repalign.states.space import protecting
    from repalign.states.storage import own_storage, storage_at

    is_planned = args.devices or args.processes or args.shard or args.engine == "ray"
    with protecting(checkpoints):
        if is_planned:
            record = _planned(args, checkpoints, corpus, specs, on, store)
        else:
            record = _here(checkpoints, corpus, specs, on, store)
    storage = storage_at(store) or own_storage()
    return Outcome(record={**record, "store": str(storage)}, paths=[storage.folder])


def _here(
    checkpoints: Sequence[Checkpoint],
    corpus: ParallelCorpus,
    specs: Sequence[ReadingSpec],
    on: Machine,
    store: bool | str,
) -> dict[str, Any]:
    """One checkpoint after another, in this process."""
    from repalign.states.extraction import read_states

    stored = []
    for checkpoint in checkpoints:
        for states in read_states(checkpoint, corpus, specs, on, store=store):
            shape = {
                "layers": len(states.layers),
                "sentences": states.n_sentences,
                "languages": len(states.languages),
            }
            stored.append({"signature": str(states.signature), **shape})
            say(_line(stored[-1]))
    return {"states": stored}


def _planned(
    args: argparse.Namespace,
    checkpoints: Sequence[Checkpoint],
    corpus: ParallelCorpus,
    specs: Sequence[ReadingSpec],
    on: Machine,
    store: bool | str,
) -> dict[str, Any]:
    """By several processes, jobs or actors."""
    from repalign.execution.run import fill, fill_on_ray

    if args.engine == "ray":
        done = fill_on_ray(
            checkpoints, corpus, specs, on,
            store=store, address=args.address or "auto", actors=args.processes, gpus_per_actor=args.gpus_per_actor,
        )  # fmt: skip
    else:
        done = fill(checkpoints, corpus, specs, on, store=store, devices=_devices(args), share=args.shard)
    stored = list(done.plan.described)
    units = {"shards": len(done.plan.units), "computed": done.computed}
    for one in stored:
        say(_line(one))
    say(said_of_share(args, done))
    return {"states": stored, **units}


def _devices(args: argparse.Namespace) -> list[str]:
    """A device for each process; none for this process.

    Raises:
        RepalignError: more processes than GPUs, or a device that this machine does not have.
    """
    if not args.devices and not args.processes:
        return []
    from repalign.models.devices import devices_of, pick_device
    from repalign.states.spec import Machine

    devices = args.devices or devices_of(args.processes, args.device)
    return [pick_device(Machine(device=device).device) for device in devices]


def _line(stored: dict[str, Any]) -> str:
    shape = " x ".join(f"{stored[what]} {what}" for what in ("layers", "sentences", "languages"))
    return f"{stored['signature']}: {shape}"
