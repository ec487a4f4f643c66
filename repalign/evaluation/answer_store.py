"""Answers on disk, so that an interrupted run can resume and no prompt is answered twice."""

from __future__ import annotations

from collections.abc import Mapping

from repalign.checkpoints import home
from repalign.evaluation.line_store import LineStore
from repalign.models.generation import Answer, Prompt
from repalign.models.locating import Weights
from repalign.signature import digest

KEY_VERSION = "greedy-3"
"""Part of the key; changed whenever the same prompt would get another answer."""

MOST_TOKENS = 1 << 31
"""More than any context, and a number that tables can hold."""


class AnswerStore:
    """The answers of one checkpoint in one dtype: a JSONL file under `$REPALIGN_HOME/answers`.

    Args:
        weights: of the checkpoint.
        dtype: in which it runs.
        new_tokens: maximum length of an answer.

    Raises:
        RepalignError: the file exists and cannot be read.
    """

    def __init__(self, weights: Weights, dtype: str, new_tokens: int) -> None:
        key = digest([KEY_VERSION, weights.digest, weights.tokenizer_digest, dtype, str(new_tokens)])
        self.lines = LineStore(home() / "answers" / f"{key[:32]}.jsonl", Answer)

    def get(self, prompt: Prompt) -> Answer | None:
        """The stored answer; None if there is none, or one that cannot be an answer to this prompt."""
        answer = self.lines.get(_digest(prompt))
        fits = (
            answer is not None
            and len(answer.loglikelihoods) == len(prompt.choices)
            and 0 <= answer.tokens <= MOST_TOKENS
            and 0 <= answer.prompt_cut <= MOST_TOKENS
        )
        return answer if fits else None

    def add(self, answers: Mapping[Prompt, Answer]) -> None:
        """Store answers by prompt.

        Raises:
            RepalignError: the file cannot be written, or the disk is full.
        """
        self.lines.add({_digest(prompt): answer for prompt, answer in answers.items()})


def _digest(prompt: Prompt) -> str:
    languages = [language.code for language in (prompt.source, prompt.target) if language]
    return digest([prompt.text, *languages, *prompt.choices])
