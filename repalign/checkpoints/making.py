"""Making a checkpoint that is not there yet, by the training package, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from repalign.checkpoints.checkpoint import Checkpoint
from repalign.errors import RepalignError


def make(checkpoints: Sequence[Checkpoint], train: bool = True) -> None:
    """Train those checkpoints that have a recipe and no folder yet (the training package trains their parents first).

    Raises:
        RepalignError: training is refused (`train=False`) or failed.
    """
    missing = list(dict.fromkeys(c.recipe for c in checkpoints if c.recipe and c.folder is None))
    if not missing:
        return
    command = [sys.executable, "-m", "training", *missing]
    shown = "python -m training " + " ".join(missing)
    if not train:
        raise RepalignError(f"not trained yet: {', '.join(missing)}; run `{shown}`, or leave out --no-train")
    print(f"repalign: training {', '.join(missing)} first (once; `{shown}`)", file=sys.stderr, flush=True)
    status = subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode
    if status == 130 or status == -2:
        raise KeyboardInterrupt
    if status:
        raise RepalignError(f"`{shown}` failed with exit code {status}; its message stands above")
