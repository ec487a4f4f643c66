"""`repalign extract`: fill the store of hidden states, e.g. on the machine with the GPU."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from repalign.commands.checkpoints import add_checkpoints, check_languages
from repalign.commands.options import (
    add_data_options,
    add_reading_options,
    chosen_store,
    corpus_for,
    machine,
    positive,
    reading_spec,
    resolve,
    say,
)
from repalign.commands.outcome import Outcome, add_printing_options
from repalign.commands.parser import Parser, add_list, comma_list
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
    group = parser.add_argument_group("who computes (docs/cluster.md)")
    add_list(group, "--devices", metavar="D", parts=device_list,
             help="a process for each device of this machine: 0,1 are GPUs; cpu,cpu are two processes")  # fmt: skip
    group.add_argument("--processes", type=positive, metavar="N", help="so many processes of this machine, each on a GPU of its "
                       "own if there are GPUs; with --engine ray, so many actors")  # fmt: skip
    group.add_argument("--shard", type=share, metavar="I/N", help="only the I-th of N shares of the work, from 1: for SLURM and "
                       "other arrays of jobs that write to one store")  # fmt: skip
    group.add_argument("--engine", default="local", choices=["local", "ray"],
                       help="this machine (default), or a Ray cluster: pip install 'repalign[ray]'")  # fmt: skip
    group.add_argument("--address", metavar="A",
                       help="of the Ray cluster: auto (default), HOST:PORT, or local to start one")  # fmt: skip
    group.add_argument("--gpus-per-actor", type=positive, metavar="K",
                       help="spread each model over K GPUs of a node of the Ray cluster (default: 1)")  # fmt: skip
    add_printing_options(parser)
    parser.checks += [check_languages, check_engine]
    parser.add_examples(
        "repalign extract m-llama",
        "repalign extract meta-llama/Llama-3.2-1B --corpus everyday --device cuda",
        "repalign extract base m-llama --poolings mean last weighted",
        "repalign extract base m-llama --devices 0,1",
        "repalign extract base m-llama --shard 3/64",
        "repalign extract base m-llama --engine ray --address auto",
        "repalign extract m-llama --store ./shared-states --store-dtype float16",
    )


def share(text: str) -> tuple[int, int]:
    """`3/64` as numbers."""
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text.strip())
    number, count = map(int, match.groups()) if match else (0, 0)
    if not 1 <= number <= count:
        raise argparse.ArgumentTypeError(f"expected I/N with I from 1 to N, such as 3/64; got {text[:40]!r}")
    return number, count


def device_list(text: str) -> list[str]:
    """`0,1` as `cuda:0` and `cuda:1`; other names as they are."""
    return [f"cuda:{part}" if part.isdecimal() else part for part in comma_list(text)]


def check_engine(args: argparse.Namespace) -> str | None:
    """Whether the options of who computes fit each other."""
    if args.engine == "ray":
        given = {"--devices": args.devices, "--shard": args.shard}
        wrong = next((name for name, value in given.items() if value), None)
        return f"--engine ray hands out all work by itself; leave out {wrong}" if wrong else None
    given = {"--address": args.address, "--gpus-per-actor": args.gpus_per_actor}
    if wrong := next((name for name, value in given.items() if value), None):
        return f"{wrong} is for --engine ray"
    if args.devices and args.processes:
        return "give --devices or --processes, not both"
    if args.devices and args.device != "auto":
        return "give --device or --devices, not both"
    return None


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
        record = (_planned if is_planned else _here)(args, checkpoints, corpus, specs, on, store)
    storage = storage_at(store) or own_storage()
    return Outcome(record={**record, "store": str(storage)}, paths=[storage.folder])


def _here(
    args: argparse.Namespace,
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
    of = f"share {args.shard[0]} of {args.shard[1]}: " if args.shard else ""
    say(
        f"{of}{len(done.plan.units):,} shards, {done.computed:,} of them computed now, the others stored before"
    )
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
