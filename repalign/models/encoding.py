"""Calls of a tokenizer, whose failures become one line that names the tokenizer and the text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from repalign.errors import RepalignError

if TYPE_CHECKING:
    from transformers import BatchEncoding, PreTrainedTokenizerBase

MAX_GROWTH = 50
"""How many times longer a tokenizer's replacements may make a text: real ones stay below 20, even where every emoji
becomes its name. A chain of replacements that multiply the text could fill any memory."""

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
    steps = list(_steps(getattr(getattr(tokenizer, "backend_tokenizer", None), "normalizer", None)))
    replacements = [_replacement(step) for step in steps]
    most = 1.0
    for pattern, content in filter(None, replacements):
        most *= max(1.0, len(content) / (len(pattern) if isinstance(pattern, str) else 1))
    if most <= MAX_GROWTH:
        return  # as good as always: the text need not be looked at
    text = "\n".join(texts)
    limit = MAX_GROWTH * len(text)
    for step, replacement in zip(steps, replacements, strict=True):
        if replacement is not None and len(text) + _matches(text, *replacement) * len(replacement[1]) > limit:
            raise RepalignError(f"its normalizer makes texts more than {MAX_GROWTH} times longer")
        text = step.normalize_str(text)


def _steps(normalizer: Any) -> Iterator[Any]:
    """The normalizers in a sequence, one after the other."""
    from tokenizers import normalizers

    if isinstance(normalizer, normalizers.Sequence):
        for number in range(len(normalizer)):
            yield from _steps(normalizer[number])
    elif normalizer is not None:
        yield normalizer


def _replacement(step: Any) -> tuple[Any, str] | None:
    """Pattern and content of a normalizer that replaces: a text, or a regular expression of tokenizers."""
    from tokenizers import Regex, normalizers

    if not isinstance(step, normalizers.Replace):
        return None
    state = json.loads(step.__getstate__())
    (kind, pattern), *_ = state["pattern"].items()
    return pattern if kind == "String" else Regex(pattern), state["content"]


def _matches(text: str, pattern: Any, content: str) -> int:
    from tokenizers import normalizers

    return normalizers.Replace(pattern, MARK).normalize_str(text).count(MARK)
