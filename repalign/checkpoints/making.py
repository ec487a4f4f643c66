"""Making a checkpoint that does not exist yet, by the training package, in a separate process."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Sequence

from repalign.checkpoints.checkpoint import Checkpoint
from repalign.errors import RepalignError, Terminated

logger = logging.getLogger(__name__)

NOT_INSTALLED = 127
"""Exit code if there is no training package: the code of a shell for a command that it cannot find."""

# `python -m` and `python -c` search the current folder first, where any project may have a `repalign_training`. The
# option that prevents this, `-P`, is missing in Python 3.10, and `-I` ignores PYTHONPATH too; so the entry is removed before
# anything is imported. The current folder itself does not change: a relative REPALIGN_HOME means the same in both processes.
START = f"""\
import sys
if sys.path[:1] == [""]:
    del sys.path[0]
from importlib.util import find_spec
if find_spec("repalign_training") is None:
    sys.exit({NOT_INSTALLED})
from repalign_training.__main__ import main
sys.exit(main())
"""


def make(checkpoints: Sequence[Checkpoint], train: bool = True) -> None:
    """Train those checkpoints that have a recipe and no folder yet (the training package trains their parents first).

    Raises:
        RepalignError: training is refused (`train=False`) or failed, or the training package is not installed.
    """
    missing = list(dict.fromkeys(c.recipe for c in checkpoints if c.recipe and c.folder is None))
    if not missing:
        return
    shown = "repalign-train " + " ".join(missing)
    if not train:
        raise RepalignError(f"not trained yet: {', '.join(missing)}; run `{shown}`, or leave out --no-train")
    logger.info("training %s first (once; `%s`)", ", ".join(missing), shown)
    command = [sys.executable, "-c", START, *missing]
    status = subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode
    if status in (130, -signal.SIGINT):
        raise KeyboardInterrupt
    if status in (143, -signal.SIGTERM):
        raise Terminated
    if status == NOT_INSTALLED:
        raise RepalignError(
            f"cannot train {', '.join(missing)}: the package repalign_training is not installed; "
            "reinstall repalign, in a checkout with `pip install -e .`"
        )
    if status:
        raise RepalignError(f"`{shown}` failed with exit code {status}; see its message above")
