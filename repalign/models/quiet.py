"""transformers without its notices and progress bars, for a while."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Within it, transformers logs errors only, and neither it nor huggingface_hub shows a progress bar.

    On exit, also after an exception, both are exactly as before: they are settings of the whole process, which a
    library has no business to change. May be nested. Not for threads that need different settings.
    """
    from huggingface_hub.utils.tqdm import progress_bar_states
    from transformers.utils import logging as transformers_logging

    # transformers sets its default level when its logging is first used: read the level after that. Its own
    # `get_verbosity` gives the effective level, which may be that of the root logger.
    transformers_logging.get_verbosity()
    logger = logging.getLogger("transformers")
    level = logger.level
    bars, hub_bars = transformers_logging.is_progress_bar_enabled(), dict(progress_bar_states)
    logger.setLevel(logging.ERROR)
    _show_progress_bars(False)
    try:
        yield
    finally:
        _show_progress_bars(bars)
        progress_bar_states.clear()  # the call above switches all groups of the hub's bars alike
        progress_bar_states.update(hub_bars)
        logger.setLevel(level)


def _show_progress_bars(shown: bool) -> None:
    from transformers.utils import logging as transformers_logging

    with warnings.catch_warnings():
        # huggingface_hub warns where an environment variable decides; then that is what the user chose.
        warnings.filterwarnings("ignore", message="Cannot (dis|en)able progress bars")
        (transformers_logging.enable_progress_bar if shown else transformers_logging.disable_progress_bar)()
