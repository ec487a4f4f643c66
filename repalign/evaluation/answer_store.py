"""Answers on disk, so that an interrupted run can resume and no prompt is answered twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from repalign.checkpoints import home
from repalign.errors import RepalignError
from repalign.models.generation import Answer, Prompt
from repalign.models.locating import Weights
from repalign.signature import digest

KEY_VERSION = "greedy-3"
"""Part of the key; changed whenever the same prompt would get another answer."""


class AnswerStore:
    """The answers of one checkpoint in one dtype: a JSONL file under `$REPALIGN_HOME/answers`.

    Args:
        weights: of the checkpoint.
        dtype: in which it runs.
        new_tokens: maximum length of an answer.
    """

    def __init__(self, weights: Weights, dtype: str, new_tokens: int) -> None:
        key = digest([KEY_VERSION, weights.digest, weights.tokenizer_digest, dtype, str(new_tokens)])
        self.path = home() / "answers" / f"{key[:32]}.jsonl"
        self.answers = _read(self.path) if self.path.is_file() else {}

    def get(self, prompt: Prompt) -> Answer | None:
        """The stored answer, or None."""
        return self.answers.get(_digest(prompt))

    def add(self, answers: Mapping[Prompt, Answer]) -> None:
        """Store answers by prompt.

        Raises:
            RepalignError: the file cannot be written, or the disk is full.
        """
        by_digest = {_digest(prompt): answer for prompt, answer in answers.items()}
        self.answers |= by_digest
        lines = [
            json.dumps({"prompt": key, **asdict(answer)}, ensure_ascii=False)
            for key, answer in by_digest.items()
        ]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n".join(["", *lines, ""]))  # a line cut short by a kill damages no other
        except OSError as error:
            raise RepalignError(
                f"cannot write answers to {self.path}: {error.strerror}; use --no-store"
            ) from error


def _digest(prompt: Prompt) -> str:
    languages = [language.code for language in (prompt.source, prompt.target) if language]
    return digest([prompt.text, *languages, *prompt.choices])


def _read(path: Path) -> dict[str, Answer]:
    # Split at line feeds only: answers may contain the other characters at which str.splitlines splits.
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return dict(entry for line in lines if (entry := _parsed(line)))


def _parsed(line: str) -> tuple[str, Answer] | None:
    """None for an empty line or one cut short by a kill: its prompt is answered again."""
    try:
        row = json.loads(line)
        likelihoods = tuple(row.pop("loglikelihoods", ()))
        return row.pop("prompt"), Answer(**row, loglikelihoods=likelihoods)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
