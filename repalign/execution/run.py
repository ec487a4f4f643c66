"""Fill the store with the states of some checkpoints, or with their scores, by one of the ways to run a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

from repalign.checkpoints import CheckpointLike
from repalign.corpora import CorpusLike
from repalign.errors import RepalignError
from repalign.execution.plan import Plan, plan
from repalign.execution.processes import run_processes
from repalign.execution.ray_actors import connected
from repalign.execution.scores import ScorePlan, plan_scores
from repalign.execution.work import Work, check_written, run_here
from repalign.scoring.spec import ScoringSpec
from repalign.states.spec import Machine, ReadingSpec

AnyPlan = TypeVar("AnyPlan", Plan, ScorePlan)

Run = Callable[[Work[Any], Sequence[Any]], None]
"""Does units of a plan."""


@dataclass(frozen=True)
class Done(Generic[AnyPlan]):
    """What was computed.

    Attributes:
        plan: of all units, or of those of the share.
        computed: number of units that were not written before.
    """

    plan: AnyPlan
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
) -> Done[Plan]:
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
    return _done(whole, _on(devices), share)


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
) -> Done[Plan]:
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
        return _done(whole, cluster.run)


def score(
    checkpoints: Sequence[CheckpointLike],
    corpus: CorpusLike,
    spec: ReadingSpec | None = None,
    scoring: ScoringSpec | None = None,
    machine: Machine | None = None,
    *,
    compare: bool = False,
    store: bool | str = True,
    processes: int = 1,
    share: tuple[int, int] | None = None,
) -> Done[ScorePlan]:
    """Score states that are in the store, and store the scores beside them, on this machine.

    `repalign.analyse` then finds them with the same arguments. No states are computed: see `fill`.

    >>> score(["base", "m-llama"], "everyday", processes=2)  # doctest: +SKIP

    Args:
        checkpoints, corpus, spec, scoring, machine, compare, store: see `plan_scores`.
        processes: that score; 1 is this one.
        share: which of how many shares to score, from 1: (3, 64) in the third of 64 jobs.

    Raises:
        RepalignError: states that are missing or cannot be scored, or a store that cannot be written.
    """
    whole = plan_scores(checkpoints, corpus, spec, scoring, machine, compare=compare, store=store)
    return _done(whole, _on(["cpu"] * processes if processes > 1 else ()), share)


def score_on_ray(
    checkpoints: Sequence[CheckpointLike],
    corpus: CorpusLike,
    spec: ReadingSpec | None = None,
    scoring: ScoringSpec | None = None,
    machine: Machine | None = None,
    *,
    compare: bool = False,
    store: bool | str = True,
    address: str = "auto",
    actors: int | None = None,
) -> Done[ScorePlan]:
    """Likewise, on a Ray cluster whose nodes see the same store and the files of the checkpoints.

    Args:
        checkpoints, corpus, spec, scoring, machine, compare, store: see `plan_scores`.
        address, actors: see `connected`; each actor computes on a core of the CPU.

    Raises:
        RepalignError: likewise, or no cluster.
    """
    whole = plan_scores(checkpoints, corpus, spec, scoring, machine, compare=compare, store=store)
    with connected(address, actors, 0) as cluster:
        return _done(whole, cluster.run)


def _on(devices: Sequence[str]) -> Run:
    """By a process for each device, or by this one if there is none."""
    return partial(run_processes, devices=devices) if devices else run_here


def _done(whole: AnyPlan, run: Run, share: tuple[int, int] | None = None) -> Done[AnyPlan]:
    """Do all units of a plan, or of a share of it, that are not done.

    Raises:
        RepalignError: they cannot be done, or the store lacks what was done.
    """
    planned: AnyPlan = whole.share(*share) if share else whole
    units = planned.unwritten()
    planned.prepare(units)  # type: ignore[arg-type]
    if units:
        run(planned, units)
        check_written(planned)
    return Done(planned, len(units))
