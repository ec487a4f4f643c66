"""Verdicts on disk: each is asked and paid for once, however often a run is interrupted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from repalign.checkpoints import home
from repalign.errors import RepalignError
from repalign.evaluation.line_store import LineStore
from repalign.signature import digest

KEY_VERSION = "chat-1"
"""Part of the key; changed whenever the same prompt would get another verdict."""


@dataclass(frozen=True)
class Verdict:
    """1 if the first answer is better, -1 if the second is, 0 for a tie, None if the reply was unclear."""

    verdict: Literal[1, 0, -1] | None


class StoredVerdicts:
    """The verdicts of one model at one address: a JSONL file under `$REPALIGN_HOME/verdicts`.

    Args:
        address: origin and path of the API.
        model: its name there.
        ask: prompt -> verdict; asked for each prompt once, by one process at a time.
    """

    def __init__(self, address: str, model: str, ask: Callable[[str], int | None]) -> None:
        name = digest([KEY_VERSION, address, model])[:32]
        self.lines = LineStore(home() / "verdicts" / f"{name}.jsonl", Verdict)
        self._ask = ask

    def __call__(self, prompt: str) -> int | None:
        """The verdict on a prompt, stored or new.

        Raises:
            RepalignError: the service gives none, or it cannot be stored.
        """
        key = digest([prompt])
        if (known := self.lines.get(key)) is None:
            with self.lines.locked():
                self.lines.refresh()
                if (known := self.lines.get(key)) is None:
                    known = self._new(prompt)
                    self.lines.add({key: known})
        return known.verdict

    def _new(self, prompt: str) -> Verdict:
        try:
            return Verdict(self._ask(prompt))  # type: ignore[arg-type]
        except RepalignError as error:
            raise RepalignError(
                f"{error}; verdicts so far are kept: run again to ask for the others"
            ) from None
