"""Several processes of this machine, each with a worker of its own: several GPUs, or parts of a CPU."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from repalign.errors import RepalignError, reason
from repalign.execution.schedule import Schedule
from repalign.execution.work import AnyUnit, Runner, Work, progress_of
from repalign.progress import quiet

logger = logging.getLogger(__name__)

CONTEXT = multiprocessing.get_context("spawn")
"""A process that is forked cannot use a GPU."""

TICK = 1.0
"""Seconds between two looks at whether an idle process should copy a unit that takes too long."""

RESTARTS = 3
"""How often a process that died is replaced."""

GRACE = 5.0
"""Seconds that a process has to end itself."""


@dataclass
class Process:
    """A process and the connection to it.

    Attributes:
        device: on which it computes.
        process: of the system.
        connection: units go there, and what became of them comes back.
        restarts: how often it may be replaced.
        is_busy: whether it has a unit.
    """

    device: str
    process: SpawnProcess
    connection: Connection
    restarts: int
    is_busy: bool = False

    def __str__(self) -> str:
        return f"process {self.process.pid} on {self.device}"


def run_processes(work: Work[AnyUnit], units: Sequence[AnyUnit], devices: Sequence[str]) -> None:
    """Do some units in processes of this machine, one for each device.

    What fails in one process is tried in another, up to three times; a process that dies is replaced as often.

    Args:
        work: that they belong to.
        units: to do.
        devices: of torch, such as "cuda:0"; "cpu" may occur several times.

    Raises:
        RepalignError: a unit failed too often, or every process died too often.
    """
    devices = devices[: len(units)]
    schedule, numbers = Schedule(units), count()
    processes: dict[int, Process] = {}

    def start(device: str, restarts: int = RESTARTS) -> None:
        number = next(numbers)
        processes[number] = _start(work.runner, device, len(devices), restarts)
        schedule.add(number)

    with _ended(processes), progress_of(work, units) as phase:
        for device in devices:
            start(device)
        while schedule.left:
            for number, one in processes.items():
                if not one.is_busy and (unit := schedule.next(number, time.monotonic())):
                    one.is_busy = True
                    with suppress(OSError):  # it died this very moment, which is seen below
                        one.connection.send(unit)
            waited = [part for one in processes.values() for part in (one.connection, one.process.sentinel)]
            ready = wait(waited, TICK)
            for number, one in list(processes.items()):
                if one.connection not in ready and one.process.sentinel not in ready:
                    continue
                try:
                    unit, error = one.connection.recv()
                except (EOFError, OSError):
                    del processes[number]
                    died = _died(one)
                    logger.warning("%s; others do what it had", died)
                    schedule.lost(number, died)
                    if one.restarts:
                        start(one.device, one.restarts - 1)
                    elif not processes:
                        raise RepalignError(
                            f"every process died more than {RESTARTS} times, at last {died}"
                        ) from None
                    continue
                one.is_busy = False
                if error is not None:
                    logger.warning("%s failed in %s: %s", unit, one, error)
                    schedule.failed(number, unit, error)
                elif schedule.finished(number, unit, time.monotonic()):
                    phase.update(unit.size)


def _start(runner: Callable[[str | None], Runner[Any]], device: str, beside: int, restarts: int) -> Process:
    """Start a process; `beside` of them share the CPU."""
    ours, theirs = CONTEXT.Pipe()
    threads = None if "OMP_NUM_THREADS" in os.environ else max(1, (os.cpu_count() or 1) // beside)
    process = CONTEXT.Process(target=_serve, args=(theirs, runner, device, threads), daemon=True)
    with _without_interrupts():
        process.start()
    theirs.close()  # or its end would not be noticed
    return Process(device, process, ours, restarts)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Within it, Ctrl-C waits; processes that start here never receive it, as it is this one that ends them."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _ended(processes: dict[int, Process]) -> Iterator[None]:
    """All processes are ended when it is left: the idle ones by themselves, the others at once."""
    try:
        yield
    finally:
        for one in processes.values():
            one.connection.close()
            if one.is_busy:
                one.process.terminate()
        for one in processes.values():
            one.process.join(GRACE)
            if one.process.is_alive():
                one.process.kill()
                one.process.join()


def _died(one: Process) -> str:
    """That a process died, and how."""
    one.process.join(GRACE)
    code = one.process.exitcode
    if code is not None and code < 0:
        how = f"was killed by signal {-code}" + " (out of memory?)" * (-code == 9)
    else:
        how = f"ended with exit code {code}"
    return f"{one} {how}"


def _serve(
    connection: Connection, make: Callable[[str | None], Runner[Any]], device: str, threads: int | None
) -> None:
    """The main function of a process: does units until there are no more, or whoever sends them has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    quiet()
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    runner = make(device)
    while True:
        try:
            unit = connection.recv()
        except EOFError:
            return
        error = None
        try:
            runner.run(unit)
        except (
            Exception
        ) as failure:  # whatever it is: another process tries the unit, and says why in the end
            error = reason(failure)
        with suppress(BrokenPipeError):
            connection.send((unit, error))
