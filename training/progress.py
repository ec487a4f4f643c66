"""Progress of a training run: share done, loss and time left."""

from __future__ import annotations

import logging
import time
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback

from repalign.progress import is_quiet

logger = logging.getLogger("repalign.training")

LINE_EVERY = 20.0
"""Seconds between two messages where stderr is not a terminal."""


def clock(seconds: float) -> str:
    """A duration for people: 0:42, 7:05, 3:10:00."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class Progress(TrainerCallback):
    """A bar on a terminal, else a message every `LINE_EVERY` seconds."""

    def __init__(self, name: str) -> None:
        self.name, self.loss = name, float("nan")

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.first_step, self.began, self.reported = state.global_step, time.monotonic(), time.monotonic()
        self.bar = tqdm(
            total=state.max_steps,
            initial=state.global_step,
            desc=self.name,
            unit="step",
            leave=False,
            disable=True if is_quiet() else None,  # None: where stderr is no terminal
        )

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.bar.update(state.global_step - self.bar.n)
        now = time.monotonic()
        if self.bar.disable and not is_quiet() and now - self.reported >= LINE_EVERY:
            self.reported = now
            seconds_per_step = (now - self.began) / (state.global_step - self.first_step)
            left = seconds_per_step * (state.max_steps - state.global_step)
            share = 100 * state.global_step / state.max_steps
            logger.info("%s: %3.0f%%, loss %.3f, %s left", self.name, share, self.loss, clock(left))

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any
    ) -> None:
        self.loss = (logs or {}).get("loss", self.loss)
        self.bar.set_postfix(loss=f"{self.loss:.3f}", refresh=False)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.bar.close()
