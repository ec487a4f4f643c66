"""Within `explained`, code that is not repalign's: what it raises becomes one line, and what it prints goes to stderr."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout

from repalign.errors import RepalignError, TooFewSentences, reason


@contextmanager
def explained(where: str, doing: str = "") -> Generator[None, None, None]:
    """Within it, whatever is raised becomes one line; what is printed goes to stderr, as stdout holds the results.

    Args:
        where: the file that the code is in, to which the line at fault is added; or something else to begin the message with.
        doing: what failed, e.g. "metric 'top5' fails on 40 sentences x 8 dims".

    Raises:
        TooFewSentences: as it is.
        RepalignError: in place of any other exception, an attempt to end the program included; not of Ctrl-C.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except TooFewSentences:
        raise
    except BaseException as error:
        if type(error) is KeyboardInterrupt:
            raise
        line = _line(error, where)
        parts = [f"{where}, line {line}" if line else where, doing, _said(error)]
        raise RepalignError(": ".join(filter(None, parts))) from error


def _line(error: BaseException, file: str) -> int | None:
    """The deepest line of a file that an exception came through."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return lines[-1] if lines else None


def _said(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return (
            f"it ends the program by sys.exit({'' if error.code is None else repr(error.code)}); remove that"
        )
    return f"SyntaxError: {error.msg}" if isinstance(error, SyntaxError) else reason(error)
