"""Formats of instruction data, recognised by their columns: Alpaca, Dolly, prompts with completions, conversations."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from repalign import RepalignError
from repalign.errors import unknown

from .rows import field_text

logger = logging.getLogger("repalign.training")

Texts = tuple[str, str, str]
"""Instruction, input, output."""

ROLES = {
    "system": "System", "developer": "System", "user": "User", "human": "User", "assistant": "Assistant",
    "gpt": "Assistant", "chatgpt": "Assistant", "bing": "Assistant", "bard": "Assistant", "model": "Assistant",
    "tool": "Tool", "function": "Tool", "function_call": "Tool", "observation": "Tool",
}  # fmt: skip
"""Who speaks, as OpenAI's and ShareGPT's formats have it, and as a conversation so far shows it."""


class Format(NamedTuple):
    """A format.

    Attributes:
        name: for people.
        needed, optional: its columns.
        read: (row, place for messages) -> the texts of its items.
    """

    name: str
    needed: tuple[str, ...]
    optional: tuple[str, ...]
    read: Callable[[Mapping[str, Any], str], Iterator[Texts]]


def _single(
    instruction: str, input_: str, output: str
) -> Callable[[Mapping[str, Any], str], Iterator[Texts]]:
    """A reader of rows with one question and one answer, under these names."""

    def read(row: Mapping[str, Any], where: str) -> Iterator[Texts]:
        yield (
            field_text(row, instruction, where),
            field_text(row, input_, where) if input_ else "",
            field_text(row, output, where),
        )

    return read


def _conversation(column: str) -> Callable[[Mapping[str, Any], str], Iterator[Texts]]:
    """A reader of conversations, under this name: one item for each answer, whose instruction is all that precedes it.

    Without earlier answers that is the system message, if any, and the question; else each message with its speaker.
    """

    def read(row: Mapping[str, Any], where: str) -> Iterator[Texts]:
        so_far: list[tuple[str, str]] = []
        answers = 0
        for speaker, text in _messages(row.get(column), column, where):
            if speaker == "Assistant":
                answers += 1
                yield _so_far(so_far), "", text
            so_far.append((speaker, text))
        if not answers:
            yield _so_far(so_far), "", ""

    return read


def _messages(messages: Any, column: str, where: str) -> Iterator[tuple[str, str]]:
    """Speaker and text of each message."""
    if not isinstance(messages, (list, type(None))):
        raise RepalignError(f"{where}: {column!r} should be a list of messages, got {str(messages)[:40]!r}")
    for number, message in enumerate(messages or (), start=1):
        place = f"{where}, message {number}"
        role, content = (
            ("role", "content") if isinstance(message, dict) and "role" in message else ("from", "value")
        )
        if not isinstance(message, dict) or role not in message:
            raise RepalignError(
                f"{place}: expected an object with role and content, or from and value, got {str(message)[:40]!r}"
            )
        speaker = field_text(message, role, place)
        if speaker.lower() not in ROLES:
            raise unknown("role", speaker, ROLES, f"in {place}")
        yield ROLES[speaker.lower()], field_text(message, content, place)


def _so_far(messages: Sequence[tuple[str, str]]) -> str:
    if any(speaker in ("Assistant", "Tool") for speaker, _ in messages):
        return "\n\n".join(f"{speaker}: {text}" for speaker, text in messages)
    return "\n\n".join(text for _, text in messages if text)


FORMATS = (
    Format("messages, as of OpenAI", ("messages",), (), _conversation("messages")),
    Format("conversations, as of ShareGPT", ("conversations",), (), _conversation("conversations")),
    Format("Alpaca's format", ("instruction", "output"), ("input",), _single("instruction", "input", "output")),
    Format("Dolly's format", ("instruction", "response"), ("context",), _single("instruction", "context", "response")),
    Format("prompts and completions", ("prompt", "completion"), (), _single("prompt", "", "completion")),
    Format("prompts and responses", ("prompt", "response"), (), _single("prompt", "", "response")),
)  # fmt: skip
"""In the order in which they are looked for."""


def recognise(row: Mapping[str, Any], where: str, place: str) -> Format:
    """The format of a file by its first row. It is logged, with the columns that are not read.

    Args:
        where: how messages refer to the file.
        place: and to the row.

    Raises:
        RepalignError: none of the formats.
    """
    for one in FORMATS:
        if all(name in row for name in one.needed):
            columns = (*one.needed, *one.optional)
            unread = [name for name in row if name not in columns]
            left_out = f"; not read: {', '.join(unread)}" if unread else ""
            logger.info("%s: %s (%s)%s", where, one.name, ", ".join(n for n in row if n in columns), left_out)
            return one
    known = "; ".join(f"{one.name}: {', '.join((*one.needed, *one.optional))}" for one in FORMATS)
    raise RepalignError(
        f"{place}: its columns, {str(list(row))[:200]}, are those of no format of instructions ({known}); rename them"
    )
