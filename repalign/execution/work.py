"""What the ways to run have in common: units of work, in any order and by anybody, and those who do them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Protocol, TypeVar

from repalign.errors import RepalignError
from repalign.progress import Phase
from repalign.results.summary import few
from repalign.states.storage import Storage


class Unit(Protocol):
    """A piece of work: done twice, it leaves the same files. It can be compared, hashed and sent; `str()` names it.

    Attributes:
        checkpoint: the model that it needs: a worker goes on with the one that it has loaded.
        cost: to which its time is roughly proportional.
        size: what its progress counts.
    """

    @property
    def checkpoint(self) -> str: ...
    @property
    def cost(self) -> float: ...
    @property
    def size(self) -> int: ...
    def __hash__(self) -> int: ...


AnyUnit = TypeVar("AnyUnit", bound=Unit)
OneUnit = TypeVar("OneUnit", bound=Unit, contravariant=True)


class Runner(Protocol[OneUnit]):
    """Does units, one after another."""

    def run(self, unit: OneUnit, phase: Phase | None = None, /) -> bool:
        """Do a unit, unless it is done. Returns whether there was anything to do; what is done here is counted by the phase."""
        ...


class Work(Protocol[OneUnit]):
    """What it takes to do units.

    Attributes:
        runner: makes one who does them, on a device of torch; None for that of the plan. It is sent to other processes.
        counted: what progress counts, in a word: "tokens".
        doing: what is done to a checkpoint: "reading".
        is_shown: whether progress is.
    """

    @property
    def runner(self) -> Callable[[str | None], Runner[OneUnit]]: ...
    @property
    def counted(self) -> str: ...
    @property
    def doing(self) -> str: ...
    @property
    def is_shown(self) -> bool: ...


class Planned(Work[AnyUnit], Protocol[AnyUnit]):
    """All units of a kind, some of which may be done.

    Attributes:
        units: all of them.
        noun: what they are, in the plural: "shards".
        storage: where results are stored.
    """

    @property
    def units(self) -> tuple[AnyUnit, ...]: ...
    @property
    def noun(self) -> str: ...
    @property
    def storage(self) -> Storage: ...

    def unwritten(self) -> list[AnyUnit]:
        """The units that are not done."""
        ...

    def prepare(self, units: Sequence[AnyUnit], /) -> None:
        """Refuses, before the work, units that could not be done or stored."""
        ...


def run_here(work: Work[AnyUnit], units: Sequence[AnyUnit]) -> None:
    """Do some units in this process.

    Raises:
        RepalignError: a unit cannot be done.
    """
    runner = work.runner(None)
    with progress_of(work, units) as phase:
        for unit in units:
            if not runner.run(unit, phase):
                phase.skip(unit.size)


def check_written(work: Planned[Any]) -> None:
    """
    Raises:
        RepalignError: the store lacks a unit that was done.
    """
    if left := work.unwritten():
        raise RepalignError(
            f"{len(left)} of {len(work.units)} {work.noun} are missing after they were computed, such as {left[0]}: something "
            f"removed them from {work.storage}, or another machine sees other files there; run again to compute them"
        )


def progress_of(work: Work[AnyUnit], units: Sequence[AnyUnit]) -> Phase:
    """The progress of some units."""
    name = few(dict.fromkeys(unit.checkpoint for unit in units))
    return Phase(f"{name}: {work.doing}", sum(unit.size for unit in units), work.counted, shown=work.is_shown)


def share_of(units: Sequence[AnyUnit], number: int, count: int) -> tuple[AnyUnit, ...]:
    """One of `count` shares of equal cost, each of consecutive units. Together they hold each unit once.

    Args:
        units: all of them.
        number: from 1.
        count: of all shares.

    Raises:
        RepalignError: there is no share of that number.
    """
    if not 1 <= number <= count:
        raise RepalignError(f"shares are numbered from 1 to {count}, got {number}/{count}")
    ends = list(accumulate(unit.cost for unit in units))
    middles = (end - unit.cost / 2 for end, unit in zip(ends, units, strict=True))
    chosen = (min(int(count * middle / ends[-1]), count - 1) + 1 == number for middle in middles)
    return tuple(unit for unit, is_chosen in zip(units, chosen, strict=True) if is_chosen)
