"""Calls of a tokenizer, whose failures become one line that names the tokenizer and the text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from repalign.errors import RepalignError
from repalign.models.explaining import attempt

if TYPE_CHECKING:
    from transformers import BatchEncoding, PreTrainedTokenizerBase

MAX_GROWTH = 50
"""How many times longer a tokenizer's replacements may make a text: real ones stay below 20, even where every emoji
becomes its name. A chain of replacements that multiply the text could fill any memory."""

SHORT = 1_000
"""Characters of a text that may always grow so much: a single character may become a long name."""

MARK = "\uffff"
"""Stands for a match while matches are counted; no character."""


def encode(
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    names: Sequence[str] | None = None,
    **options: Any,
) -> BatchEncoding:
    """`tokenizer(texts, **options)`.

    Args:
        names: what the user calls each text, for the message: the sentence without its template. By default the text.

    Raises:
        RepalignError: the tokenizer fails, in whatever way, or its normalizer multiplies the text.
    """
    encoded = attempt(_encoded, tokenizer, texts, options)
    if not isinstance(encoded, BaseException):
        return encoded
    alone = ((row, attempt(_encoded, tokenizer, [text], options)) for row, text in enumerate(texts))
    row, error = next(((row, one) for row, one in alone if isinstance(one, BaseException)), (0, encoded))
    raise RepalignError(
        f"{name_of(tokenizer)} fails on {(names or texts)[row][:60]!r}: {_reason(error)}; "
        "drop that text, or save the tokenizer's files again"
    ) from error


def decode(tokenizer: PreTrainedTokenizerBase, rows: Sequence[Sequence[int]], **options: Any) -> list[str]:
    """`tokenizer.batch_decode(rows, **options)`.

    Raises:
        RepalignError: the tokenizer fails, in whatever way, or its decoder multiplies the text.
    """
    texts = attempt(_decoded, tokenizer, rows, options)
    if isinstance(texts, BaseException):
        raise RepalignError(
            f"{name_of(tokenizer)} cannot write its tokens as text: {_reason(texts)}; save the tokenizer's files again"
        ) from texts
    return texts


def name_of(tokenizer: PreTrainedTokenizerBase) -> str:
    """E.g. "the tokenizer in models/x", for messages."""
    place = getattr(tokenizer, "name_or_path", "")
    return f"the tokenizer in {place}" if place else f"the tokenizer ({type(tokenizer).__name__})"


def _reason(error: BaseException) -> str:
    reason = str(error) if isinstance(error, RepalignError) else f"{type(error).__name__}: {error}"
    return " ".join(reason.split())


def _encoded(tokenizer: Any, texts: Sequence[str], options: dict[str, Any]) -> BatchEncoding:
    steps = _steps_of(tokenizer, "normalizer")
    # Within the limit, as with every real tokenizer, the text need not be looked at.
    if _most_growth(steps) > MAX_GROWTH:
        _check_growth(steps, "\n".join(texts))
    encoded = tokenizer(list(texts), verbose=False, **options)
    if not tokenizer.is_fast and any(None in ids for ids in encoded["input_ids"]):
        raise ValueError("a token of it has no id, and the tokenizer has no unknown token")
    return encoded


def _decoded(tokenizer: Any, rows: Sequence[Sequence[int]], options: dict[str, Any]) -> list[str]:
    if _most_growth(_steps_of(tokenizer, "decoder")) > MAX_GROWTH:
        raise RepalignError(f"its decoder could make texts more than {MAX_GROWTH} times longer")
    return tokenizer.batch_decode(rows, **options)


def _steps_of(tokenizer: Any, part: str) -> list[dict[str, Any]]:
    """The normalizers or decoders of a tokenizer as tokenizer.json has them, one after the other."""
    step = getattr(getattr(tokenizer, "backend_tokenizer", None), part, None)
    if step is None:
        return []
    try:
        return list(_flat(json.loads(step.__getstate__())))
    except Exception:  # written in Python, and from no file
        return []


def _flat(step: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if step["type"] == "Sequence":
        for inner in step.get("normalizers") or step.get("decoders") or []:
            yield from _flat(inner)
    else:
        yield step


def _most_growth(steps: Sequence[dict[str, Any]]) -> float:
    """How many times longer the replacements among some steps make a text at most; no other step can multiply it."""
    replacements = (step for step in steps if step["type"] == "Replace")
    return math.prod(
        max(1.0, len(step["content"]) / (len(step["pattern"].get("String", "")) or 1))
        for step in replacements
    )


def _check_growth(steps: Sequence[dict[str, Any]], text: str) -> None:
    """
    Raises:
        RepalignError: the replacements would make this text more than `MAX_GROWTH` times longer.
    """
    limit = MAX_GROWTH * max(len(text), SHORT)
    for step in steps:
        if step["type"] == "Replace":
            matches = _made({**step, "content": MARK}).normalize_str(text).count(MARK)
            if len(text) + matches * len(step["content"]) > limit:
                raise RepalignError(f"its normalizer makes texts more than {MAX_GROWTH} times longer")
        text = _made(step).normalize_str(text)


def _made(step: dict[str, Any]) -> Any:
    from tokenizers import Tokenizer, models

    empty = json.loads(Tokenizer(models.BPE()).to_str())
    return Tokenizer.from_str(json.dumps({**empty, "normalizer": step})).normalizer
