"""A chat API, asked one prompt at a time and again where it fails."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable

from repalign.errors import RepalignError
from repalign.evaluation.chat_requests import Address, Failed, Limits, post
from repalign.evaluation.chat_responses import reply_in

LONG = 5.0
"""Seconds of a pause from which a message announces it."""

logger = logging.getLogger(__name__)


class ChatApi:
    """An OpenAI-compatible chat API (`/v1/chat/completions`), asked at temperature 0.

    The key is read from the environment variable `REPALIGN_JUDGE_KEY`, if the service needs one, and goes to `url` only.
    Failed connections, time-outs, responses that are cut short or in another format, and the statuses 408, 409, 425, 429 and
    from 500 are retried after the time that `Retry-After` names, else after 1, 2, 4, ... seconds, less up to half at random.

    Args:
        url: of the API.
        model: its name there.
        limits: of time and size.
        sleep, clock, jitter: wait for seconds; the time in seconds; a random number from 0 to 1.

    Raises:
        RepalignError: not a URL of http or https, or a key that no header can carry.
    """

    def __init__(
        self,
        url: str,
        model: str,
        limits: Limits | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.address, self.model, self.limits = Address.of(url), model, limits or Limits()
        self._sleep, self._clock, self._jitter = sleep, clock, jitter
        self._lost = 0.0

    def __call__(self, prompt: str) -> str:
        """The reply to a prompt.

        Raises:
            RepalignError: the service refuses, redirects, or gives no usable reply within the limits.
        """
        message = {"model": self.model, "temperature": 0, "messages": [{"role": "user", "content": prompt}]}
        attempt = 0
        while True:
            attempt, began = attempt + 1, self._clock()
            try:
                return reply_in(post(self.address, message, self.limits), self.address)
            except Failed as failed:
                pause = self._pause(failed, attempt)
                self._lost += self._clock() - began + pause
                self._check(failed, attempt)
                if pause >= LONG:
                    logger.warning("the judge %s; asking again in %.0f seconds", failed.reason, pause)
            self._sleep(pause)

    def _pause(self, failed: Failed, attempt: int) -> float:
        backoff = 2.0 ** (attempt - 1) * (1 - self._jitter() / 2)
        return min(self.limits.pause, backoff if failed.pause is None else failed.pause)

    def _check(self, failed: Failed, attempt: int) -> None:
        """
        Raises:
            RepalignError: if it is useless to ask again, or no longer allowed.
        """
        if failed.final:
            limit = ""
        elif attempt == self.limits.attempts:
            limit = f", as the last of {attempt} attempts"
        elif self._lost > self.limits.lost:
            limit = f", and failures have cost {self.limits.lost / 60:g} minutes in this run"
        else:
            return
        raise RepalignError(f"the judge at {self.address.shown} {failed.reason}{limit}") from None
