"""The schedule, driven by a simulated clock: no processes, no models."""

from __future__ import annotations

import pytest
from simulated_workers import ready, simulate, units

from repalign.errors import RepalignError
from repalign.execution.schedule import RETRIES, SOON, Schedule


def test_a_worker_goes_on_with_the_checkpoint_that_it_has_loaded():
    schedule = ready(Schedule(units("a", 2) + units("b", 3)), 0, 1)
    first, second = schedule.next(0, 0), schedule.next(1, 0)
    assert {first.checkpoint, second.checkpoint} == {"a", "b"}
    worker = 0 if first.checkpoint == "a" else 1
    mine = first if worker == 0 else second
    schedule.finished(worker, mine, 1)
    assert schedule.next(worker, 1).checkpoint == "a"
    schedule.finished(worker, units("a", 2)[1], 2)
    assert schedule.next(worker, 2).checkpoint == "b"  # nothing is left of its own


def test_nobody_keeps_a_unit_waiting_that_another_could_begin():
    schedule = ready(Schedule(units("a", 5), depth=2), 0, 1)
    taken = [schedule.next(worker, 0) for worker in (0, 0, 0, 1, 1)]
    assert [unit is not None for unit in taken] == [True, True, False, True, False]
    assert schedule.left == 5


def test_what_failed_is_tried_by_another_worker_and_in_the_end_reported():
    schedule = ready(Schedule(units("a", 1)), 0, 1)
    unit = schedule.next(0, 0)
    schedule.failed(0, unit, "no memory")
    assert schedule.next(0, 1) is None
    for attempt in range(RETRIES):
        assert schedule.next(1, 1) == unit
        if attempt < RETRIES - 1:
            schedule.failed(1, unit, "no memory")
    with pytest.raises(RepalignError, match=f"a, en, shard 0 failed {RETRIES + 1} times.*no memory"):
        schedule.failed(1, unit, "no memory")


def test_the_units_of_a_lost_worker_go_to_others_and_only_the_running_one_counts_as_failed():
    schedule = ready(Schedule(units("a", 8), depth=2), 0, 1)
    had = [schedule.next(0, 0), schedule.next(0, 0)]
    assert schedule.lost(0, "its node died") == had
    assert schedule._failures == {had[0]: [0]}
    done = set()
    while schedule.left:
        unit = schedule.next(1, 1)
        assert schedule.finished(1, unit, 2)
        done.add(unit)
    assert done == set(units("a", 8))


def test_an_idle_worker_copies_what_takes_far_too_long_and_the_first_of_both_counts():
    schedule = ready(Schedule(units("a", 2, cost=4.0)), 0, 1)
    slow, quick = schedule.next(0, 0), schedule.next(1, 0)
    schedule.finished(1, quick, 5)
    assert schedule.next(1, SOON) is None
    assert schedule.next(1, 16) == slow
    assert schedule.finished(1, slow, 20)
    assert schedule.left == 0
    assert not schedule.finished(0, slow, 30)


def test_a_copy_is_not_handed_out_twice_and_outlives_its_original():
    schedule = ready(Schedule(units("a", 3)), 0, 1, 2)
    first, second, third = (schedule.next(worker, 0) for worker in range(3))
    schedule.finished(1, second, 1)
    schedule.finished(2, third, 1)
    assert schedule.next(1, 100) == first
    assert schedule.next(2, 100) is None
    schedule.lost(0, "its node died")
    assert schedule.next(2, 100) is None  # the copy is still computed
    assert schedule.finished(1, first, 101)


@pytest.mark.parametrize("seed", range(3))
def test_every_unit_is_finished_once_despite_failures_deaths_and_stragglers(seed):
    every = [unit for name in "abcde" for unit in units(name, 60)]
    finished, seconds = simulate(Schedule(every), 16, seed)
    assert finished == dict.fromkeys(every, 1)
    assert seconds < 5 * len(every) * 30 / 16  # stragglers of 600 s hold up nobody at the end
