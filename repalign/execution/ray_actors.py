"""A Ray cluster: one worker per actor; what it computes goes to the store, and nothing but the fate of a unit comes back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from logging import ERROR, getLogger
from typing import Any

from repalign.checkpoints import Checkpoint, home
from repalign.errors import RepalignError, reason
from repalign.execution.schedule import Schedule
from repalign.execution.work import AnyUnit, Runner, Unit, Work, progress_of
from repalign.states.spec import Machine, ReadingSpec
from repalign.states.subject import open_subject

logger = getLogger(__name__)

IN_FLIGHT = 2
"""Units that an actor has at a time: the next one waits there, so that the actor need not wait for the driver."""

TICK = 1.0
"""Seconds between two looks at whether an idle actor should copy a unit that takes too long."""

RESTARTS = 3
"""How often an actor is replaced before one of its successors has done a unit."""


class Actor:
    """Does units in a process of Ray, which finds the store where the driver has it."""

    def __init__(self, home: str, make: Callable[[str | None], Runner[Any]], device: str) -> None:
        os.environ["REPALIGN_HOME"] = home
        self._runner = make(device)

    def run(self, unit: Unit) -> bool:
        """Do a unit: see `Runner.run`."""
        return self._runner.run(unit)


@dataclass(frozen=True)
class Cluster:
    """A cluster that this process is connected to.

    Attributes:
        ray: the module, which is optional.
        actors: how many there are at most.
        gpus_per_actor: for one model; 0 for actors that compute on a core of the CPU.
    """

    ray: Any
    actors: int
    gpus_per_actor: int

    @property
    def device(self) -> str:
        """The device of an actor, which sees its own GPUs only."""
        return {0: "cpu", 1: "cuda"}.get(self.gpus_per_actor, "all")

    @property
    def resources(self) -> dict[str, int]:
        """What Ray reserves for an actor."""
        return {"num_cpus": 1, "num_gpus": self.gpus_per_actor}

    def dtype_of(self, checkpoint: Checkpoint, spec: ReadingSpec, machine: Machine) -> str:
        """The dtype in which an actor runs a checkpoint. An actor with GPUs is asked: this machine may have none, or others."""
        on = replace(machine, device=self.device, progress=False)
        if machine.dtype != "auto" or not self.gpus_per_actor:
            return open_subject(checkpoint, spec, on).dtype
        task = self.ray.remote(**self.resources)(_dtype_of).options(name=f"dtype of {checkpoint.name}")
        try:
            return self.ray.get(task.remote(str(home()), checkpoint, spec, on))
        except self.ray.exceptions.RayError as error:
            raise RepalignError(f"the cluster cannot read {checkpoint.name!r}: {_cause(error)}") from error

    def run(self, work: Work[AnyUnit], units: Sequence[AnyUnit]) -> None:
        """Do some units on actors.

        Units of an actor or node that is lost go to others, and what failed is tried up to three times more.

        Args:
            work: that they belong to.
            units: to do.

        Raises:
            RepalignError: a unit failed too often, or no actor can be kept alive.
        """
        run = _Run(self, work, units)
        try:
            with progress_of(work, units) as phase:
                for _ in range(min(self.actors, len(units))):
                    run.start()
                while run.schedule.left:
                    run.hand_out()
                    ready, _ = self.ray.wait(list(run.refs), timeout=TICK)
                    for ref in ready:
                        phase.update(run.settle(ref))
        finally:
            for handle in run.actors.values():
                self.ray.kill(handle.actor)


@dataclass
class _Handle:
    """An actor, which is given units once it is ready; `restarts` is how often it may be replaced."""

    actor: Any
    restarts: int
    is_ready: bool = False


class _Run:
    """Some units on the actors of a cluster.

    Attributes:
        schedule: of the units.
        actors: by number; one that is lost is replaced by one of another number.
        refs: what is awaited -> the number of the actor, and the unit; None for the news that it is ready.
    """

    def __init__(self, cluster: Cluster, work: Work[AnyUnit], units: Sequence[AnyUnit]) -> None:
        self.ray, self.device = cluster.ray, cluster.device
        self.schedule = Schedule(units, IN_FLIGHT)
        self.actors: dict[int, _Handle] = {}
        self.refs: dict[Any, tuple[int, Unit | None]] = {}
        self._numbers = count()
        self._name = f"repalign-{os.getpid()}-{int(time.time())}"
        self._class = self.ray.remote(**cluster.resources, max_restarts=0, scheduling_strategy="SPREAD")(
            Actor
        )
        self._make = self.ray.put(work.runner)

    def start(self, restarts: int = RESTARTS) -> None:
        """Start an actor, which may have to wait for room on a node."""
        number = next(self._numbers)
        made = self._class.options(name=f"{self._name}-{number}")
        actor = made.remote(str(home()), self._make, self.device)
        self.actors[number] = _Handle(actor, restarts)
        self.refs[actor.__ray_ready__.remote()] = number, None

    def hand_out(self) -> None:
        """Give units to all actors that can take some."""
        for number, handle in self.actors.items():
            while handle.is_ready and (unit := self.schedule.next(number, time.monotonic())):
                self.refs[handle.actor.run.options(name=str(unit)).remote(unit)] = number, unit

    def settle(self, ref: Any) -> int:
        """Note what became of a unit, or of an actor. Returns how much is done by it.

        Raises:
            RepalignError: a unit failed too often, or no actor stays alive.
        """
        if ref not in self.refs:  # of an actor that was found lost a moment ago
            return 0
        number, unit = self.refs.pop(ref)
        handle = self.actors[number]
        try:
            self.ray.get(ref)
        except self.ray.exceptions.RayActorError as error:
            self._lose(number, _cause(error))
            return 0
        except self.ray.exceptions.RayTaskError as error:
            if unit is None:
                raise
            logger.warning("%s failed: %s", unit, _cause(error))
            self.schedule.failed(number, unit, _cause(error))
            return 0
        if unit is None:
            handle.is_ready = True
            self.schedule.add(number)
            return 0
        handle.restarts = RESTARTS
        return unit.size if self.schedule.finished(number, unit, time.monotonic()) else 0

    def _lose(self, number: int, error: str) -> None:
        handle = self.actors.pop(number)
        self.refs = {ref: flight for ref, flight in self.refs.items() if flight[0] != number}
        logger.warning("an actor is lost; others do what it had (%s)", error)
        if handle.is_ready:
            self.schedule.lost(number, f"its actor was lost: {error}")
        self.ray.kill(handle.actor)  # it is unreachable, and perhaps not dead
        if handle.restarts:
            self.start(handle.restarts - 1)
        elif not self.actors:
            raise RepalignError(f"no actor stays alive, at last because {error}")


@contextmanager
def connected(
    address: str = "auto", actors: int | None = None, gpus_per_actor: int | None = None
) -> Iterator[Cluster]:
    """A connection to a Ray cluster, which is closed when it is left, unless this process had it before.

    Args:
        address: "auto" for the cluster that this machine belongs to, "host:port", or "local" to start one.
        actors: at most; by default as many as the cluster has room for.
        gpus_per_actor: GPUs for one model; by default one, or none if the cluster has none.

    Raises:
        RepalignError: Ray is not installed, there is no such cluster, its token is another one, or no node has so many GPUs.
    """
    try:
        import ray
        from ray.exceptions import RayError
    except ImportError as error:
        raise RepalignError("--engine ray needs Ray: pip install 'repalign[ray]'") from error
    was_connected = ray.is_initialized()
    if not was_connected:
        try:
            ray.init(address=address, namespace="repalign", log_to_driver=False, logging_level=ERROR)
        except (ConnectionError, RuntimeError, ValueError, RayError) as error:
            raise RepalignError(
                f"no connection to a Ray cluster at {address!r}: {reason(error)}; start one by `ray start --head`, "
                "or give --address HOST:PORT, or --address local"
            ) from error
    try:
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        most = int(max(node.get("GPU", 0) for node in nodes))
        gpus = min(1, most) if gpus_per_actor is None else gpus_per_actor
        if gpus > most:
            raise RepalignError(
                f"no node of the cluster has {gpus} GPUs for one actor; the most of a node is {most}"
            )
        room = sum(int(node.get("GPU", 0)) // gpus if gpus else int(node.get("CPU", 0)) for node in nodes)
        yield Cluster(ray, actors or max(1, room), gpus)
    finally:
        if not was_connected:
            ray.shutdown()


def _dtype_of(home: str, checkpoint: Checkpoint, spec: ReadingSpec, machine: Machine) -> str:
    os.environ["REPALIGN_HOME"] = home
    return open_subject(checkpoint, spec, machine).dtype


def _cause(error: Exception) -> str:
    """What an error of Ray says, in one line: that of the task, not of the transport."""
    return reason(getattr(error, "cause", None) or error)
