"""Shows on the terminal what the library logs; only commands do this."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from repalign.progress import beside_bars


class _BesideBars(logging.StreamHandler):
    """Writes to stderr, above the bar that may be there."""

    def emit(self, record: logging.LogRecord) -> None:
        with beside_bars():
            super().emit(record)


@contextmanager
def log_to_stderr(prefix: str = "repalign: ") -> Iterator[None]:
    """Within it, messages of the logger "repalign" and those below it appear on stderr, from INFO up.

    On exit the logger is restored, so that a command called from Python leaves no handler behind.

    Args:
        prefix: put before each message.
    """
    logger, handler = logging.getLogger("repalign"), _BesideBars()
    handler.setFormatter(logging.Formatter(prefix.replace("%", "%%") + "%(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
