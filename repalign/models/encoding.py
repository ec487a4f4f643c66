"""Calls of a tokenizer, whose failures become one line that names the tokenizer and the text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from repalign.errors import RepalignError

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
    encoded = _attempt(tokenizer, texts, options)
    if not isinstance(encoded, BaseException):
        return encoded
    failures = ((row, _attempt(tokenizer, [text], options)) for row, text in enumerate(texts))
    row, error = next(((row, one) for row, one in failures if isinstance(one, BaseException)), (0, encoded))
    reason = str(error) if isinstance(error, RepalignError) else f"{type(error).__name__}: {error}"
    shown = (names or texts)[row][:60]
    raise RepalignError(
        f"{name_of(tokenizer)} fails on {shown!r}: {' '.join(reason.split())}; "
        "drop that text, or save the tokenizer's files again"
    ) from error


def name_of(tokenizer: PreTrainedTokenizerBase) -> str:
    """E.g. "the tokenizer in models/x", for messages."""
    place = getattr(tokenizer, "name_or_path", "")
    return f"the tokenizer in {place}" if place else f"the tokenizer ({type(tokenizer).__name__})"


def _attempt(tokenizer: Any, texts: Sequence[str], options: dict[str, Any]) -> BatchEncoding | BaseException:
    try:
        _check_growth(tokenizer, texts)
        encoded = tokenizer(list(texts), verbose=False, **options)
        if not tokenizer.is_fast and any(None in ids for ids in encoded["input_ids"]):
            raise ValueError("a token of it has no id, and the tokenizer has no unknown token")
        return encoded
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic of the Rust code is no Exception
        return error


def _check_growth(tokenizer: Any, texts: Sequence[str]) -> None:
    """
    Raises:
        RepalignError: the replacements of the normalizer would make the text more than `MAX_GROWTH` times longer.
    """
    normalizer = getattr(getattr(tokenizer, "backend_tokenizer", None), "normalizer", None)
    try:
        steps = list(_steps(json.loads(normalizer.__getstate__()))) if normalizer is not None else []
    except Exception:  # written in Python, and from no file
        return
    if math.prod(map(_most_growth, steps)) <= MAX_GROWTH:
        return  # as with every real tokenizer: the text need not be looked at
    text = "\n".join(texts)
    limit = MAX_GROWTH * max(len(text), SHORT)
    for step in steps:
        if step["type"] == "Replace":
            matches = _made({**step, "content": MARK}).normalize_str(text).count(MARK)
            if len(text) + matches * len(step["content"]) > limit:
                raise RepalignError(f"its normalizer makes texts more than {MAX_GROWTH} times longer")
        text = _made(step).normalize_str(text)


def _steps(normalizer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The normalizers of a sequence, as tokenizer.json has them, one after the other."""
    if normalizer["type"] == "Sequence":
        for step in normalizer["normalizers"]:
            yield from _steps(step)
    else:
        yield normalizer


def _most_growth(step: dict[str, Any]) -> float:
    """How many times longer a replacement makes a text at most; 1 for other normalizers, which cannot multiply it."""
    if step["type"] != "Replace":
        return 1.0
    shortest = len(step["pattern"].get("String", "")) or 1
    return max(1.0, len(step["content"]) / shortest)


def _made(step: dict[str, Any]) -> Any:
    from tokenizers import Tokenizer, models

    empty = json.loads(Tokenizer(models.BPE()).to_str())
    return Tokenizer.from_str(json.dumps({**empty, "normalizer": step})).normalizer
