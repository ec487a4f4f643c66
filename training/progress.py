"""How far training is and how long it still takes, on stderr."""

from __future__ import annotations

import sys
import time
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback

LINE_EVERY = 20.0
"""Seconds between two lines where stderr is no terminal."""


def clock(seconds: float) -> str:
    """Seconds as people read them: 0:42, 7:05, 3:10:00."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class Progress(TrainerCallback):
    """A bar on a terminal, else a line now and then: share done, loss, time left."""

    def __init__(self, name: str) -> None:
        self.name, self.loss = name, float("nan")

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.first, self.began, self.said = state.global_step, time.monotonic(), time.monotonic()
        self.bar = tqdm(
            total=state.max_steps,
            initial=state.global_step,
            desc=self.name,
            unit="step",
            leave=False,
            disable=None,
        )

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.bar.update(state.global_step - self.bar.n)
        now = time.monotonic()
        if self.bar.disable and now - self.said >= LINE_EVERY:
            self.said = now
            left = (
                (now - self.began) / (state.global_step - self.first) * (state.max_steps - state.global_step)
            )
            share = state.global_step / state.max_steps
            print(
                f"{self.name}: {share:4.0%}, loss {self.loss:.3f}, {clock(left)} left",
                file=sys.stderr,
                flush=True,
            )

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any
    ) -> None:
        self.loss = (logs or {}).get("loss", self.loss)
        self.bar.set_postfix(loss=f"{self.loss:.3f}", refresh=False)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.bar.close()
