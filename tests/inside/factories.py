"""Languages of the tests, and a model opened for reading."""

from __future__ import annotations

from repalign.checkpoints import Checkpoint
from repalign.models.engine import Engine
from repalign.models.locating import locate

LANGUAGES = ("en", "el", "zh")


def opened(folder):
    return Engine.open(locate(Checkpoint.named(str(folder))), dtype="float32", device="cpu")
