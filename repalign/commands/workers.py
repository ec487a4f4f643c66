"""Who computes: the options of commands whose work is divided among processes, jobs or actors."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from repalign.commands.options import positive
from repalign.commands.parser import Parser, add_list, comma_list

if TYPE_CHECKING:
    from repalign.execution.run import Done


def add_worker_options(parser: Parser, on_gpus: bool = True) -> None:
    """Who computes.

    Args:
        parser: of a command.
        on_gpus: whether a worker may have a GPU, or several; else each has a core.
    """
    group = parser.add_argument_group("who computes (docs/cluster.md)")
    of_gpus = ", each on a GPU of its own if there are GPUs" if on_gpus else ""
    group.add_argument("--processes", type=positive, metavar="N",
                       help=f"so many processes of this machine{of_gpus}; with --engine ray, so many actors")  # fmt: skip
    group.add_argument("--shard", type=share, metavar="I/N", help="only the I-th of N shares of the work, from 1: for SLURM and "
                       "other arrays of jobs that write to one store")  # fmt: skip
    group.add_argument("--engine", default="local", choices=["local", "ray"],
                       help="this machine (default), or a Ray cluster: pip install 'repalign[ray]'")  # fmt: skip
    group.add_argument("--address", metavar="A",
                       help="of the Ray cluster: auto (default), HOST:PORT, or local to start one")  # fmt: skip
    if on_gpus:
        add_list(group, "--devices", metavar="D", parts=device_list,
                 help="a process for each device of this machine: 0,1 are GPUs; cpu,cpu are two processes")  # fmt: skip
        group.add_argument("--gpus-per-actor", type=positive, metavar="K",
                           help="spread each model over K GPUs of a node of the Ray cluster (default: 1)")  # fmt: skip
    else:
        parser.set_defaults(devices=None, gpus_per_actor=None)
    parser.checks.append(check_engine)


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


def said_of_share(args: argparse.Namespace, done: Done) -> str:
    """What was computed of a share, or of all work, in a line."""
    of = f"share {args.shard[0]} of {args.shard[1]}: " if args.shard else ""
    units = f"{len(done.plan.units):,} {done.plan.noun}"
    return f"{of}{units}, {done.computed:,} of them computed now, the others stored before"
