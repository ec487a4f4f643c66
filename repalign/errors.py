"""RepalignError, whose message says what was expected, what was given and what to do; exit codes of commands."""

from __future__ import annotations

import difflib
import functools
import inspect
import os
import re
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
"""Characters that would break the line of a message, or steer a terminal."""

LONGEST = 400
"""Characters of a reason: some libraries list every weight."""


MOST_MEANT = 6
"""Near misses that a message names."""


class RepalignError(Exception):
    """An error the user can fix. The command line prints its message on one line and exits with code 1.

    Messages quote names and text of files; control characters in them become spaces.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(CONTROL.sub(" ", str(message)))


def reason(error: BaseException) -> str:
    """The message of an exception in one line; where it may be only a name or a number, with its type."""
    text = " ".join(str(error).split())
    if len(text) > LONGEST:
        text = text[:LONGEST].rpartition(" ")[0] + " ..."
    if not text:
        return type(error).__name__
    speaks = (
        isinstance(error, (RepalignError, ValueError, OSError, ImportError, RuntimeError))
        or type(error) is Exception
    )
    return text if speaks else f"{type(error).__name__}: {text}"


class TooFewSentences(RepalignError):
    """Fewer sentences than a metric needs.

    Attributes:
        metric: name of the metric.
    """

    def __init__(self, metric: str, needed: int, given: int, why: str = "", instead: str = "leave it out"):
        super().__init__(
            f"metric {metric!r} needs at least {needed} sentences{why}, got {given}; "
            f"give more sentences or {instead}"
        )
        self.metric = metric


def near_misses(name: str, known: Iterable[str]) -> list[str]:
    """The known names that may be meant, in any case: the shortest that begin with it, or else the one spelled most alike.

    >>> near_misses("x-llama", ["m-llama", "x-llama-tr", "x-llama-zh", "x-llama-zh-paper"]), near_misses("mexxa", ["mexa"])
    (['x-llama-tr', 'x-llama-zh'], ['mexa'])
    """
    folded = {one.casefold(): one for one in sorted(known, reverse=True)}
    asked = name.casefold()
    longer = [one for one in sorted(folded) if one.startswith(asked)] if len(asked) > 1 else []
    shortest = [one for one in longer if len(one) == min(map(len, longer))]
    close = shortest or difflib.get_close_matches(asked, folded, n=1, cutoff=0.5)
    return [folded[one] for one in close]


def did_you_mean(close: Sequence[str]) -> str:
    """The question that a message about an unknown name asks; empty if no known name is like it.

    >>> did_you_mean(["ar", "el", "zh"])
    "; did you mean 'ar', 'el' or 'zh'?"
    """
    *others, last = map(repr, close[:MOST_MEANT] or [""])
    names = f"{', '.join(others)} or {last}" if others else last
    return f"; did you mean {names}?" if close else ""


def unknown(kind: str, name: str, known: Iterable[str], hint: str = "") -> RepalignError:
    """The error for an unknown name, with the closest known name if there is one.

    Args:
        kind: what the name stands for, e.g. "metric".
        name: the unknown name.
        known: the known names.
        hint: what else would be accepted.

    >>> str(unknown("metric", "mexxa", ["mexa", "cka"]))
    "no metric named 'mexxa'; did you mean 'mexa'? (known: cka, mexa)"
    """
    known = sorted(known)
    close = did_you_mean(near_misses(name, known))
    parts = [f"no {kind} named {name!r}{close}"]
    if known:
        listed = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
        parts.append(f" (known: {listed})" if close else f"; known: {listed}")
    if hint:
        parts.append(f"; {hint}")
    return RepalignError("".join(parts))


class UnknownKeyword(RepalignError, TypeError):
    """A keyword argument that a function does not have."""


def explained_keywords(**renamed: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator: an unknown keyword argument is an error that names the nearest one.

    >>> extract("m-llama", "everyday", poling="last")
    Traceback (most recent call last):
    UnknownKeyword: extract() has no argument named 'poling'; did you mean 'pooling'? ...

    Args:
        **renamed: old names, still accepted with a warning, and what they are called now.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        known = inspect.signature(function).parameters

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            for name in [name for name in kwargs if name not in known]:
                if name not in renamed:
                    message = str(unknown("argument", name, known)).removeprefix("no ")
                    raise UnknownKeyword(f"{function.__name__}() has no {message}")
                new = f"argument {name!r} of {function.__name__}() is now {renamed[name]!r}"
                if renamed[name] in kwargs:
                    raise UnknownKeyword(f"{new}; give only that")
                warnings.warn(new, DeprecationWarning, stacklevel=2)
                kwargs[renamed[name]] = kwargs.pop(name)
            return function(*args, **kwargs)

        return checked

    return decorate


class Terminated(KeyboardInterrupt):
    """SIGTERM, with which clusters and service managers end a program: everything is cleaned up as after Ctrl-C."""


@contextmanager
def terminable() -> Iterator[None]:
    """Within it, SIGTERM raises `Terminated` where the main thread is. In another thread this changes nothing."""
    process = os.getpid()

    def terminate(number: int, frame: object) -> None:
        if os.getpid() == process:
            raise Terminated
        signal.signal(number, signal.SIG_DFL)  # a forked worker ends as it would have, without a traceback
        os.kill(os.getpid(), number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def exit_code(program: str, run: Callable[[], Iterable[object]], resume_from: str = "") -> int:
    """Run a command and print its results, one per line: the last step of every `main`.

    Args:
        program: prefix of messages on stderr.
        run: the command.
        resume_from: where the command resumes when it is rerun after an interruption, e.g. "the last checkpoint"; empty
            if it starts again from the beginning.

    Returns:
        0 on success, 1 for a `RepalignError`, too little memory or a file that fails (one line on stderr; raised if REPALIGN_DEBUG is set), 130
        after Ctrl-C, 143 after SIGTERM.
    """
    try:
        with terminable():
            for line in run():
                print(line)
        return 0
    except KeyboardInterrupt as stop:
        what, code = ("terminated", 143) if isinstance(stop, Terminated) else ("interrupted", 130)
        where = f" to resume from {resume_from}" if resume_from else ""
        print(f"{program}: {what}; rerun the same command{where}", file=sys.stderr)
        return code
    except BrokenPipeError:  # the reader of the output exited, e.g. `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (RepalignError, MemoryError, OSError) as error:
        said = _in_words(error)
        if said is None or os.environ.get("REPALIGN_DEBUG"):
            raise
        print(f"{program}: {said}", file=sys.stderr)
        return 1


def _in_words(error: BaseException) -> RepalignError | None:
    """What a user can do about an error; None for one that only its traceback explains."""
    if isinstance(error, RepalignError):
        return error
    if isinstance(error, MemoryError):
        return RepalignError(
            "out of memory; read fewer sentences or a smaller file, or use a machine with more memory"
        )
    if isinstance(error, OSError) and error.filename is not None:  # where nobody expected it: a failing disk
        return RepalignError(f"{error.filename}: {error.strerror}; give another path, or check the disk")
    return None
