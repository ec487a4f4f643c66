"""Who computes which unit: affinity to a loaded checkpoint, retries, and copies of what takes too long.

It knows neither processes nor clocks: whoever drives it reports what happened and when, so that tests drive it with simulated
time. Every call takes time that depends on the number of workers and checkpoints, not on that of units.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from repalign.errors import RepalignError
from repalign.execution.work import Unit

RETRIES = 3
"""How often a unit that failed is tried once more."""

STRAGGLING = 3.0
"""How many times the expected time a unit may take before an idle worker computes a copy of it."""

SOON = 10.0
"""Seconds that a unit may take in any case."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """A unit that a worker has.

    Attributes:
        unit: the unit.
        since: when the worker got it, in seconds.
        ahead: cost of the units that the worker computes up to and including this one.
    """

    unit: Unit
    since: float
    ahead: float


@dataclass
class Schedule:
    """Hands out units and remembers which are finished.

    Attributes:
        units: all of them; those of one checkpoint are consecutive.
        depth: units that a worker has at a time: it computes the first, and the others wait for it.
    """

    units: Iterable[Unit]
    depth: int = 1
    left: int = field(init=False)
    _pending: dict[str, deque[Unit]] = field(init=False, default_factory=dict)
    _cost: dict[str, float] = field(init=False, default_factory=dict)
    _workers: dict[Hashable, dict[Unit, InFlight]] = field(init=False, default_factory=dict)
    _loaded: dict[Hashable, str] = field(init=False, default_factory=dict)
    _finished: set[Unit] = field(init=False, default_factory=set)
    _failures: dict[Unit, list[Hashable]] = field(init=False, default_factory=dict)
    _seconds: float = field(init=False, default=0.0)
    _done_cost: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.left = 0
        for unit in self.units:
            self._pending.setdefault(unit.checkpoint, deque()).append(unit)
            self._cost[unit.checkpoint] = self._cost.get(unit.checkpoint, 0.0) + unit.cost
            self.left += 1

    def add(self, worker: Hashable) -> None:
        """A worker is ready."""
        self._workers[worker] = {}

    def next(self, worker: Hashable, now: float) -> Unit | None:
        """The unit that a worker shall do next, if there is one for it.

        It goes on with the checkpoint that it has loaded; when nothing of that is left, with the one that has most left per
        worker. When nothing is left of any, it copies a unit that takes another worker far longer than expected.

        Args:
            worker: that is ready.
            now: the time in seconds.
        """
        has = self._workers[worker]
        waiting = sum(map(len, self._pending.values()))
        # Towards the end nobody keeps units waiting that another one could begin.
        if len(has) >= (self.depth if waiting > len(self._workers) else 1):
            return None
        unit = self._from_queue(worker) or (None if has else self._copied(now))
        if unit is not None:
            self._loaded[worker] = unit.checkpoint
            has[unit] = InFlight(unit, now, sum(one.cost for one in has) + unit.cost)
        return unit

    def finished(self, worker: Hashable, unit: Unit, now: float) -> bool:
        """A worker has done a unit. Returns whether it was the first to do so."""
        flight = self._workers[worker].pop(unit)
        if unit in self._finished:
            return False
        self._finished.add(unit)
        self._seconds += (now - flight.since) * unit.cost / flight.ahead
        self._done_cost += unit.cost
        self.left -= 1
        return True

    def failed(self, worker: Hashable, unit: Unit, error: str) -> None:
        """A worker could not do a unit: it is tried once more, by another worker if there is one.

        Raises:
            RepalignError: it failed too often.
        """
        self._workers[worker].pop(unit)
        if unit in self._finished:
            return
        failures = self._failures.setdefault(unit, [])
        failures.append(worker)
        if len(failures) > RETRIES:
            raise RepalignError(f"{unit} failed {len(failures)} times, at last because {error}")
        self._return(unit)

    def lost(self, worker: Hashable, error: str) -> list[Unit]:
        """A worker is no more: others do its units. The one that it was at counts as failed.

        Returns:
            The units that it had, beginning with the one that it was at.

        Raises:
            RepalignError: that one failed too often.
        """
        units = list(self._workers[worker])
        for unit in units[:0:-1]:
            self._workers[worker].pop(unit)
            if unit not in self._finished:
                self._return(unit)
        if units:
            self.failed(worker, units[0], error)
        del self._workers[worker]
        self._loaded.pop(worker, None)
        return units

    def _return(self, unit: Unit) -> None:
        """Put a unit back, unless another worker has a copy of it."""
        if not any(unit in has for has in self._workers.values()):
            self._pending.setdefault(unit.checkpoint, deque()).appendleft(unit)
            self._cost[unit.checkpoint] += unit.cost

    def _from_queue(self, worker: Hashable) -> Unit | None:
        order = sorted(self._pending, key=self._cost_per_worker, reverse=True)
        if (loaded := self._loaded.get(worker)) in self._pending:
            order.remove(loaded)
            order.insert(0, loaded)
        for checkpoint in order:
            queue = self._pending[checkpoint]
            for unit in queue:
                if not self._avoids(worker, unit):
                    queue.remove(unit)
                    self._cost[checkpoint] -= unit.cost
                    if not queue:
                        del self._pending[checkpoint]
                    return unit
        return None

    def _cost_per_worker(self, checkpoint: str) -> float:
        at_it = sum(loaded == checkpoint for loaded in self._loaded.values())
        return self._cost[checkpoint] / (at_it + 1)

    def _avoids(self, worker: Hashable, unit: Unit) -> bool:
        """Whether a worker should leave a unit to others, because it failed there."""
        failures = self._failures.get(unit, ())
        return worker in failures and any(other not in failures for other in self._workers)

    def _copied(self, now: float) -> Unit | None:
        """The unit that is most overdue and that one worker only has."""
        if not self._done_cost:
            return None
        rate = self._seconds / self._done_cost
        flights = [flight for has in self._workers.values() for flight in has.values()]
        counts: dict[Unit, int] = {}
        for flight in flights:
            counts[flight.unit] = counts.get(flight.unit, 0) + 1
        overdue = [
            flight
            for flight in flights
            if counts[flight.unit] == 1
            and flight.unit not in self._finished
            and now - flight.since > max(SOON, STRAGGLING * rate * flight.ahead)
        ]
        return min(overdue, key=lambda flight: flight.since).unit if overdue else None
