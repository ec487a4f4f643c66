"""Fill the store with the states of some checkpoints, by one of the ways to run a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from repalign.checkpoints import CheckpointLike
from repalign.corpora import CorpusLike
from repalign.errors import RepalignError
from repalign.execution.plan import Plan, Unit, plan
from repalign.execution.processes import run_processes
from repalign.execution.ray_actors import connected
from repalign.execution.worker import run_here
from repalign.states.spec import Machine, ReadingSpec

Run = Callable[[Plan, Sequence[Unit]], None]
"""Computes units of a plan."""


@dataclass(frozen=True)
class Done:
    """What was computed.

    Attributes:
        plan: of all shards, or of those of the share.
        computed: number of shards that were not written before.
    """

    plan: Plan
    computed: int


def fill(
    checkpoints: Sequence[CheckpointLike],
    corpus: CorpusLike,
    specs: Sequence[ReadingSpec] | None = None,
    machine: Machine | None = None,
    *,
    store: bool | str = True,
    devices: Sequence[str] = (),
    share: tuple[int, int] | None = None,
) -> Done:
    """Compute the states of some checkpoints and store them, on this machine.

    `repalign.extract` then finds them in the store. The states are the same whoever computes them: bit for bit on CPUs with the
    same number of threads (`OMP_NUM_THREADS`) and on equal GPUs with the same `batch_tokens`, else to rounding.

    >>> fill(["base", "m-llama"], "everyday", devices=["cuda:0", "cuda:1"])  # doctest: +SKIP

    Args:
        checkpoints, corpus: see `repalign.extract`.
        specs: what is read; they differ in their pooling only. By default the mean of the tokens.
        machine: where it runs.
        store: see `repalign.extract`.
        devices: one process each, such as "cuda:0" and "cuda:1", or "cpu" several times; by default this process.
        share: which of how many shares to compute, from 1: (3, 64) in the third of 64 jobs.

    Raises:
        RepalignError: what cannot be read, computed or stored.
    """
    machine = replace(machine or Machine(), **({"device": devices[0]} if devices else {}))
    whole = plan(checkpoints, corpus, specs or [ReadingSpec()], machine, store=store)
    run: Run = partial(run_processes, devices=devices) if devices else run_here
    return _filled(whole.share(*share) if share else whole, run)


def fill_on_ray(
    checkpoints: Sequence[CheckpointLike],
    corpus: CorpusLike,
    specs: Sequence[ReadingSpec] | None = None,
    machine: Machine | None = None,
    *,
    store: bool | str = True,
    address: str = "auto",
    actors: int | None = None,
    gpus_per_actor: int | None = None,
) -> Done:
    """Likewise, on a Ray cluster whose nodes see the same store and the files of the checkpoints.

    Args:
        checkpoints, corpus, specs, machine, store: see `fill`.
        address, actors, gpus_per_actor: see `connected`.

    Raises:
        RepalignError: likewise, or no cluster.
    """
    machine, specs = machine or Machine(), specs or [ReadingSpec()]
    if machine.device not in ("auto", "cpu", "all"):
        raise RepalignError(
            f"Ray chooses the GPUs of an actor: give --gpus-per-actor K, or --device cpu, in place of {machine.device!r}"
        )
    with connected(address, actors, 0 if machine.device == "cpu" else gpus_per_actor) as cluster:
        whole = plan(
            checkpoints,
            corpus,
            specs,
            replace(machine, device="auto"),
            partial(cluster.dtype_of, spec=specs[0], machine=machine),
            store,
        )
        return _filled(whole, cluster.run)


def _filled(whole: Plan, run: Run) -> Done:
    units = whole.unwritten()
    whole.make_room(units)
    if units:
        run(whole, units)
        whole.check_written()
    return Done(whole, len(units))
