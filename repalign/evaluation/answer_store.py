"""Answers kept on disk, so that a killed run goes on and the same question is never asked twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from repalign.checkpoints import home
from repalign.errors import RepalignError
from repalign.models.generation import Answer
from repalign.models.loading import Weights
from repalign.signature import digest

KEY_VERSION = "greedy-2"
"""Changes when answers would."""


class AnswerStore:
    """The answers of one checkpoint in one precision: a file under `$REPALIGN_HOME/answers`, one line each.

    Args:
        weights: of the checkpoint.
        dtype: it answers in.
        new_tokens: that an answer may have.
    """

    def __init__(self, weights: Weights, dtype: str, new_tokens: int) -> None:
        key = digest([KEY_VERSION, weights.digest, weights.tokenizer_digest, dtype, str(new_tokens)])
        self.path = home() / "answers" / f"{key[:32]}.jsonl"
        self.answers = _read(self.path) if self.path.is_file() else {}

    def get(self, prompt: str) -> Answer | None:
        return self.answers.get(digest([prompt]))

    def add(self, answers: Mapping[str, Answer]) -> None:
        """Keep the answers to some prompts.

        Raises:
            RepalignError: the file cannot be written, or the disk is full.
        """
        named = {digest([prompt]): answer for prompt, answer in answers.items()}
        self.answers |= named
        lines = [
            json.dumps({"prompt": name, **asdict(answer)}, ensure_ascii=False)
            for name, answer in named.items()
        ]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n".join(["", *lines, ""]))  # a line that a kill cut short spoils no other
        except OSError as error:
            raise RepalignError(
                f"cannot keep answers in {self.path}: {error.strerror}; use --no-store"
            ) from error


def _read(path: Path) -> dict[str, Answer]:
    # by line feeds alone: answers may hold the other characters that end a line
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return dict(entry for line in lines if (entry := _parsed(line)))


def _parsed(line: str) -> tuple[str, Answer] | None:
    """None for a line that is empty, or cut short by a kill: its prompt is asked again."""
    try:
        row = json.loads(line)
        return row.pop("prompt"), Answer(**row)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
