"""Shows on the terminal what the library logs; only commands do this."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def log_to_stderr(prefix: str = "repalign: ") -> Iterator[None]:
    """Within it, messages of the logger "repalign" and those below it appear on stderr, from INFO up.

    On exit the logger is restored, so that a command called from Python leaves no handler behind.

    Args:
        prefix: put before each message.
    """
    logger, handler = logging.getLogger("repalign"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter(prefix.replace("%", "%%") + "%(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
