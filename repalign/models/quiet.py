"""A context in which transformers shows neither notices nor progress bars."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Within it, transformers logs errors only, and neither it nor huggingface_hub shows a progress bar.

    On exit, also after an exception, both are exactly as before: they are settings of the whole process, which a
    library should not change. It may be nested, but threads cannot have different settings.
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
        progress_bar_states.clear()  # the call above sets all groups of the hub's bars alike
        progress_bar_states.update(hub_bars)
        logger.setLevel(level)


def _show_progress_bars(shown: bool) -> None:
    from transformers.utils import logging as transformers_logging

    with warnings.catch_warnings():
        # huggingface_hub warns if an environment variable decides; that is the user's choice.
        warnings.filterwarnings("ignore", message="Cannot (dis|en)able progress bars")
        (transformers_logging.enable_progress_bar if shown else transformers_logging.disable_progress_bar)()
