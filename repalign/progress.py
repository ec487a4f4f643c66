"""Signs of life: a bar, or a line now and then, for all that takes long.

On stderr only, and nothing after `quiet()` or with `REPALIGN_PROGRESS=0`. On a terminal and in a notebook a phase is a bar
that disappears when it is done. Elsewhere, as in a log, it is a line once it has taken two seconds, and then one every 30
seconds. Work that will take longer than that says so in a line of its own, as soon as its speed is known.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from repalign.errors import CONTROL

if TYPE_CHECKING:
    from typing_extensions import Self

logger = logging.getLogger(__name__)

SWITCH = "REPALIGN_PROGRESS"
"""Environment variable: 0 turns all of this off."""

QUICK = 2.0
"""Seconds of a phase that need no line in a log."""

SETTLED_SHARE, SETTLED = 0.03, 10.0
"""Share of the units, or seconds, after which the speed is known: the first batch of a model takes much longer."""

LINE_EVERY = 30.0
"""Seconds between two lines in a log, and those from which the time of a phase is announced."""

TICK = 0.5
"""Seconds between two looks at the clock."""

FORMAT = "{desc}: {percentage:3.0f}% |{bar}| {n_fmt} of {total_fmt} {unit}, {remaining} left"
FORMAT_UNCOUNTED = "{desc}: {elapsed}"

_is_quiet = False
_around: ContextVar[str] = ContextVar("around", default="")
_last_line = time.monotonic()


def quiet(on: bool = True) -> None:
    """Show no bars, lines and estimates in this process, or show them again."""
    global _is_quiet
    _is_quiet = on


def is_quiet() -> bool:
    """Whether `quiet` or the environment turned all of this off."""
    return _is_quiet or os.environ.get(SWITCH, "").strip().lower() in ("0", "no", "off", "false")


@contextmanager
def within(name: str) -> Iterator[None]:
    """Within it, the names of phases begin with this one: "m-llama, length-matched: scoring"."""
    token = _around.set(f"{name}: ")
    try:
        yield
    finally:
        _around.reset(token)


@contextmanager
def beside_bars() -> Iterator[None]:
    """Within it, text can be written to stderr: bars give way, and are drawn again below it."""
    tqdm = sys.modules.get("tqdm")
    if tqdm is None:  # then there is no bar
        yield
    else:
        with tqdm.tqdm.external_write_mode(file=sys.stderr):
            yield


class Phase:
    """A stretch of work, as a context manager: `update` says that some of it is done.

    Args:
        name: what is done, in a few words: "m-llama: reading".
        total: number of units; None if there is nothing to count.
        unit: their name in the plural.
        about: how much work it is, for the line of an estimate.
        shown: whether anything is shown.
    """

    def __init__(
        self, name: str, total: int | None = None, unit: str = "", about: str = "", shown: bool = True
    ) -> None:
        self.name = CONTROL.sub(" ", _around.get() + name)
        self.total, self.unit, self.about = total, unit, about
        self.shown = shown and not is_quiet()
        self.done = 0
        self._bar: Any = None
        self._over = threading.Event()
        self._announced = self._estimated = False

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        bars = _bars() if self.shown else None
        if bars:
            self._bar = bars(
                total=self.total,
                desc=self.name,
                unit=self.unit,
                unit_scale=(self.total or 0) > 10_000,
                bar_format=FORMAT if self.total else FORMAT_UNCOUNTED,
                file=sys.stderr,
                dynamic_ncols=True,
                leave=False,
                delay=TICK,
            )
        if self.shown:
            self._watcher = threading.Thread(target=self._watch, name="repalign progress", daemon=True)
            self._watcher.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        if self.shown:
            self._watcher.join()
        if self._bar is not None:
            self._bar.close()

    def update(self, count: int = 1) -> None:
        """Some more units are done."""
        self.done += count
        if self._bar is not None:
            self._bar.update(count)

    def skip(self, count: int) -> None:
        """Some units need not be done, as they are stored: they count neither for the share nor for the speed."""
        if self.total is not None:
            self.total -= count
        if self._bar is not None:
            self._bar.total = self.total

    def left(self, elapsed: float) -> float | None:
        """Seconds that the rest will take at the speed so far; None as long as it is unknown.

        Args:
            elapsed: seconds so far.
        """
        if not self.total or not self.done:
            return None
        settled = elapsed >= SETTLED or (elapsed >= QUICK and self.done >= SETTLED_SHARE * self.total)
        return elapsed / self.done * (self.total - self.done) if settled else None

    def line(self, elapsed: float, in_full: bool = False) -> str:
        """How far it is: one line for a log.

        Args:
            elapsed: seconds so far.
            in_full: also how much work it is.
        """
        left = self.left(elapsed)
        so_far = f", {duration(elapsed)} so far" if elapsed >= SETTLED else ""
        parts = [
            f"{self.name}, {self.done:,} of {self.total:,} {self.unit}" if self.total else self.name + so_far,
            f"about {duration(left)} left" if left else "",
            self.about if in_full else "",
        ]
        return "; ".join(filter(None, parts))

    def _watch(self) -> None:
        """In a thread of its own: also a single long step shows that the program is alive."""
        global _last_line
        while not self._over.wait(TICK):
            now = time.monotonic()
            if self._bar is not None:
                self._bar.refresh()
                self._bar.delay = 0  # or tqdm, which drew nothing itself, would not clear it
            if line := self.due(now - self._began, now - _last_line):
                _last_line = now
                logger.info("%s", line)

    def due(self, elapsed: float, silent: float) -> str | None:
        """The line that is due now, if one is.

        Args:
            elapsed: seconds since the beginning.
            silent: seconds since the latest line of any phase.
        """
        left = self.left(elapsed)
        if not self._estimated and left is not None and elapsed + left > LINE_EVERY:
            self._announced = self._estimated = True
            return self.line(elapsed, in_full=True)
        if self._bar is not None:
            return None
        if silent < LINE_EVERY and (self._announced or elapsed < QUICK):
            return None
        self._announced = True
        return self.line(elapsed)


def duration(seconds: float) -> str:
    """A length of time for people, to one or two digits.

    >>> duration(7), duration(42), duration(200), duration(8000)
    ('7 s', '40 s', '3 min', '2 h 13 min')
    """
    if seconds < 10:
        return f"{max(1, round(seconds))} s"
    if seconds < 90:
        return f"{round(seconds, -1):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _bars() -> Any:
    """The class of bars that fits where stderr is shown: a terminal or a notebook; None elsewhere."""
    if "ipykernel" in sys.modules:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that ipywidgets are missing: bars are then text
            from tqdm.auto import tqdm as in_notebook
        return in_notebook
    if sys.stderr is not None and sys.stderr.isatty():
        from tqdm import tqdm

        return tqdm
    return None
