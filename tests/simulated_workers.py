"""Workers that take their units from a schedule by a simulated clock: they fail, die and straggle."""

from __future__ import annotations

import heapq
from collections import Counter

import numpy as np

from repalign.execution.schedule import Schedule
from repalign.execution.worker import ShardUnit


def units(checkpoint: str, count: int, cost: float = 1.0) -> list[ShardUnit]:
    return [
        ShardUnit(checkpoint, 0, "en", shard, shard, shard + 1, 1, cost, (f"{checkpoint}-en",))
        for shard in range(count)
    ]


def ready(schedule: Schedule, *workers: object) -> Schedule:
    for worker in workers:
        schedule.add(worker)
    return schedule


def simulate(schedule: Schedule, workers: int, seed: int) -> tuple[Counter, float]:
    """Run to the end with 5% failures, 5% units that take twenty times as long, and workers that die now and then.

    Returns:
        How often each unit counted as finished, and the seconds of the simulated clock.
    """
    draw = np.random.default_rng(seed)
    events: list[tuple[float, int, int, ShardUnit]] = []
    finished: Counter = Counter()
    alive, serial, now = set(range(workers)), workers, 0.0
    ready(schedule, *alive)
    idle = set(alive)
    while schedule.left:
        for worker in sorted(idle):
            if unit := schedule.next(worker, now):
                idle.discard(worker)
                seconds = draw.uniform(25, 35) * (20 if draw.random() < 0.05 else 1)
                heapq.heappush(events, (now + seconds, len(finished), worker, unit))
        tick = now + 1.0
        if idle and (not events or events[0][0] > tick):
            now = tick
            continue
        now, _, worker, unit = heapq.heappop(events)
        if worker not in alive:
            continue
        chance = draw.random()
        if chance < 0.001:
            schedule.lost(worker, "it died")
            alive.discard(worker)
            alive.add(serial)
            idle.add(serial)
            schedule.add(serial)
            serial += 1
            continue
        idle.add(worker)
        if chance < 0.05:
            schedule.failed(worker, unit, "no memory")
        elif schedule.finished(worker, unit, now):
            finished[unit] += 1
    return finished, now
