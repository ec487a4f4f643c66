"""What a tokenizer's files may hold, looked at before it is made: a few kilobytes could take hours to load, or fill any memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from repalign.errors import RepalignError

MOST_ADDED = 70_000
"""Tokens beside the vocabulary: those of models of speech and images are up to 65,536. Loading takes their square."""

MOST_STEPS = 5_000
"""Normalizers and pre-tokenizers in a row: some replace every emoji by its name."""

MOST_BYTE_LEVELS = 3
"""Steps that write bytes as characters: each may double a text."""

MOST_AROUND = 1_000
"""Characters that are put before a text, and tokens around it."""


class Definition(msgspec.Struct):
    """What is looked at in tokenizer.json; its vocabulary is skipped, which takes a hundredth of the time to read it."""

    added_tokens: list[msgspec.Raw] = []
    normalizer: Any = None
    pre_tokenizer: Any = None
    post_processor: Any = None


class Settings(msgspec.Struct):
    """What is looked at in tokenizer_config.json."""

    added_tokens_decoder: dict[str, msgspec.Raw] = {}
    extra_special_tokens: Any = None
    additional_special_tokens: Any = None


def check_tokenizer(folder: Path) -> None:
    """
    Raises:
        RepalignError: a definition in a folder that would take too long or too much memory; says what is too many.
    """
    if definition := _read(folder / "tokenizer.json", Definition):
        steps = [*_steps(definition.normalizer), *_steps(definition.pre_tokenizer)]
        around = list(_around(definition.post_processor))
        counts = {
            "added tokens": (len(definition.added_tokens), MOST_ADDED),
            "steps": (len(steps), MOST_STEPS),
            "ByteLevel steps": (sum(step.get("type") == "ByteLevel" for step in steps), MOST_BYTE_LEVELS),
            "characters before each text": (
                sum(len(str(step.get("prepend", ""))) for step in steps),
                MOST_AROUND,
            ),
            "tokens around each text": (sum(around), MOST_AROUND),
        }
        _refuse(folder / "tokenizer.json", counts)
    if settings := _read(folder / "tokenizer_config.json", Settings):
        added = (
            settings.added_tokens_decoder,
            settings.extra_special_tokens,
            settings.additional_special_tokens,
        )
        count = sum(len(tokens) for tokens in added if isinstance(tokens, (dict, list)))
        _refuse(
            folder / "tokenizer_config.json", {"added tokens": (count, 2 * MOST_ADDED)}
        )  # it may list them twice
    if tokens := _read(folder / "added_tokens.json", dict[str, msgspec.Raw]):
        _refuse(folder / "added_tokens.json", {"added tokens": (len(tokens), MOST_ADDED)})


def _refuse(path: Path, counts: dict[str, tuple[int, int]]) -> None:
    for what, (count, most) in counts.items():
        if count > most:
            raise RepalignError(
                f"{path} has {count:,} {what}, and no tokenizer has more than {most:,}; save the tokenizer there again"
            )


def _read(path: Path, kind: Any) -> Any:
    """None where it is missing or of another form, which the tokenizer's own reader explains."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _steps(step: Any) -> Iterator[dict[str, Any]]:
    """The steps of a normalizer or pre-tokenizer, one after the other, without those that hold others."""
    pending = [step]
    while pending:
        step = pending.pop()
        if isinstance(step, dict):
            inner = step.get("normalizers") or step.get("pretokenizers") or step.get("processors")
            if isinstance(inner, list):
                pending += inner
            else:
                yield step


def _around(processor: Any) -> Iterator[int]:
    """How many tokens each part of a template adds to a text."""
    for step in _steps(processor):
        special = step.get("special_tokens")
        parts = step.get("single")
        if isinstance(special, dict) and isinstance(parts, list):
            lengths = {
                name: len(one["ids"])
                for name, one in special.items()
                if isinstance(one, dict) and isinstance(one.get("ids"), list)
            }
            names = (
                part["SpecialToken"].get("id")
                for part in parts
                if isinstance(part, dict) and isinstance(part.get("SpecialToken"), dict)
            )
            yield from (lengths.get(name, 1) if isinstance(name, str) else 1 for name in names)
