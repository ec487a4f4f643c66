"""A pooling that takes its time, so that a test can kill what is at work; a module, as workers import it."""

from __future__ import annotations

import time

from torch import Tensor

from repalign.models.pooling import Pooling

SECONDS = 0.3
"""For each layer of a batch."""


def slow_mean(hidden: Tensor, content: Tensor, real: Tensor) -> Tensor:
    time.sleep(SECONDS)
    return (hidden * content[..., None]).sum(1) / content.sum(1, keepdim=True)


SLOW = Pooling("slow-mean", slow_mean, sees_prompt=False)
